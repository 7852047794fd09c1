/**
 * Rooms in the hands of administrators: shutting one down, blocking it, taking its history away.
 *
 * What goes are messages. State stays, as devices that were away have to learn that they are out, and as who may see
 * what is computed from it; so does the newest event, on which the next one is built; and whatever the broker has not
 * confirmed yet.
 */
import type { ServerConfig } from "../../shared/server-config.js";
import type { RoomRow } from "../store/room-administration.js";
import type { Store } from "../store/store.js";
import { notFound } from "./failure.js";
import type { Rooms } from "./rooms.js";

/** Events that go in one transaction: a few milliseconds of others' time. */
const BATCH = 250;

export interface ShutDown {
  /** Nobody comes in any more. */
  readonly block: boolean;
  /** Its messages go. */
  readonly purge: boolean;
  /** For people who are put out, and for the list of blocked rooms. */
  readonly reason?: string;
}

export class RoomAdministration {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #bus: ServerConfig["bus"]["kind"];

  constructor(store: Store, rooms: Rooms, bus: ServerConfig["bus"]["kind"]) {
    this.#store = store;
    this.#rooms = rooms;
    this.#bus = bus;
  }

  /** @throws Failure M_NOT_FOUND */
  async get(roomId: string): Promise<RoomRow> {
    const room = await this.#store.roomAdministration.room(roomId);
    if (room === undefined) throw notFound("there is no such room");
    return room;
  }

  /** @returns who was put out, and how many messages went */
  async shutDown(
    roomId: string,
    { block, purge, reason }: ShutDown,
  ): Promise<{ readonly removed: readonly string[]; readonly purged: number }> {
    await this.get(roomId);
    // First: who is put out does not come back meanwhile.
    if (block) await this.block(roomId, reason);
    const left = await this.#rooms.sendAll(roomId, (state) =>
      (["join", "invite", "knock"] as const)
        .flatMap((membership) => state.members(membership))
        .map((userId) => ({
          type: "m.room.member",
          stateKey: userId,
          sender: userId,
          content: { membership: "leave", ...(reason !== undefined && { reason }) },
        })),
    );
    for (const alias of await this.#store.directory.aliasesOf(roomId))
      await this.#store.directory.deleteAlias(alias);
    await this.#store.directory.publish(roomId, false);
    return {
      removed: left.flatMap(({ stateKey }) => stateKey ?? []),
      purged: purge ? await this.purge(roomId, {}) : 0,
    };
  }

  /** Where several nodes serve one cloud, another hears of it with the room's next event. */
  async block(roomId: string, reason?: string): Promise<void> {
    await this.#store.roomAdministration.block(roomId, reason);
    this.#rooms.forget(roomId);
  }

  async unblock(roomId: string): Promise<void> {
    await this.#store.roomAdministration.unblock(roomId);
    this.#rooms.forget(roomId);
  }

  /**
   * Takes messages away, those before a moment (milliseconds since 1970), up to an event, or all.
   *
   * @param signal stops it between two batches
   * @returns how many went
   * @throws Failure M_NOT_FOUND for a room or event that is not there
   */
  async purge(
    roomId: string,
    { before, beforeEvent }: { readonly before?: number; readonly beforeEvent?: string },
    signal?: AbortSignal,
  ): Promise<number> {
    const upTo = Math.min(await this.#lastToGo(roomId, beforeEvent), await this.#confirmed());
    let purged = 0;
    for (let after: number | undefined = 0; after !== undefined && signal?.aborted !== true;) {
      const { count, next } = await this.#store.roomAdministration.purge({
        ...{ roomId, after, upTo, limit: BATCH },
        ...(before !== undefined && { before }),
      });
      purged += count;
      after = next;
    }
    return purged;
  }

  async #lastToGo(roomId: string, beforeEvent: string | undefined): Promise<number> {
    const { lastPosition } = (await this.#store.events.room(roomId)) ?? {};
    if (lastPosition === undefined) throw notFound("there is no such room");
    if (beforeEvent === undefined) return lastPosition;
    const event = await this.#store.events.event(beforeEvent);
    if (event === undefined || event.roomId !== roomId) throw notFound("there is no such event in this room");
    return event.position - 1;
  }

  async #confirmed(): Promise<number> {
    return this.#bus === "memory" ? Infinity : this.#store.outbox.confirmed(this.#bus);
  }
}
