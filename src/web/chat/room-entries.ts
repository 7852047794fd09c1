/**
 * The list of chats: what each line says, and in which order they stand.
 */
import {
  EventType,
  JoinRule,
  KnownMembership,
  NotificationCountType,
  PushRuleActionName,
  type MatrixClient,
  type MatrixEvent,
  type Room,
} from "matrix-js-sdk";
import { describeBriefly, shortName } from "./describe.js";

export type RoomGroup = "invitations" | "favourites" | "people" | "rooms" | "lowPriority";

/** The groups in the order in which they are shown. */
export const GROUPS: readonly RoomGroup[] = ["invitations", "favourites", "people", "rooms", "lowPriority"];

export interface RoomEntry {
  readonly id: string;
  readonly name: string;
  /** `mxc://`. */
  readonly avatar: string | undefined;
  readonly group: RoomGroup;
  /** What was said last, in a few words. */
  readonly preview: string;
  /** When, in milliseconds since 1970; 0 where nothing was. */
  readonly at: number;
  readonly unread: number;
  readonly mentions: number;
  readonly isMuted: boolean;
  readonly isPublic: boolean;
}

/** @returns everything that belongs in the list, newest first in each group */
export function listRooms(client: MatrixClient): RoomEntry[] {
  const direct = directRooms(client);
  return client
    .getVisibleRooms()
    .filter((room) => isListed(room))
    .map((room) => entryOf(client, room, direct))
    .sort((one, other) => other.at - one.at);
}

const isListed = (room: Room): boolean =>
  !room.isSpaceRoom() && ["join", "invite"].includes(room.getMyMembership());

/** The ids of rooms that are for two. Source: Matrix client-server API, "Direct Messaging". */
export function directRooms(client: MatrixClient): ReadonlySet<string> {
  const content = client.getAccountData(EventType.Direct)?.getContent<Record<string, string[]>>() ?? {};
  return new Set(Object.values(content).flat());
}

function entryOf(client: MatrixClient, room: Room, direct: ReadonlySet<string>): RoomEntry {
  const last = lastEvent(room);
  return {
    id: room.roomId,
    name: shortName(room.name),
    avatar: avatarOf(room, direct.has(room.roomId)),
    group: groupOf(room, direct),
    preview: last === undefined ? "" : describeBriefly(last, room),
    at: last?.getTs() ?? 0,
    unread: room.getUnreadNotificationCount(NotificationCountType.Total),
    mentions: room.getUnreadNotificationCount(NotificationCountType.Highlight),
    isMuted: isMuted(client, room.roomId),
    isPublic: room.getJoinRule() === JoinRule.Public,
  };
}

function groupOf(room: Room, direct: ReadonlySet<string>): RoomGroup {
  if (room.getMyMembership() === String(KnownMembership.Invite)) return "invitations";
  if ("m.favourite" in room.tags) return "favourites";
  if ("m.lowpriority" in room.tags) return "lowPriority";
  return direct.has(room.roomId) ? "people" : "rooms";
}

/** Of two, the other one's where the room has none. */
export function avatarOf(room: Room, isDirect: boolean): string | undefined {
  return room.getMxcAvatarUrl() ?? (isDirect ? room.getAvatarFallbackMember()?.getMxcAvatarUrl() : undefined);
}

/** The newest that somebody said; what only happened (a join, a new name) where nobody said anything. */
function lastEvent(room: Room): MatrixEvent | undefined {
  const events = room.getLiveTimeline().getEvents();
  const pending = room.getPendingEvents().at(-1);
  if (pending !== undefined) return pending;
  return (
    [...events].reverse().find((event) => !event.isState() && describeBriefly(event, room) !== "") ??
    events.at(-1) ??
    undefined
  );
}

/** Source: Matrix client-server API, "Push Rules": a rule of the room's own that does nothing, of either kind. */
export function isMuted(client: MatrixClient, roomId: string): boolean {
  const { override = [], room = [] } = client.pushRules?.global ?? {};
  return [...override, ...room].some(
    ({ rule_id, enabled, actions }) =>
      rule_id === roomId &&
      enabled &&
      (actions.length === 0 || actions.includes(PushRuleActionName.DontNotify)),
  );
}
