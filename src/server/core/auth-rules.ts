/**
 * Whether a room lets an event in: the authorisation rules of room versions 3 to 12.
 *
 * Pure, and judged against one state; the store makes sure that the state is still the room's when the
 * event gets its place. Source: Matrix specification, "Room Version 3" to "12", "Authorization rules". The
 * rules about signatures, foreign servers and third-party invites have nothing to judge here: there is one
 * server, and it takes no third-party invites. Up to version 5 a server lists its aliases in rooms that nobody of it
 * is in; as this one does not, `m.room.aliases` needs what any state needs.
 */
import type { EventDraft } from "./event.js";
import { stringOrNone, type JsonObject } from "./json.js";
import { isServerName, serverOf } from "./ids.js";
import { judgeMembership } from "./auth-membership.js";
import { judgePowerLevels } from "./auth-power-levels.js";
import { NotAllowedError } from "./not-allowed.js";
import { PowerLevels } from "./power-levels.js";
import { hasRestrictedRooms, ROOM_VERSIONS } from "./room-versions.js";
import type { RoomState } from "./room-state.js";

/**
 * @param state the room before the event; empty for a create event
 * @throws NotAllowedError with the rule that refuses
 */
export function authorise(state: RoomState, event: EventDraft): void {
  if (event.type === "m.room.create") return judgeCreation(state, event);
  if (state.get("m.room.create") === undefined) throw new NotAllowedError("the room does not exist");
  if (event.type === "m.room.member") return judgeMembership(state, event);

  if (state.membership(event.sender) !== "join") {
    throw new NotAllowedError(`${event.sender} is not in the room`);
  }
  const levels = new PowerLevels(state);
  const isState = event.stateKey !== undefined;
  const needed =
    event.type === "m.room.third_party_invite" ? levels.level("invite") : levels.toSend(event.type, isState);
  if (levels.ofUser(event.sender) < needed) {
    throw new NotAllowedError(
      `\`${event.type}\` needs power level ${needed}, ${event.sender} has ${levels.ofUser(event.sender)}`,
    );
  }
  if (event.stateKey?.startsWith("@") === true && event.stateKey !== event.sender) {
    throw new NotAllowedError("a state key that is a user id belongs to that user");
  }
  if (event.type === "m.room.power_levels") judgePowerLevels(state, event);
}

/**
 * A redaction is let into the room by anybody who may send it, but takes effect only on one's own events or
 * with the power to redact others'. Source: "Room Version 3", "Handling redactions".
 *
 * @throws NotAllowedError when it would take no effect
 */
export function authoriseRedaction(
  state: RoomState,
  sender: string,
  target: { readonly sender: string },
): void {
  if (target.sender !== sender && !new PowerLevels(state).can(sender, "redact")) {
    throw new NotAllowedError("redacting other people's events needs more power");
  }
}

/** @returns the ids of the state events that an event leans on */
export function authEventsOf(state: RoomState, event: EventDraft): string[] {
  const ids: string[] = [];
  for (const [type, stateKey] of authEventKeys(state, event)) {
    const id = state.get(type, stateKey)?.eventId;
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

/** By type and state key. Source: server-server API, "Auth events selection". */
function authEventKeys(state: RoomState, event: EventDraft): [type: string, stateKey: string][] {
  if (event.type === "m.room.create") return [];
  const keys: [string, string][] = [
    ["m.room.power_levels", ""],
    ["m.room.member", event.sender],
  ];
  // From version 12 on, the room id itself names the create event.
  if (!state.version.creatorsRule) keys.unshift(["m.room.create", ""]);
  if (event.type === "m.room.member" && event.stateKey !== undefined) {
    if (event.stateKey !== event.sender) keys.push(["m.room.member", event.stateKey]);
    const membership = event.content["membership"];
    if (membership === "join" || membership === "invite" || membership === "knock")
      keys.push(["m.room.join_rules", ""]);
    const voucher = stringOrNone(event.content["join_authorised_via_users_server"]);
    if (hasRestrictedRooms(state.version) && voucher !== undefined && voucher !== event.sender)
      keys.push(["m.room.member", voucher]);
  }
  return keys;
}

function judgeCreation(state: RoomState, event: EventDraft): void {
  if (state.size > 0) throw new NotAllowedError("the room exists already");
  const version = ROOM_VERSIONS.get(stringOrNone(event.content["room_version"]) ?? "1");
  if (version === undefined) throw new NotAllowedError("the room version is unknown");
  if (version.creatorInContent && typeof event.content["creator"] !== "string") {
    throw new NotAllowedError("the create event names no creator");
  }
  if (version.creatorsRule) judgeCreators(event.content);
}

function judgeCreators(content: JsonObject): void {
  const others = content["additional_creators"];
  if (others === undefined) return;
  const valid =
    Array.isArray(others) &&
    others.every((id) => typeof id === "string" && id.startsWith("@") && isServerName(serverOf(id)));
  if (!valid) throw new NotAllowedError("`additional_creators` is a list of user ids");
}
