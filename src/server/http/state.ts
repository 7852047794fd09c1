/**
 * The state of a room, and its members.
 * Source: Matrix client-server API v1.19, "Getting events for a room", "Sending events to a room".
 */
import { z } from "zod";
import { toClientEvent, type StoredEvent } from "../core/event.js";
import { EventType, newToken, RoomId, StateKey } from "../core/ids.js";
import { itemsOf, stringOrNone, type JsonObject } from "../core/json.js";
import { repetitionOf } from "../core/repetition.js";
import { membershipOf, type Membership } from "../core/room-state.js";
import { parseHistoryToken } from "../core/tokens.js";
import { mayRead } from "../core/visibility.js";
import { Failure, forbidden, invalid, notFound } from "../service/failure.js";
import type { Asked } from "./endpoint.js";
import { endpoint, group, Json } from "./endpoint.js";
import { timeOf, TimestampQuery } from "./as-service.js";
import { Content } from "./content.js";
import { DelayQuery, scheduled, Scheduled } from "./delayed-events.js";
import type { Services } from "../service/services.js";
import type { Store } from "../store/store.js";

const Room = z.object({ roomId: RoomId });
const Key = z.object({ roomId: RoomId, eventType: EventType, stateKey: StateKey.default("") });
const Format = z.object({ format: z.enum(["content", "event"]).default("content") });
const Sent = z.object({ event_id: z.string() });
const PutQuery = DelayQuery.extend(TimestampQuery.shape);

/**
 * The state that the caller may see: the current one for members, the one at their leaving for those who left.
 *
 * @throws Failure M_FORBIDDEN for those who never were inside
 */
async function stateFor(roomId: string, userId: string, { rooms, store }: Services): Promise<StoredEvent[]> {
  const state = await rooms.state(roomId);
  const row = await store.events.membership(userId, roomId);
  if (row?.membership === "join" || state.historyVisibility === "world_readable")
    return store.events.currentState(roomId);
  const isOut = row?.membership === "leave" || row?.membership === "ban";
  const leftAt = isOut && !row.forgotten ? await lastLeaving(roomId, userId, store) : undefined;
  if (leftAt === undefined) throw forbidden("you are not in this room");
  return store.events.stateAt(roomId, leftAt);
}

/** Where somebody's last stay ended: a ban, or a refused invite, may have come later. */
async function lastLeaving(roomId: string, userId: string, { events }: Store): Promise<number | undefined> {
  const members = await events.stateContents(roomId, "m.room.member", userId);
  const inside = members.findLastIndex(({ content }) => membershipOf(content) === "join");
  return inside < 0 ? undefined : members[inside + 1]?.position;
}

async function getState(
  { caller, params, query }: Asked<z.infer<typeof Key>, z.infer<typeof Format>, object>,
  services: Services,
) {
  const state = await stateFor(params.roomId, caller.userId, services);
  const event = state.find(({ type, stateKey }) => type === params.eventType && stateKey === params.stateKey);
  if (event === undefined) throw notFound("the room has no such state");
  return query.format === "event" ? toClientEvent(event, caller) : event.content;
}

async function putState(
  { caller, params, query, body }: Asked<z.infer<typeof Key>, z.infer<typeof PutQuery>, JsonObject>,
  services: Services,
) {
  const { roomId, eventType: type, stateKey } = params;
  if (type === "m.room.member" && body["membership"] === "invite")
    await services.invitePermission.assertInvitable(stateKey, caller.userId);
  if (type === "m.room.canonical_alias") await assertAliases(roomId, body, services);
  if (type === "m.room.create") throw invalid("a room is made once");
  const said = { type, stateKey, sender: caller.userId, content: body, ...timeOf(query, caller) };
  const draftIn = type === "m.room.member" ? await services.memberships.vouchedFor(roomId, said) : () => said;
  // Each request of its own: there is no transaction id to know a repetition by.
  const delayMs = query["org.matrix.msc4140.delay"];
  if (delayMs !== undefined) {
    const draft = draftIn(await services.rooms.state(roomId));
    return scheduled(delayMs, caller, roomId, draft, newToken("put"), services);
  }
  let repeated: string | undefined;
  const [event] = await services.rooms.sendAll(roomId, (current) => {
    const draft = draftIn(current);
    repeated = repetitionOf(current, draft);
    return repeated === undefined ? [draft] : [];
  });
  return { event_id: event?.eventId ?? repeated ?? "" };
}

/** A canonical alias must lead to its room, or people would be led elsewhere under its name. */
async function assertAliases(roomId: string, content: JsonObject, { store, rooms }: Services): Promise<void> {
  const old = (await rooms.state(roomId)).content("m.room.canonical_alias");
  const listed = (from: JsonObject | undefined) =>
    [from?.["alias"] ?? "", ...itemsOf(from?.["alt_aliases"])].filter((alias) => alias !== "");
  const known = listed(old);
  for (const alias of listed(content)) {
    if (known.includes(alias)) continue;
    if (typeof alias !== "string" || !/^#.+:.+$/.test(alias))
      throw invalid("an alias looks like #name:server");
    if ((await store.directory.alias(alias))?.roomId !== roomId) {
      throw new Failure("M_BAD_ALIAS", `${alias} does not lead to this room`);
    }
  }
}

export const state = group("Room state", [
  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/state",
    params: Room,
    reply: z.array(Json),
    async handle({ caller, params }, services) {
      const events = await stateFor(params.roomId, caller.userId, services);
      return events.map((event) => toClientEvent(event, caller));
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}",
    params: Key,
    query: Format,
    reply: Json,
    handle: getState,
  }),
  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}",
    params: Key,
    query: Format,
    reply: Json,
    handle: getState,
  }),
  endpoint({
    route: "PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}",
    refusesSuspended: true,
    limit: "message",
    params: Key,
    query: PutQuery,
    body: Content,
    reply: z.union([Sent, Scheduled]),
    handle: putState,
  }),
  endpoint({
    route: "PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}",
    refusesSuspended: true,
    limit: "message",
    params: Key,
    query: PutQuery,
    body: Content,
    reply: z.union([Sent, Scheduled]),
    handle: putState,
  }),

  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/members",
    params: Room,
    query: z.object({
      at: z.string().optional(),
      membership: z.string().optional(),
      not_membership: z.string().optional(),
    }),
    reply: z.object({ chunk: z.array(Json) }),
    async handle({ caller, params, query }, services) {
      const events = await membersFor(params.roomId, caller.userId, query.at, services);
      const { membership: wanted, not_membership: unwanted } = query;
      // Both together are an "or": the specification says so.
      const isWanted = (membership: Membership) =>
        (wanted === undefined && unwanted === undefined) ||
        wanted === membership ||
        (unwanted !== undefined && unwanted !== membership);
      return {
        chunk: events
          .filter(({ type, content }) => type === "m.room.member" && isWanted(membershipOf(content)))
          .map((event) => toClientEvent(event, caller)),
      };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/joined_members",
    params: Room,
    reply: z.object({
      joined: z.record(
        z.string(),
        z.object({ display_name: z.string().optional(), avatar_url: z.string().optional() }),
      ),
    }),
    async handle({ caller, params }, { rooms }) {
      const current = await rooms.state(params.roomId);
      if (current.membership(caller.userId) !== "join") throw forbidden("you are not in this room");
      const members = current.members("join").map((userId) => {
        const content = current.content("m.room.member", userId);
        const name = stringOrNone(content?.["displayname"]);
        const avatar = stringOrNone(content?.["avatar_url"]);
        return [
          userId,
          {
            ...(name !== undefined && { display_name: name }),
            ...(avatar !== undefined && { avatar_url: avatar }),
          },
        ];
      });
      return {
        joined: Object.fromEntries(members) as Record<string, { display_name?: string; avatar_url?: string }>,
      };
    },
  }),
]);

async function membersFor(
  roomId: string,
  userId: string,
  at: string | undefined,
  services: Services,
): Promise<StoredEvent[]> {
  const now = await stateFor(roomId, userId, services);
  if (at === undefined) return now;
  const position = parseHistoryToken(at);
  if (position === undefined) throw invalid("`at` is none of this server's tokens");
  const last = now.reduce((latest, event) => Math.max(latest, event.position), 0);
  // A token may stand in front of the whole room: it began when who made it was inside.
  const beginning = await services.store.events.history(roomId, { after: 0, upTo: last }, "f", 2);
  const first = beginning.at(-1)?.position ?? 0;
  const moment = Math.max(first, Math.min(position, last));
  if (!mayRead(await services.history.viewpoint(roomId, userId), moment))
    throw forbidden("you may not read what was in the room then");
  return services.store.events.stateAt(roomId, moment);
}
