/**
 * What an event means to a member of its room, by the rules that the member has now.
 */
import { toClientEvent, type StoredEvent } from "../core/event.js";
import { stringOrNone } from "../core/json.js";
import { PowerLevels } from "../core/power-levels.js";
import { evaluate, type Verdict } from "../core/push-evaluate.js";
import type { RoomState } from "../core/room-state.js";
import type { PushRules } from "./push-rules.js";
import type { Rooms } from "./rooms.js";

const SILENT: Verdict = { notify: false, highlight: false, actions: [] };

export type Judge = (event: StoredEvent) => Verdict;

export class Verdicts {
  readonly #rooms: Rooms;
  readonly #rules: PushRules;

  constructor(rooms: Rooms, rules: PushRules) {
    this.#rooms = rooms;
    this.#rules = rules;
  }

  /** One's own events, and those of people one ignores, mean nothing. @throws Failure M_NOT_FOUND */
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
      return (event) => {
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
