/**
 * The index of words: which events say them.
 *
 * Words belong anywhere in it, so an event that had to go in at once would cost an append many pages. They go in a
 * little later, hundreds of events together and in order; a search takes in first what is not in yet.
 * Plain tables, which SQLite and PostgreSQL have alike.
 */
import type { StoredEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { searchableTypes, searchText, wordsOf } from "../core/words.js";
import type { Reader, Transaction } from "./database.js";
import type { EventStore } from "./events.js";
import type { Write } from "./procedures.js";

/** Positions looked at in one transaction. */
const BATCH = 512;
/** Transactions in one go beside everything else: 30 ms of the writer where 5,000 appends take 280. */
const BATCHES = 2;
/** So many positions are worth a transaction. */
const WORTH_WHILE = 256;
/** Rows of one statement: SQLite takes 32,766 parameters. */
const ROWS = 512;

export interface WordQuery {
  readonly words: readonly string[];
  readonly userId: string;
  readonly types: readonly string[];
  /** Positions below this one. */
  readonly before: number;
}

/** Takes the words of an event out that is emptied; to be called while it still has them. */
export async function forgetWords(transaction: Transaction, position: number): Promise<void> {
  const [event] = await transaction.all<{ type: string; content: string }>(
    "SELECT type, content FROM events WHERE position = ?",
    position,
  );
  if (event === undefined) return;
  for (const word of wordsOf(searchText(event.type, JSON.parse(event.content) as JsonObject) ?? ""))
    await transaction.run("DELETE FROM search_words WHERE word = ? AND position = ?", word, position);
}

export const searchProcedures = {
  /** @returns how many positions are left */
  async indexWords(transaction: Transaction, _input: object): Promise<number> {
    const [stream] = await transaction.all<{ searched: number }>("SELECT searched FROM stream");
    const after = stream?.searched ?? 0;
    if (after >= transaction.last) return 0;
    const upTo = Math.min(after + BATCH, transaction.last);
    const types = searchableTypes();
    const events = await transaction.all<{ position: number; type: string; content: string }>(
      `SELECT position, type, content FROM events WHERE position > ? AND position <= ?
       AND type IN (${types.map(() => "?").join(", ")})`,
      after,
      upTo,
      ...types,
    );
    const rows = events
      .flatMap(({ position, type, content }) =>
        wordsOf(searchText(type, JSON.parse(content) as JsonObject) ?? "").map((word): [string, number] => [
          word,
          position,
        ]),
      )
      .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
    for (let start = 0; start < rows.length; start += ROWS) {
      const some = rows.slice(start, start + ROWS);
      await transaction.run(
        `INSERT INTO search_words (word, position) VALUES ${some.map(() => "(?, ?)").join(", ")} ON CONFLICT DO NOTHING`,
        ...some.flat(),
      );
    }
    await transaction.run("UPDATE stream SET searched = ?", upTo);
    return transaction.last - upTo;
  },
};

export class SearchStore {
  readonly #reader: Reader;
  readonly #write: Write;
  readonly #events: EventStore;
  #indexing: Promise<void> | undefined;

  constructor(reader: Reader, write: Write, events: EventStore) {
    this.#reader = reader;
    this.#write = write;
    this.#events = events;
  }

  /** Takes in everything that is not in yet. */
  async index(): Promise<void> {
    // One at a time: whoever comes meanwhile looks again afterwards, for what came after it had begun.
    while (this.#indexing !== undefined) await this.#indexing;
    if ((await this.#behind()) === 0) return;
    this.#indexing = this.#indexAll().finally(() => (this.#indexing = undefined));
    await this.#indexing;
  }

  /** Takes in some of it, if there is enough: what a busy server can spare. */
  async indexSome(): Promise<void> {
    if (this.#indexing !== undefined) return;
    for (let batch = 0; batch < BATCHES && (await this.#behind()) >= WORTH_WHILE; batch++)
      await this.#write("indexWords", {});
  }

  async #indexAll(): Promise<void> {
    while ((await this.#write("indexWords", {})) > 0);
  }

  async #behind(): Promise<number> {
    const [row] = await this.#reader.all<{ behind: number }>(
      "SELECT position - searched AS behind FROM stream",
    );
    return row?.behind ?? 0;
  }

  /** Events of the user's rooms that say all of the words, newest first. */
  find(
    { words: [first = "", ...others], userId, types, before }: WordQuery,
    limit: number,
  ): Promise<StoredEvent[]> {
    const joins = others.map(
      (_word, index) =>
        `JOIN search_words w${index} ON w${index}.word = ? AND w${index}.position = w.position`,
    );
    return this.#events.select(
      `FROM search_words w ${joins.join(" ")} JOIN events e ON e.position = w.position
       WHERE w.word = ? AND w.position < ? AND e.redacted_because IS NULL
       AND e.type IN (${types.map(() => "?").join(", ")})
       AND e.room_id IN (SELECT room_id FROM memberships WHERE user_id = ? AND membership = 'join')
       ORDER BY w.position DESC LIMIT ?`,
      ...others,
      first,
      before,
      ...types,
      userId,
      limit,
    );
  }
}
