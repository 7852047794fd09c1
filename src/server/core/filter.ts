/**
 * Filters: what a client wants to see of a sync or of a history.
 *
 * Source: Matrix client-server API, "Filtering". Unknown keys are ignored, as clients may be newer.
 */
import { z } from "zod";
import type { StoredEvent } from "./event.js";
import { RoomId, UserId } from "./ids.js";
import { relationOf } from "./relations.js";

const Texts = z.array(z.string());
const Users = z.array(UserId);
const Rooms = z.array(RoomId);

const EventFilter = z.object({
  limit: z.int().min(0).optional(),
  types: Texts.nullish(),
  not_types: Texts.nullish(),
  senders: Users.nullish(),
  not_senders: Users.nullish(),
});
export const RoomEventFilter = EventFilter.extend({
  rooms: Rooms.nullish(),
  not_rooms: Rooms.nullish(),
  contains_url: z.boolean().nullish(),
  lazy_load_members: z.boolean().nullish(),
  include_redundant_members: z.boolean().nullish(),
  unread_thread_notifications: z.boolean().nullish(),
  // MSC3874, under the name that clients ask by.
  "org.matrix.msc3874.rel_types": Texts.nullish(),
  "org.matrix.msc3874.not_rel_types": Texts.nullish(),
});
export const SyncFilter = z.object({
  event_fields: Texts.nullish(),
  event_format: z.enum(["client", "federation"]).nullish(),
  presence: EventFilter.nullish(),
  account_data: EventFilter.nullish(),
  room: z
    .object({
      rooms: Rooms.nullish(),
      not_rooms: Rooms.nullish(),
      include_leave: z.boolean().nullish(),
      timeline: RoomEventFilter.nullish(),
      state: RoomEventFilter.nullish(),
      ephemeral: RoomEventFilter.nullish(),
      account_data: RoomEventFilter.nullish(),
    })
    .nullish(),
});
export type EventFilter = z.infer<typeof EventFilter>;
export type RoomEventFilter = z.infer<typeof RoomEventFilter>;
export type SyncFilter = z.infer<typeof SyncFilter>;

interface Filterable {
  readonly type: string;
  readonly sender?: string;
}

/** Whether a filter lets something with a type, and perhaps a sender, through. */
export function passes(filter: EventFilter | null | undefined, { type, sender }: Filterable): boolean {
  if (filter == null) return true;
  if (filter.not_types?.some((pattern) => matches(pattern, type)) === true) return false;
  if (filter.types != null && !filter.types.some((pattern) => matches(pattern, type))) return false;
  if (sender === undefined) return true;
  if (filter.not_senders?.includes(sender) === true) return false;
  return filter.senders == null || filter.senders.includes(sender);
}

/** Whether a filter lets an event of a room through. */
export function passesEvent(filter: RoomEventFilter | null | undefined, event: StoredEvent): boolean {
  if (filter == null) return true;
  if (!passes(filter, event) || !passesRoom(filter, event.roomId)) return false;
  if (!passesRelation(filter, event)) return false;
  return filter.contains_url == null || filter.contains_url === (typeof event.content["url"] === "string");
}

/** What speaks of no other event passes where nothing else is asked for. */
function passesRelation(filter: RoomEventFilter, { content }: StoredEvent): boolean {
  const wanted = filter["org.matrix.msc3874.rel_types"];
  const unwanted = filter["org.matrix.msc3874.not_rel_types"];
  if (wanted == null && unwanted == null) return true;
  const relType = relationOf(content)?.relType;
  if (relType === undefined) return wanted == null;
  return unwanted?.includes(relType) !== true && (wanted == null || wanted.includes(relType));
}

/** Whether a filter lets a room through. */
export function passesRoom(
  filter: { rooms?: string[] | null | undefined; not_rooms?: string[] | null | undefined } | null | undefined,
  roomId: string,
): boolean {
  if (filter == null) return true;
  return (
    filter.not_rooms?.includes(roomId) !== true && (filter.rooms == null || filter.rooms.includes(roomId))
  );
}

/** `*` stands for any number of characters. */
function matches(pattern: string, type: string): boolean {
  if (!pattern.includes("*")) return pattern === type;
  const parts = pattern.split("*");
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (!type.startsWith(first) || !type.endsWith(last) || type.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = type.indexOf(part, at);
    if (found < 0 || found + part.length > type.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
