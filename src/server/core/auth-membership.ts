/**
 * The authorisation rules of `m.room.member`: who may join, invite, leave, kick, ban and knock.
 *
 * Source: Matrix specification, "Room Version 11", "Authorization rules", rule 5.
 */
import { NotAllowedError } from "./not-allowed.js";
import type { EventDraft } from "./event.js";
import { stringOrNone } from "./json.js";
import { PowerLevels } from "./power-levels.js";
import { takesKnocks, type RoomState } from "./room-state.js";

/** @throws NotAllowedError with the rule that refuses */
export function judgeMembership(state: RoomState, event: EventDraft): void {
  const target = event.stateKey;
  if (target === undefined) throw new NotAllowedError("a membership needs a state key");
  if (event.content["third_party_invite"] !== undefined)
    throw new NotAllowedError("third-party invites are not taken here");

  switch (event.content["membership"]) {
    case "join":
      return judgeJoin(state, event, target);
    case "invite":
      return judgeInvite(state, event.sender, target);
    case "leave":
      return judgeLeave(state, event.sender, target);
    case "ban":
      return judgeBan(state, event.sender, target);
    case "knock":
      return judgeKnock(state, event.sender, target);
    default:
      throw new NotAllowedError("the membership is unknown");
  }
}

function judgeJoin(state: RoomState, event: EventDraft, target: string): void {
  // The founder walks into an empty room: nothing but its create event is there.
  if (state.size === 1 && state.creators[0] === target && event.sender === target) return;
  if (event.sender !== target) throw new NotAllowedError("nobody can be made to join");

  const membership = state.membership(target);
  if (membership === "ban") throw new NotAllowedError("you are banned from this room");
  if (membership === "join") return;
  if (!state.version.joinRules.includes(state.joinRule))
    throw new NotAllowedError("this room cannot be joined");
  switch (state.joinRule) {
    case "public":
      return;
    case "invite":
    case "knock":
      if (membership === "invite") return;
      throw new NotAllowedError("you are not invited to this room");
    default: {
      if (membership === "invite") return;
      const voucher = stringOrNone(event.content["join_authorised_via_users_server"]);
      if (
        voucher !== undefined &&
        state.membership(voucher) === "join" &&
        new PowerLevels(state).can(voucher, "invite")
      )
        return;
      throw new NotAllowedError("you are in none of the rooms whose members may join this one");
    }
  }
}

function judgeInvite(state: RoomState, sender: string, target: string): void {
  if (state.membership(sender) !== "join") throw new NotAllowedError("only members invite");
  const membership = state.membership(target);
  if (membership === "join") throw new NotAllowedError(`${target} is in the room already`);
  if (membership === "ban") throw new NotAllowedError(`${target} is banned from the room`);
  if (!new PowerLevels(state).can(sender, "invite")) throw new NotAllowedError("inviting needs more power");
}

function judgeLeave(state: RoomState, sender: string, target: string): void {
  const membership = state.membership(target);
  if (sender === target) {
    if (membership === "join" || membership === "invite" || membership === "knock") return;
    throw new NotAllowedError("you are not in this room");
  }
  if (state.membership(sender) !== "join") throw new NotAllowedError("you are not in this room");
  const levels = new PowerLevels(state);
  if (membership === "ban" && !levels.can(sender, "ban"))
    throw new NotAllowedError("lifting a ban needs more power");
  if (!levels.can(sender, "kick")) throw new NotAllowedError("removing people needs more power");
  if (levels.ofUser(target) >= levels.ofUser(sender))
    throw new NotAllowedError(`${target} has as much power as you`);
}

function judgeBan(state: RoomState, sender: string, target: string): void {
  if (state.membership(sender) !== "join") throw new NotAllowedError("you are not in this room");
  const levels = new PowerLevels(state);
  if (!levels.can(sender, "ban")) throw new NotAllowedError("banning needs more power");
  if (levels.ofUser(target) >= levels.ofUser(sender))
    throw new NotAllowedError(`${target} has as much power as you`);
}

function judgeKnock(state: RoomState, sender: string, target: string): void {
  if (!takesKnocks(state)) throw new NotAllowedError("this room takes no knocks");
  if (sender !== target) throw new NotAllowedError("people knock for themselves");
  const membership = state.membership(target);
  if (membership === "ban") throw new NotAllowedError("you are banned from this room");
  if (membership === "invite" || membership === "join")
    throw new NotAllowedError("you may come in without knocking");
}
