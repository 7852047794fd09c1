/**
 * Reading rooms and their history.
 */
import type { StoredEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import type { Membership } from "../core/room-state.js";
import { toRows, type Append, type Appended } from "./append.js";
import type { Reader } from "./database.js";
import { EventPlaces } from "./event-places.js";
import type { Write } from "./procedures.js";

export interface RoomHead {
  readonly roomId: string;
  readonly version: string;
  /** How many events the room has. */
  readonly head: number;
  readonly headEvent: string;
  readonly lastPosition: number;
}

export interface MembershipRow {
  readonly roomId: string;
  readonly userId: string;
  readonly membership: Membership;
  /** Of the member event. */
  readonly position: number;
  readonly forgotten: boolean;
  readonly stripped?: readonly JsonObject[];
}

/** What a key of the state held from this position on. */
export interface Held {
  readonly position: number;
  readonly content: JsonObject;
}

/** A stretch of a room's history: positions above `after`, up to and including `upTo`. */
export interface Stretch {
  readonly after: number;
  readonly upTo: number;
}

/** Users of one statement: SQLite takes 32,766 parameters. */
const USERS = 500;

const COLUMNS = `e.position, e.room_id, e.seq, e.event_id, e.type, e.state_key, e.sender, e.ts, e.content, e.proof, e.redacts,
  e.replaces, e.redacted_because, e.device_id, e.txn_id`;

export class EventStore {
  readonly #reader: Reader;
  readonly #write: Write;
  readonly #places: EventPlaces;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
    this.#places = new EventPlaces(reader);
  }

  /** Resolves when the events are durable, or when the room has moved on. */
  append(input: Append): Promise<Appended> {
    return this.#write("append", toRows(input)).then((appended) => {
      if ("positions" in appended) this.#places.note(input.events, appended.positions);
      return appended;
    });
  }

  async room(roomId: string): Promise<RoomHead | undefined> {
    const [row] = await this.#reader.all<{
      version: string;
      head: number;
      head_event: string;
      last_position: number;
    }>("SELECT version, head, head_event, last_position FROM rooms WHERE room_id = ?", roomId);
    return (
      row && {
        roomId,
        version: row.version,
        head: row.head,
        headEvent: row.head_event,
        lastPosition: row.last_position,
      }
    );
  }

  /** The last position of all. */
  async position(): Promise<number> {
    return (await this.#reader.all<{ position: number }>("SELECT position FROM stream"))[0]?.position ?? 0;
  }

  currentState(roomId: string): Promise<StoredEvent[]> {
    return this.#events(
      "FROM current_state c JOIN events e ON e.position = c.position WHERE c.room_id = ? ORDER BY e.position",
      roomId,
    );
  }

  /** The state events of a stretch, for each key the last one. */
  stateChanges(roomId: string, { after, upTo }: Stretch): Promise<StoredEvent[]> {
    return this.#events(
      `FROM events e JOIN (
         SELECT MAX(position) AS position FROM events
         WHERE room_id = ? AND state_key IS NOT NULL AND position > ? AND position <= ? GROUP BY type, state_key) latest
       ON e.position = latest.position ORDER BY e.position`,
      roomId,
      after,
      upTo,
    );
  }

  /** The whole state as it was right after a position. */
  stateAt(roomId: string, position: number): Promise<StoredEvent[]> {
    return this.stateChanges(roomId, { after: 0, upTo: position });
  }

  /** All events that ever held one key of the state, oldest first. */
  stateHistory(roomId: string, type: string, stateKey: string): Promise<StoredEvent[]> {
    return this.#events(
      "FROM events e WHERE e.room_id = ? AND e.type = ? AND e.state_key = ? ORDER BY e.position",
      roomId,
      type,
      stateKey,
    );
  }

  /** What somebody ever was in a room, and who could ever read it: the contents of those events alone, oldest first. */
  async standings(
    roomId: string,
    userId: string,
  ): Promise<{ readonly type: string; readonly position: number; readonly content: JsonObject }[]> {
    const rows = await this.#reader.all<Pick<EventRow, "type" | "position" | "content">>(
      `SELECT type, position, content FROM events WHERE room_id = ? AND type = 'm.room.member' AND state_key = ?
       UNION ALL
       SELECT type, position, content FROM events
       WHERE room_id = ? AND type = 'm.room.history_visibility' AND state_key = ''
       ORDER BY position`,
      roomId,
      userId,
      roomId,
    );
    return rows.map(({ type, position, content }) => ({
      ...{ type, position },
      content: JSON.parse(content) as JsonObject,
    }));
  }

  /** What one key of the state ever held, oldest first: half the price of {@link stateHistory}. */
  async stateContents(roomId: string, type: string, stateKey: string): Promise<Held[]> {
    const rows = await this.#reader.all<{ position: number; content: string }>(
      "SELECT position, content FROM events WHERE room_id = ? AND type = ? AND state_key = ? ORDER BY position",
      roomId,
      type,
      stateKey,
    );
    return rows.map(({ position, content }) => ({ position, content: JSON.parse(content) as JsonObject }));
  }

  /** @returns at most `limit` events of the stretch in reading order: the oldest first, or the newest when backwards */
  history(
    roomId: string,
    { after, upTo }: Stretch,
    direction: "f" | "b",
    limit: number,
  ): Promise<StoredEvent[]> {
    return this.#events(
      `FROM events e WHERE e.room_id = ? AND e.position > ? AND e.position <= ?
       ORDER BY e.position ${direction === "f" ? "ASC" : "DESC"} LIMIT ?`,
      roomId,
      after,
      upTo,
      limit,
    );
  }

  /** Events at a moment or after it, the nearest first; or at it and before. @param ts milliseconds since 1970 */
  near(roomId: string, ts: number, direction: "f" | "b", limit: number): Promise<StoredEvent[]> {
    const order = direction === "f" ? "ASC" : "DESC";
    return this.#events(
      `FROM events e WHERE e.room_id = ? AND e.ts ${direction === "f" ? ">=" : "<="} ?
       ORDER BY e.ts ${order}, e.position ${order} LIMIT ?`,
      roomId,
      ts,
      limit,
    );
  }

  async event(eventId: string): Promise<StoredEvent | undefined> {
    const position = await this.#places.find(eventId);
    return position === undefined ? undefined : this.eventAt(position);
  }

  /** Events of all rooms in the order of their positions: what the bus publishes. */
  stream(after: number, limit: number): Promise<StoredEvent[]> {
    return this.#events("FROM events e WHERE e.position > ? ORDER BY e.position LIMIT ?", after, limit);
  }

  memberships(userId: string): Promise<MembershipRow[]> {
    return this.#memberships("user_id = ?", userId);
  }

  /** The user's rooms whose membership changed, or that got events or receipts, after a position. */
  async roomsChangedSince(userId: string, position: number): Promise<string[]> {
    const rows = await this.#reader.all<{ room_id: string }>(
      `SELECT m.room_id FROM memberships m JOIN rooms r ON r.room_id = m.room_id
       WHERE m.user_id = ? AND (m.position > ? OR (m.membership = 'join' AND (r.last_position > ? OR EXISTS (
         SELECT 1 FROM receipts c WHERE c.room_id = m.room_id AND c.position > ?
         AND (c.type = 'm.read' OR c.user_id = m.user_id)))))`,
      userId,
      position,
      position,
      position,
    );
    return rows.map((row) => row.room_id);
  }

  async members(roomId: string, membership: Membership): Promise<string[]> {
    const rows = await this.#memberships("room_id = ? AND membership = ?", roomId, membership);
    return rows.map((row) => row.userId);
  }

  async membership(userId: string, roomId: string): Promise<MembershipRow | undefined> {
    return (await this.#memberships("user_id = ? AND room_id = ?", userId, roomId))[0];
  }

  /** Of some users, those who are in a room with this one. The cost is that of the rooms they are in. */
  async sharing(userId: string, among: readonly string[]): Promise<string[]> {
    const sharing: string[] = [];
    for (let start = 0; start < among.length; start += USERS) {
      const some = among.slice(start, start + USERS);
      const rows = await this.#reader.all<{ user_id: string }>(
        `SELECT DISTINCT o.user_id FROM memberships o
         JOIN memberships m ON m.room_id = o.room_id AND m.user_id = ? AND m.membership = 'join'
         WHERE o.user_id IN (${some.map(() => "?").join(", ")}) AND o.membership = 'join'`,
        userId,
        ...some,
      );
      sharing.push(...rows.map((row) => row.user_id));
    }
    return sharing;
  }

  forget(userId: string, roomId: string): Promise<boolean> {
    return this.#write("forgetRoom", { userId, roomId });
  }

  /** The newest events that came with a transaction id, oldest first. */
  async withTxns(
    limit: number,
  ): Promise<(StoredEvent & { readonly txn: NonNullable<StoredEvent["txn"]> })[]> {
    const events = await this.#events(
      "FROM events e WHERE e.position > (SELECT position FROM stream) - ? AND e.txn_id IS NOT NULL ORDER BY e.position",
      limit,
    );
    return events.flatMap((event) => (event.txn === undefined ? [] : [{ ...event, txn: event.txn }]));
  }

  async eventAt(position: number): Promise<StoredEvent | undefined> {
    return (await this.#events("FROM events e WHERE e.position = ?", position))[0];
  }

  async #memberships(where: string, ...params: readonly string[]): Promise<MembershipRow[]> {
    const rows = await this.#reader.all<{
      user_id: string;
      room_id: string;
      membership: Membership;
      position: number;
      forgotten: number;
      stripped: string | null;
    }>(
      `SELECT user_id, room_id, membership, position, forgotten, stripped FROM memberships WHERE ${where}`,
      ...params,
    );
    return rows.map((row) => ({
      roomId: row.room_id,
      userId: row.user_id,
      membership: row.membership,
      position: row.position,
      forgotten: row.forgotten === 1,
      ...(row.stripped !== null && { stripped: JSON.parse(row.stripped) as JsonObject[] }),
    }));
  }

  /** Events by the rest of a statement that knows them as `e`. For the store's other parts. */
  select(rest: string, ...params: readonly (string | number)[]): Promise<StoredEvent[]> {
    return this.#events(rest, ...params);
  }

  async #events(rest: string, ...params: readonly (string | number)[]): Promise<StoredEvent[]> {
    return (await this.#reader.all<EventRow>(`SELECT ${COLUMNS} ${rest}`, ...params)).map(toEvent);
  }
}

interface EventRow {
  position: number;
  room_id: string;
  seq: number;
  event_id: string;
  type: string;
  state_key: string | null;
  sender: string;
  ts: number;
  content: string;
  proof: string;
  redacts: string | null;
  replaces: string | null;
  redacted_because: string | null;
  device_id: string | null;
  txn_id: string | null;
}

function toEvent(row: EventRow): StoredEvent {
  const [prevEvents, authEvents, hash] = JSON.parse(row.proof) as [string[], string[], string];
  return {
    position: row.position,
    roomId: row.room_id,
    seq: row.seq,
    eventId: row.event_id,
    type: row.type,
    ...(row.state_key !== null && { stateKey: row.state_key }),
    sender: row.sender,
    ts: row.ts,
    content: JSON.parse(row.content) as JsonObject,
    prevEvents,
    authEvents,
    hash,
    ...(row.redacts !== null && { redacts: row.redacts }),
    ...(row.replaces !== null && { replaces: row.replaces }),
    ...(row.redacted_because !== null && { redactedBecause: JSON.parse(row.redacted_because) as JsonObject }),
    ...(row.device_id !== null &&
      row.txn_id !== null && { txn: { deviceId: row.device_id, txnId: row.txn_id } }),
  };
}
