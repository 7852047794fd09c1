/**
 * What an event means to a member of its room, by the rules that the member has now.
 */
import { toClientEvent, type StoredEvent } from "../core/event.js";
import { stringOrNone } from "../core/json.js";
import { PowerLevels } from "../core/power-levels.js";
import { evaluate, type Verdict } from "../core/push-evaluate.js";
import type { RoomState } from "../core/room-state.js";
import type { InvitePermission } from "./invite-permission.js";
import type { PushRules } from "./push-rules.js";
import type { Rooms } from "./rooms.js";

const SILENT: Verdict = { notify: false, highlight: false, actions: [] };

export type Judge = (event: StoredEvent) => Verdict;

export class Verdicts {
  readonly #rooms: Rooms;
  readonly #rules: PushRules;
  readonly #invites: InvitePermission;

  constructor(rooms: Rooms, rules: PushRules, invites: InvitePermission) {
    this.#rooms = rooms;
    this.#rules = rules;
    this.#invites = invites;
  }

  /** One's own events, those of people one ignores and invites that one does not want mean nothing. @throws Failure M_NOT_FOUND */
  async of(userId: string, roomId: string): Promise<Judge> {
    return this.within(await this.#rooms.state(roomId))(userId);
  }

  /** For many members of one room: what they have in common is looked at once. */
  within(state: RoomState): (userId: string) => Promise<Judge> {
    const levels = new PowerLevels(state);
    const memberCount = state.members("join").length;
    return async (userId) => {
      const rules = await this.#rules.of(userId);
      const ignored = await this.#rules.ignoredBy(userId);
      const displayName = stringOrNone(state.content("m.room.member", userId)?.["displayname"]);
      // Of the room nothing else concerns who is only asked in.
      const wants = state.membership(userId) === "invite" ? await this.#invites.of(userId) : undefined;
      return (event) => {
        if (event.stateKey === userId && wants !== undefined && wants(event.sender) !== "allow")
          return SILENT;
        if (event.sender === userId || ignored.has(event.sender)) return SILENT;
        return evaluate(rules, toClientEvent(event, { userId, deviceId: "" }), {
          memberCount,
          ...(displayName !== undefined && { displayName }),
          mayNotify: (key) => levels.ofUser(event.sender) >= levels.toNotify(key),
        });
      };
    };
  }
}
