/**
 * What somebody who is invited, or knocks, may see of a room from outside.
 *
 * Source: Matrix client-server API, "Stripped state".
 */
import { toStrippedState, type RoomEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { membershipOf, type RoomState, type StateEvent } from "../core/room-state.js";

const SHOWN = [
  "m.room.create",
  "m.room.name",
  "m.room.avatar",
  "m.room.topic",
  "m.room.join_rules",
  "m.room.canonical_alias",
  "m.room.encryption",
];

/**
 * @param state the room before the event
 * @returns undefined unless the event is an invite or a knock
 */
export function strippedFor(state: RoomState, event: RoomEvent): JsonObject[] | undefined {
  if (event.type !== "m.room.member") return undefined;
  const membership = membershipOf(event.content);
  if (membership !== "invite" && membership !== "knock") return undefined;
  const shown = [...SHOWN.map((type) => state.get(type)), state.get("m.room.member", event.sender)];
  return [
    ...shown.flatMap((found) =>
      found === undefined || found.stateKey === event.stateKey ? [] : [toStripped(found)],
    ),
    toStrippedState(event),
  ];
}

/** The create event comes whole: from version 12 on, it is what the room's id can be checked by. Source: MSC4311. */
const toStripped = (event: StateEvent): JsonObject => ({
  type: event.type,
  state_key: event.stateKey ?? "",
  sender: event.sender,
  content: event.content,
  ...(event.type === "m.room.create" && { event_id: event.eventId, origin_server_ts: event.ts }),
});
