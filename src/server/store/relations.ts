/**
 * Which event speaks of which. What was redacted speaks of nothing any more.
 */
import type { StoredEvent } from "../core/event.js";
import { reactionOf } from "../core/relations.js";
import type { Reader } from "./database.js";
import type { EventStore, Stretch } from "./events.js";

export interface RelationFilter {
  readonly relType?: string;
  readonly type?: string;
  /** How many steps from the event: 1 for what speaks of it itself. */
  readonly depth: number;
}

export interface ThreadCount {
  readonly count: number;
  /** Whether the user has said something there. */
  readonly own: boolean;
  /** The position of the newest reply. */
  readonly latest: number;
}

/** Parents asked about at once: SQLite takes 32,766 parameters. */
const PARENTS = 1_000;

export class RelationStore {
  readonly #reader: Reader;
  readonly #events: EventStore;

  constructor(reader: Reader, events: EventStore) {
    this.#reader = reader;
    this.#events = events;
  }

  /**
   * Filters are for what is given back, not for what lies between it and the event. What is said in another room speaks
   * of nothing in this one.
   */
  children(
    { roomId, eventId }: { readonly roomId: string; readonly eventId: string },
    { relType, type, depth }: RelationFilter,
    { after, upTo }: Stretch,
    direction: "f" | "b",
    limit: number,
  ): Promise<StoredEvent[]> {
    return this.#events.select(
      `FROM (
         WITH RECURSIVE tree (position, event_id, rel_type, depth) AS (
           SELECT r.position, c.event_id, r.rel_type, 1 FROM relations r JOIN events c ON c.position = r.position
           WHERE r.parent = ? AND r.room_id = ?
           UNION ALL
           SELECT r.position, c.event_id, r.rel_type, t.depth + 1 FROM tree t
           JOIN relations r ON r.parent = t.event_id AND r.room_id = ? JOIN events c ON c.position = r.position
           WHERE t.depth < ?)
         SELECT DISTINCT position, rel_type FROM tree) found
       JOIN events e ON e.position = found.position
       WHERE e.position > ? AND e.position <= ?
       ${relType === undefined ? "" : "AND found.rel_type = ?"} ${type === undefined ? "" : "AND e.type = ?"}
       ORDER BY e.position ${direction === "f" ? "ASC" : "DESC"} LIMIT ?`,
      eventId,
      roomId,
      roomId,
      depth,
      after,
      upTo,
      ...(relType === undefined ? [] : [relType]),
      ...(type === undefined ? [] : [type]),
      limit,
    );
  }

  /** A room's threads with a newest reply at `upTo` or before it, the newest first. */
  threads(roomId: string, upTo: number, limit: number): Promise<{ parent: string; latest: number }[]> {
    return this.#reader.all<{ parent: string; latest: number }>(
      `SELECT parent, MAX(position) AS latest FROM relations WHERE room_id = ? AND rel_type = 'm.thread'
       GROUP BY parent HAVING MAX(position) <= ? ORDER BY latest DESC LIMIT ?`,
      roomId,
      upTo,
      limit,
    );
  }

  /** A room's events that stand in a thread, oldest first. */
  inThreads(roomId: string, { after, upTo }: Stretch): Promise<StoredEvent[]> {
    return this.#events.select(
      `FROM relations r JOIN events e ON e.position = r.position
       WHERE r.room_id = ? AND r.rel_type = 'm.thread' AND r.position > ? AND r.position <= ? ORDER BY e.position`,
      roomId,
      after,
      upTo,
    );
  }

  /** Of those events of a room that begin a thread. */
  async threadCounts(
    roomId: string,
    eventIds: readonly string[],
    userId: string,
  ): Promise<Map<string, ThreadCount>> {
    const counts = new Map<string, ThreadCount>();
    for (const some of chunks(eventIds)) {
      const rows = await this.#reader.all<{ parent: string; count: number; latest: number; own: number }>(
        `SELECT r.parent, COUNT(*) AS count, MAX(r.position) AS latest, MAX(CASE WHEN e.sender = ? THEN 1 ELSE 0 END) AS own
         FROM relations r JOIN events e ON e.position = r.position
         WHERE r.parent IN (${some.map(() => "?").join(", ")}) AND r.room_id = ? AND r.rel_type = 'm.thread'
         GROUP BY r.parent`,
        userId,
        ...some,
        roomId,
      );
      for (const { parent, count, latest, own } of rows)
        counts.set(parent, { count, latest, own: own === 1 });
    }
    return counts;
  }

  /** Of events of a room; oldest first. */
  async editsAndReferences(roomId: string, eventIds: readonly string[]): Promise<StoredEvent[]> {
    const all: StoredEvent[] = [];
    for (const some of chunks(eventIds)) {
      all.push(
        ...(await this.#events.select(
          `FROM relations r JOIN events e ON e.position = r.position
           WHERE r.parent IN (${some.map(() => "?").join(", ")}) AND r.room_id = ?
             AND r.rel_type IN ('m.replace', 'm.reference')
           ORDER BY e.position`,
          ...some,
          roomId,
        )),
      );
    }
    return all;
  }

  /** Whether the user has said this of the event already. */
  async hasReaction(eventId: string, type: string, sender: string, key: string): Promise<boolean> {
    const events = await this.#events.select(
      `FROM relations r JOIN events e ON e.position = r.position
       WHERE r.parent = ? AND r.rel_type = 'm.annotation' AND e.type = ? AND e.sender = ?`,
      eventId,
      type,
      sender,
    );
    return events.some(({ content }) => reactionOf(content) === key);
  }
}

function chunks(all: readonly string[]): (readonly string[])[] {
  return Array.from({ length: Math.ceil(all.length / PARENTS) }, (_, index) =>
    all.slice(index * PARENTS, (index + 1) * PARENTS),
  );
}
