/**
 * How many events a user has not read in all rooms together, for those whose phones show it.
 *
 * Kept by room, so that a message or a receipt lets one room be counted.
 */
import type { Store } from "../store/store.js";
import { Failure } from "./failure.js";
import type { Stream } from "./stream.js";
import type { UnreadCounts } from "./unread.js";

interface Rooms {
  readonly counts: Map<string, number>;
  /** To be counted again. */
  readonly changed: Set<string>;
  total: number;
}

export class UnreadTotals {
  readonly #store: Store;
  readonly #stream: Stream;
  readonly #unread: UnreadCounts;
  readonly #users = new Map<string, Promise<Rooms>>();

  constructor(store: Store, stream: Stream, unread: UnreadCounts) {
    this.#store = store;
    this.#stream = stream;
    this.#unread = unread;
  }

  async of(userId: string): Promise<number> {
    let loading = this.#users.get(userId);
    if (loading === undefined) {
      loading = this.#load(userId);
      this.#users.set(userId, loading);
      loading.catch(() => this.#users.delete(userId));
    }
    const rooms = await loading;
    for (const roomId of [...rooms.changed]) {
      rooms.changed.delete(roomId);
      const count = await this.#count(userId, roomId);
      rooms.total += count - (rooms.counts.get(roomId) ?? 0);
      if (count === 0) rooms.counts.delete(roomId);
      else rooms.counts.set(roomId, count);
    }
    return rooms.total;
  }

  /** Something happened in a room that may change what a user has not read there. */
  async changed(userId: string, roomId: string): Promise<void> {
    (await this.#users.get(userId)?.catch(() => undefined))?.changed.add(roomId);
  }

  forget(userId: string): void {
    this.#users.delete(userId);
  }

  async #load(userId: string): Promise<Rooms> {
    const memberships = await this.#store.events.memberships(userId);
    const joined = memberships.filter(({ membership }) => membership === "join");
    return { counts: new Map(), changed: new Set(joined.map(({ roomId }) => roomId)), total: 0 };
  }

  async #count(userId: string, roomId: string): Promise<number> {
    const membership = await this.#store.events.membership(userId, roomId);
    if (membership?.membership !== "join") return 0;
    try {
      return (await this.#unread.of(userId, roomId, this.#stream.latest)).notifications;
    } catch (error) {
      // The room went in this moment.
      if (error instanceof Failure && error.code === "M_NOT_FOUND") return 0;
      throw error;
    }
  }
}
