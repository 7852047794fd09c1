/**
 * Events that are to be sent later, unless somebody says otherwise.
 *
 * What is over stays for a day, so that a repeated request gets the answer that it missed.
 */
import type { JsonObject } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export interface DelayedEvent {
  readonly delayId: string;
  readonly userId: string;
  readonly roomId: string;
  readonly type: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  /** In milliseconds. */
  readonly delayMs: number;
  /** When it was scheduled or last restarted; milliseconds since 1970. */
  readonly runningSince: number;
  /** The last position of all when it was scheduled. */
  readonly position: number;
}

/** How one ended: with an event, with an error, or taken back. */
export interface Outcome {
  readonly eventId?: string;
  readonly error?: JsonObject;
}

/** Retries come within minutes. */
const KEPT_MS = 86_400_000;

interface Row {
  delay_id: string;
  user_id: string;
  room_id: string;
  type: string;
  state_key: string | null;
  content: string;
  delay: number;
  running_since: number;
  position: number;
  outcome: string | null;
}

const COLUMNS =
  "delay_id, user_id, room_id, type, state_key, content, delay, running_since, position, outcome";

export const delayedEventProcedures = {
  /** @param input.mark of the request: a repetition of it schedules nothing @returns the id, or null for too many */
  async delayEvent(
    transaction: Transaction,
    input: { event: Omit<DelayedEvent, "position">; mark: string; most: number },
  ): Promise<string | null> {
    const { event, mark } = input;
    const [known] = await transaction.all<{ delay_id: string }>(
      "SELECT delay_id FROM delayed_events WHERE user_id = ? AND mark = ?",
      event.userId,
      mark,
    );
    if (known !== undefined) return known.delay_id;
    const [count] = await transaction.all<{ count: number }>(
      "SELECT COUNT(*) AS count FROM delayed_events WHERE user_id = ? AND outcome IS NULL",
      event.userId,
    );
    if ((count?.count ?? 0) >= input.most) return null;
    await transaction.run(
      `INSERT INTO delayed_events (delay_id, user_id, mark, room_id, type, state_key, content, delay, running_since, due,
         position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      event.delayId,
      event.userId,
      mark,
      event.roomId,
      event.type,
      event.stateKey ?? null,
      JSON.stringify(event.content),
      event.delayMs,
      event.runningSince,
      event.runningSince + event.delayMs,
      transaction.last,
    );
    return event.delayId;
  },

  /** @returns false for one that is over, or that is being sent */
  async restartDelayed(transaction: Transaction, input: { delayId: string; now: number }): Promise<boolean> {
    const changed = await transaction.run(
      `UPDATE delayed_events SET running_since = ?, due = CAST(? AS BIGINT) + delay
       WHERE delay_id = ? AND outcome IS NULL AND held_until < ?`,
      input.now,
      input.now,
      input.delayId,
      input.now,
    );
    return changed === 1;
  },

  /** @returns false for one that is over, or that is being sent */
  async cancelDelayed(transaction: Transaction, input: { delayId: string; now: number }): Promise<boolean> {
    const changed = await transaction.run(
      "UPDATE delayed_events SET outcome = '{}', due = ? WHERE delay_id = ? AND outcome IS NULL AND held_until < ?",
      input.now,
      input.delayId,
      input.now,
    );
    return changed === 1;
  },

  /** Takes those that are due, or the one that is named, for one node to send. What it does not end is due again. */
  async holdDelayed(
    transaction: Transaction,
    input: { delayId?: string; now: number; until: number; limit: number },
  ): Promise<DelayedEvent[]> {
    const rows = await transaction.all<Row>(
      `SELECT ${COLUMNS} FROM delayed_events WHERE outcome IS NULL AND held_until < ?
       AND ${input.delayId === undefined ? "due <= ?" : "delay_id = ?"} ORDER BY due LIMIT ?`,
      input.now,
      input.delayId ?? input.now,
      input.limit,
    );
    for (const row of rows)
      await transaction.run(
        "UPDATE delayed_events SET held_until = ? WHERE delay_id = ?",
        input.until,
        row.delay_id,
      );
    return rows.map(toDelayed);
  },

  async endDelayed(
    transaction: Transaction,
    input: { delayId: string; outcome: Outcome; now: number },
  ): Promise<null> {
    await transaction.run(
      "UPDATE delayed_events SET outcome = ?, due = ? WHERE delay_id = ?",
      JSON.stringify(input.outcome),
      input.now,
      input.delayId,
    );
    return null;
  },

  async dropDelayed(transaction: Transaction, input: { now: number }): Promise<number> {
    return transaction.run(
      "DELETE FROM delayed_events WHERE outcome IS NOT NULL AND due < ?",
      input.now - KEPT_MS,
    );
  },
};

function toDelayed(row: Row): DelayedEvent {
  return {
    delayId: row.delay_id,
    userId: row.user_id,
    roomId: row.room_id,
    type: row.type,
    ...(row.state_key !== null && { stateKey: row.state_key }),
    content: JSON.parse(row.content) as JsonObject,
    delayMs: row.delay,
    runningSince: row.running_since,
    position: row.position,
  };
}

export class DelayedEventStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  /** @returns the id, that of the first request when it is repeated, or null when the user has too many */
  add(event: Omit<DelayedEvent, "position">, mark: string, most: number): Promise<string | null> {
    return this.#write("delayEvent", { event, mark, most });
  }

  restart(delayId: string, now: number): Promise<boolean> {
    return this.#write("restartDelayed", { delayId, now });
  }

  cancel(delayId: string, now: number): Promise<boolean> {
    return this.#write("cancelDelayed", { delayId, now });
  }

  /** @param until when another one may take them, unless they are ended before */
  hold(now: number, until: number, limit: number, delayId?: string): Promise<DelayedEvent[]> {
    return this.#write("holdDelayed", { now, until, limit, ...(delayId !== undefined && { delayId }) });
  }

  end(delayId: string, outcome: Outcome, now: number): Promise<null> {
    return this.#write("endDelayed", { delayId, outcome, now });
  }

  /** Removes those that were over long before. */
  tidy(now: number): Promise<number> {
    return this.#write("dropDelayed", { now });
  }

  /** @returns undefined for an id that nobody has; no outcome for one that is not over */
  async outcome(delayId: string): Promise<{ outcome?: Outcome } | undefined> {
    const [row] = await this.#reader.all<{ outcome: string | null }>(
      "SELECT outcome FROM delayed_events WHERE delay_id = ?",
      delayId,
    );
    if (row === undefined) return undefined;
    return row.outcome === null ? {} : { outcome: JSON.parse(row.outcome) as Outcome };
  }

  /** The user's that are not over, the one that is due first in front. */
  async scheduled(userId: string): Promise<DelayedEvent[]> {
    const rows = await this.#reader.all<Row>(
      `SELECT ${COLUMNS} FROM delayed_events WHERE user_id = ? AND outcome IS NULL ORDER BY due`,
      userId,
    );
    return rows.map(toDelayed);
  }

  /** When the next one is due; milliseconds since 1970. */
  async nextDue(): Promise<number | undefined> {
    const [row] = await this.#reader.all<{ due: number }>(
      "SELECT due FROM delayed_events WHERE outcome IS NULL ORDER BY due LIMIT 1",
    );
    return row?.due;
  }
}
