/**
 * The index of words: which events say them.
 *
 * Words belong anywhere in it, so an event that had to go in at once would cost an append many pages. They go in a
 * little later, hundreds of events together and in order; a search takes in first what is not in yet.
 * Plain tables, which SQLite and PostgreSQL have alike.
 */
import type { EventDraft, StoredEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { isEditOf, relationOf } from "../core/relations.js";
import { searchableTypes, searchText, wordsOf } from "../core/words.js";
import type { Reader, Transaction } from "./database.js";
import { findPlace } from "./event-places.js";
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

/** An event as far as the index looks at it. */
interface Text extends EventDraft {
  readonly position: number;
  readonly eventId: string;
  readonly roomId: string;
}

const COLUMNS = "e.position, e.event_id, e.room_id, e.type, e.state_key, e.sender, e.content";

/** Takes the words of an event out that is emptied, or that goes; to be called while it still has them. */
export async function forgetWords(transaction: Transaction, position: number): Promise<void> {
  const [event] = await select(transaction, "FROM events e WHERE e.position = ?", position);
  if (event === undefined || searchText(event.type, event.content) === undefined) return;
  const original = await originalOf(transaction, event);
  const versions = await versionsOf(transaction, original ?? event);
  await takeOut(transaction, versions);
  // Without an edit, the message says what it said before.
  const left = versions.findLast((version) => version.position !== position);
  if (original !== undefined && left !== undefined)
    await putIn(transaction, placesOf(original.position, left));
}

/**
 * The message that an edit is of; undefined for what is no edit, or none that counts.
 *
 * A message is found under its newest text, in its own place: clients show it there, edited.
 */
async function originalOf(transaction: Transaction, event: Text): Promise<Text | undefined> {
  const relation = relationOf(event.content);
  if (relation?.relType !== "m.replace") return undefined;
  const position = await findPlace(transaction, relation.parent);
  if (position === undefined) return undefined;
  const [original] = await select(
    transaction,
    "FROM events e WHERE e.position = ? AND e.room_id = ? AND e.redacted_because IS NULL",
    position,
    event.roomId,
  );
  return original !== undefined && isEditOf(event, original) ? original : undefined;
}

/** A message and its edits, oldest first. */
async function versionsOf(transaction: Transaction, original: Text): Promise<Text[]> {
  const edits = await select(
    transaction,
    `FROM relations r JOIN events e ON e.position = r.position
     WHERE r.parent = ? AND r.room_id = ? AND r.rel_type = 'm.replace' ORDER BY e.position`,
    original.eventId,
    original.roomId,
  );
  return [original, ...edits.filter((edit) => isEditOf(edit, original))];
}

const wordsIn = ({ type, content }: Text): string[] => wordsOf(searchText(type, content) ?? "");

const placesOf = (position: number, text: Text): [word: string, position: number][] =>
  wordsIn(text).map((word) => [word, position]);

async function takeOut(transaction: Transaction, [original, ...edits]: readonly Text[]): Promise<void> {
  if (original === undefined) return;
  for (const word of new Set([original, ...edits].flatMap(wordsIn)))
    await transaction.run(
      "DELETE FROM search_words WHERE word = ? AND position = ?",
      word,
      original.position,
    );
}

async function putIn(transaction: Transaction, rows: [word: string, position: number][]): Promise<void> {
  rows.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  for (let start = 0; start < rows.length; start += ROWS) {
    const some = rows.slice(start, start + ROWS);
    await transaction.run(
      `INSERT INTO search_words (word, position) VALUES ${some.map(() => "(?, ?)").join(", ")} ON CONFLICT DO NOTHING`,
      ...some.flat(),
    );
  }
}

async function select(
  transaction: Transaction,
  rest: string,
  ...params: readonly (string | number)[]
): Promise<Text[]> {
  const rows = await transaction.all<{
    position: number;
    event_id: string;
    room_id: string;
    type: string;
    state_key: string | null;
    sender: string;
    content: string;
  }>(`SELECT ${COLUMNS} ${rest}`, ...params);
  return rows.map((row) => ({
    position: row.position,
    eventId: row.event_id,
    roomId: row.room_id,
    type: row.type,
    ...(row.state_key !== null && { stateKey: row.state_key }),
    sender: row.sender,
    content: JSON.parse(row.content) as JsonObject,
  }));
}

export const searchProcedures = {
  /** @returns how many positions are left */
  async indexWords(transaction: Transaction, _input: object): Promise<number> {
    const [stream] = await transaction.all<{ searched: number }>("SELECT searched FROM stream");
    const after = stream?.searched ?? 0;
    if (after >= transaction.last) return 0;
    const upTo = Math.min(after + BATCH, transaction.last);
    const types = searchableTypes();
    const events = await select(
      transaction,
      `FROM events e WHERE e.position > ? AND e.position <= ? AND e.type IN (${types.map(() => "?").join(", ")})
       ORDER BY e.position`,
      after,
      upTo,
      ...types,
    );
    const isEdit = ({ content }: Text) => relationOf(content)?.relType === "m.replace";
    await putIn(
      transaction,
      events.filter((event) => !isEdit(event)).flatMap((event) => placesOf(event.position, event)),
    );
    // Each once: a bot edits one message hundreds of times while it writes.
    const edited = new Map<string, Text>();
    for (const edit of events.filter(isEdit)) {
      const parent = relationOf(edit.content)?.parent ?? "";
      const original = edited.has(parent) ? undefined : await originalOf(transaction, edit);
      if (original !== undefined) edited.set(parent, original);
    }
    for (const original of edited.values()) {
      const versions = await versionsOf(transaction, original);
      await takeOut(transaction, versions);
      await putIn(transaction, placesOf(original.position, versions.at(-1) ?? original));
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
