/**
 * Finding an event by its id.
 *
 * Ids are hashes, so the next one belongs anywhere in an index over them. An index that is kept up with every
 * append costs a page of 4 KiB for each event, written twice, on cards that wear out. So an id goes into the index
 * thousands of events later and together with thousands of others, in order, and as 48 bits instead of 44
 * letters; until then it is found in memory, or by reading the few thousand events that no index knows yet.
 */
import type { Reader, Transaction } from "./database.js";

/** Positions whose events go into the index together. */
const BATCH = 4_096;
/** Rows of one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535. */
const ROWS = 512;

/**
 * Puts the ids into the index that have waited long enough; to be called after each append.
 *
 * @param before the last position before the append
 */
export async function placeEvents(transaction: Transaction, before: number): Promise<void> {
  const upTo = transaction.last - (transaction.last % BATCH);
  if (before >= upTo) return;
  const events = await transaction.all<{ event_id: string; position: number }>(
    "SELECT event_id, position FROM events WHERE position > ? AND position <= ?",
    await placed(transaction),
    upTo,
  );
  const places = events
    .map(({ event_id, position }): [number, number] => [hashOf(event_id), position])
    .sort(([one], [other]) => one - other);
  for (let start = 0; start < places.length; start += ROWS) {
    const rows = places.slice(start, start + ROWS);
    await transaction.run(
      `INSERT INTO event_places (hash, position) VALUES ${rows.map(() => "(?, ?)").join(", ")}`,
      ...rows.flat(),
    );
  }
  await transaction.run("UPDATE stream SET placed = ?", upTo);
}

/** Takes an event's id out, of an event that goes. */
export async function unplaceEvent(
  transaction: Transaction,
  eventId: string,
  position: number,
): Promise<void> {
  await transaction.run(
    "DELETE FROM event_places WHERE hash = ? AND position = ?",
    hashOf(eventId),
    position,
  );
}

/** Where events are, by their ids. */
export class EventPlaces {
  readonly #reader: Reader;
  #newer = new Map<string, number>();
  #older = new Map<string, number>();

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Notes events that are durable. */
  note(events: readonly { readonly eventId: string }[], positions: readonly number[]): void {
    for (const [index, { eventId }] of events.entries()) this.#newer.set(eventId, positions[index] ?? 0);
    if (this.#newer.size < BATCH) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  /** @returns the event's position, or undefined for an id that no event has */
  async find(eventId: string): Promise<number | undefined> {
    return this.#newer.get(eventId) ?? this.#older.get(eventId) ?? findPlace(this.#reader, eventId);
  }
}

/** As {@link EventPlaces.find}, by the database alone. */
export async function findPlace(reader: Reader, eventId: string): Promise<number | undefined> {
  // Read first: what is placed meanwhile is then looked for in both.
  const after = await placed(reader);
  const [place] = await reader.all<{ position: number }>(
    `SELECT e.position FROM event_places p JOIN events e ON e.position = p.position WHERE p.hash = ? AND e.event_id = ?`,
    hashOf(eventId),
    eventId,
  );
  const [recent] =
    place === undefined
      ? await reader.all<{ position: number }>(
          "SELECT position FROM events WHERE position > ? AND event_id = ?",
          after,
          eventId,
        )
      : [place];
  return recent?.position;
}

async function placed(reader: Reader): Promise<number> {
  return (await reader.all<{ placed: number }>("SELECT placed FROM stream"))[0]?.placed ?? 0;
}

/** 48 bits of what is random in an id; any text has some. */
function hashOf(eventId: string): number {
  const bytes = Buffer.from(eventId.slice(1, 9), "base64url");
  return bytes.length < 6 ? 0 : bytes.readUIntBE(0, 6);
}
