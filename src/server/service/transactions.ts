/**
 * A phone repeats a PUT whose answer it never saw: the same device on the same path gets the same event.
 *
 * What was done is stored with the event, in its transaction; here is only what is being done right now.
 */
import type { Store } from "../store/store.js";
import type { Origin } from "./rooms.js";
import type { Caller } from "./sessions.js";

export class Transactions {
  readonly #store: Store;
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * @param send makes the event; it must store the origin with it
   * @returns the id of the event that the path stands for
   */
  async once(
    caller: Caller,
    path: string,
    txnId: string,
    send: (origin: Origin) => Promise<string>,
  ): Promise<string> {
    const key = `${caller.userId} ${caller.deviceId} ${path}`;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const sent = this.#sendOnce({ userId: caller.userId, deviceId: caller.deviceId, txnId, path }, send);
    this.#underWay.set(key, sent);
    try {
      return await sent;
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** The store finds a repetition when it writes; one that is not allowed any more never comes so far. */
  async #sendOnce(origin: Origin, send: (origin: Origin) => Promise<string>): Promise<string> {
    try {
      return await send(origin);
    } catch (error) {
      const sent = await this.#store.events.sentBefore(origin.userId, origin.deviceId, origin.path);
      if (sent === undefined) throw error;
      return sent;
    }
  }
}
