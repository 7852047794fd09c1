/**
 * How many events of a room a user has not read, by the user's push rules.
 *
 * Counted when the user asks, from where the last count stopped: a message costs nothing for members who are
 * not there, and a sync costs the events that are new.
 */
import { evaluate, type Verdict } from "../core/push-evaluate.js";
import { toClientEvent, type StoredEvent } from "../core/event.js";
import { stringOrNone } from "../core/json.js";
import { PowerLevels } from "../core/power-levels.js";
import type { Store } from "../store/store.js";
import type { PushRules } from "./push-rules.js";
import type { Rooms } from "./rooms.js";

/** Counts that are remembered, over all users and rooms. */
const REMEMBERED = 20_000;
const BATCH = 500;

export interface Unread {
  readonly notifications: number;
  readonly highlights: number;
}

interface Count extends Unread {
  readonly readUpTo: number;
  readonly countedUpTo: number;
}

export class UnreadCounts {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #rules: PushRules;
  readonly #counts = new Map<string, Count>();

  constructor(store: Store, rooms: Rooms, rules: PushRules) {
    this.#store = store;
    this.#rooms = rooms;
    this.#rules = rules;
  }

  async of(userId: string, roomId: string, upTo: number): Promise<Unread> {
    const key = `${userId} ${roomId}`;
    const readUpTo = await this.#readUpTo(userId, roomId);
    const known = this.#counts.get(key);
    const start: Count =
      known !== undefined && known.readUpTo === readUpTo && known.countedUpTo <= upTo
        ? known
        : { readUpTo, countedUpTo: readUpTo, notifications: 0, highlights: 0 };
    const count = await this.#count(userId, roomId, start, upTo);
    this.#counts.delete(key);
    this.#counts.set(key, count);
    if (this.#counts.size > REMEMBERED) this.#counts.delete(this.#counts.keys().next().value ?? "");
    return count;
  }

  /** How far the receipts say; without one, from when the user came in. */
  async #readUpTo(userId: string, roomId: string): Promise<number> {
    const receipts = await this.#store.personal.receiptsOf(userId, roomId);
    if (receipts.length > 0) return Math.max(...receipts.map(({ eventPosition }) => eventPosition));
    const members = await this.#store.events.stateHistory(roomId, "m.room.member", userId);
    const outside = members.findLastIndex(({ content }) => content["membership"] !== "join");
    return members[outside + 1]?.position ?? 0;
  }

  async #count(userId: string, roomId: string, start: Count, upTo: number): Promise<Count> {
    let { countedUpTo, notifications, highlights } = start;
    let judge: ((event: StoredEvent) => Verdict) | undefined;
    while (countedUpTo < upTo) {
      const events = await this.#store.events.history(roomId, { after: countedUpTo, upTo }, "f", BATCH);
      for (const event of events) {
        if (event.sender === userId) continue;
        // The rules need the whole room: only when there is something to judge.
        judge ??= await this.#judge(userId, roomId);
        const { notify, highlight } = judge(event);
        notifications += notify ? 1 : 0;
        highlights += highlight ? 1 : 0;
      }
      countedUpTo = events.length < BATCH ? upTo : (events.at(-1)?.position ?? upTo);
    }
    return { readUpTo: start.readUpTo, countedUpTo, notifications, highlights };
  }

  async #judge(userId: string, roomId: string): Promise<(event: StoredEvent) => Verdict> {
    const state = await this.#rooms.state(roomId);
    const levels = new PowerLevels(state);
    const rules = await this.#rules.of(userId);
    const displayName = stringOrNone(state.content("m.room.member", userId)?.["displayname"]);
    const memberCount = state.members("join").length;
    return (event) =>
      evaluate(rules, toClientEvent(event, { userId, deviceId: "" }), {
        memberCount,
        ...(displayName !== undefined && { displayName }),
        mayNotify: (key) => levels.ofUser(event.sender) >= levels.toNotify(key),
      });
  }
}
