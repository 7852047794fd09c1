/**
 * The way from the store to the bus.
 *
 * An event's own row is its outbox row: it is written in the event's transaction because it is the event,
 * costs no second write on a card that wears out, and cannot be forgotten. What is kept beside is a cursor per
 * bus: everything up to it was confirmed by the broker, or was refused for good and is a dead letter.
 */
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export interface DeadLetter {
  readonly position: number;
  readonly eventId: string;
  readonly roomId: string;
  /** What the broker said. */
  readonly reason: string;
}

export const outboxProcedures = {
  /**
   * Takes or keeps the right to drain, for a while.
   *
   * @param input `start`: the event after which a bus that is new starts; absent: the newest one
   * @returns where to go on, or null while somebody else has the right
   */
  async leaseOutbox(
    transaction: Transaction,
    input: { bus: string; holder: string; now: number; forMs: number; start?: number },
  ): Promise<number | null> {
    await transaction.run(
      "INSERT INTO outbox (bus, position) VALUES (?, ?) ON CONFLICT DO NOTHING",
      input.bus,
      input.start ?? transaction.last,
    );
    const taken = await transaction.run(
      "UPDATE outbox SET holder = ?, held_until = ? WHERE bus = ? AND (holder = ? OR holder IS NULL OR held_until < ?)",
      input.holder,
      input.now + input.forMs,
      input.bus,
      input.holder,
      input.now,
    );
    if (taken === 0) return null;
    const [row] = await transaction.all<{ position: number }>(
      "SELECT position FROM outbox WHERE bus = ?",
      input.bus,
    );
    return row?.position ?? 0;
  },

  /** Moves the cursor. @returns false when the right to drain is lost; nothing is written then */
  async advanceOutbox(
    transaction: Transaction,
    input: { bus: string; holder: string; position: number; deadLetters: readonly DeadLetter[]; now: number },
  ): Promise<boolean> {
    const moved = await transaction.run(
      "UPDATE outbox SET position = ? WHERE bus = ? AND holder = ? AND position <= ?",
      input.position,
      input.bus,
      input.holder,
      input.position,
    );
    if (moved === 0) return false;
    for (const { position, eventId, roomId, reason } of input.deadLetters) {
      await transaction.run(
        `INSERT INTO dead_letters (bus, position, event_id, room_id, reason, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
        input.bus,
        position,
        eventId,
        roomId,
        reason,
        input.now,
      );
    }
    return true;
  },

  async releaseOutbox(transaction: Transaction, input: { bus: string; holder: string }): Promise<null> {
    await transaction.run(
      "UPDATE outbox SET holder = NULL, held_until = 0 WHERE bus = ? AND holder = ?",
      input.bus,
      input.holder,
    );
    return null;
  },
};

export class OutboxStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  /** The right to drain; a bus that is new starts with the first event. @returns null while somebody else has it */
  lease(bus: string, holder: string, forMs: number): Promise<number | null> {
    return this.#write("leaseOutbox", { bus, holder, forMs, now: Date.now(), start: 0 });
  }

  /** As {@link lease}; but one that is new starts with what happens from now on. */
  leaseFromNow(bus: string, holder: string, forMs: number): Promise<number | null> {
    return this.#write("leaseOutbox", { bus, holder, forMs, now: Date.now() });
  }

  advance(
    bus: string,
    holder: string,
    position: number,
    deadLetters: readonly DeadLetter[],
  ): Promise<boolean> {
    return this.#write("advanceOutbox", { bus, holder, position, deadLetters, now: Date.now() });
  }

  release(bus: string, holder: string): Promise<null> {
    return this.#write("releaseOutbox", { bus, holder });
  }

  /** Everything up to this position the broker has answered for. */
  async confirmed(bus: string): Promise<number> {
    const [row] = await this.#reader.all<{ position: number }>(
      "SELECT position FROM outbox WHERE bus = ?",
      bus,
    );
    return row?.position ?? 0;
  }

  /** How many positions of events are not confirmed yet, and how many events were refused for good. */
  async lag(bus: string): Promise<{ events: number; deadLetters: number }> {
    const [row] = await this.#reader.all<{ events: number; dead: number }>(
      `SELECT (SELECT COUNT(*) FROM events WHERE position > COALESCE((SELECT position FROM outbox WHERE bus = ?), 0)) AS events,
              (SELECT COUNT(*) FROM dead_letters WHERE bus = ?) AS dead`,
      bus,
      bus,
    );
    return { events: row?.events ?? 0, deadLetters: row?.dead ?? 0 };
  }
}
