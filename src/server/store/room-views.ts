/**
 * How a user sees their rooms: all of them by activity, and of one room no more than is shown.
 */
import type { StoredEvent } from "../core/event.js";
import { stringOrNone, type JsonObject } from "../core/json.js";
import { membershipOf, roomTypeOf, type Membership } from "../core/room-state.js";
import type { StateQuery } from "../core/room-config.js";
import type { Reader } from "./database.js";
import type { EventStore, Stretch } from "./events.js";

/** A room as lists of rooms see it. */
export interface RoomFact {
  readonly roomId: string;
  readonly membership: Membership;
  /** Somebody else ended the user's membership. */
  readonly isRemoved: boolean;
  /** Of what last happened there; for whoever is not inside, of their own membership. */
  readonly activity: number;
  readonly isEncrypted: boolean;
  readonly type?: string;
}

export interface RoomMember {
  readonly userId: string;
  readonly displayName?: string;
  readonly avatarUrl?: string;
}

/** Rooms or events of one statement: SQLite takes 32,766 parameters. */
const AT_ONCE = 500;
/** Events looked at for the newest of some types. */
const LOOKED_AT = 500;

const listOf = (items: readonly unknown[]) => items.map(() => "?").join(", ");

export class RoomViewStore {
  readonly #reader: Reader;
  readonly #events: EventStore;

  constructor(reader: Reader, events: EventStore) {
    this.#reader = reader;
    this.#events = events;
  }

  /** All of the user's rooms but the forgotten ones, or some of them. */
  async facts(userId: string, roomIds?: readonly string[]): Promise<RoomFact[]> {
    if (roomIds === undefined) return this.#facts("m.user_id = ?", [userId]);
    const facts: RoomFact[] = [];
    for (let start = 0; start < roomIds.length; start += AT_ONCE) {
      const some = roomIds.slice(start, start + AT_ONCE);
      facts.push(
        ...(await this.#facts(`m.user_id = ? AND m.room_id IN (${listOf(some)})`, [userId, ...some])),
      );
    }
    return facts;
  }

  /** Who was in a room right after a position. */
  async joinedAt(roomId: string, position: number): Promise<string[]> {
    const members = await this.#events.select(
      `FROM events e JOIN (
         SELECT MAX(position) AS position FROM events
         WHERE room_id = ? AND type = 'm.room.member' AND state_key IS NOT NULL AND position <= ? GROUP BY state_key) latest
       ON e.position = latest.position`,
      roomId,
      position,
    );
    return members.flatMap(({ stateKey, content }) =>
      stateKey !== undefined && membershipOf(content) === "join" ? [stateKey] : [],
    );
  }

  /** Whether somebody was in a room right after a position. */
  async wasIn(roomId: string, userId: string, position: number): Promise<boolean> {
    const [row] = await this.#reader.all<{ content: string }>(
      `SELECT content FROM events WHERE room_id = ? AND type = 'm.room.member' AND state_key = ? AND position <= ?
       ORDER BY position DESC LIMIT 1`,
      roomId,
      userId,
      position,
    );
    return row !== undefined && membershipOf(JSON.parse(row.content) as JsonObject) === "join";
  }

  /** What state events took the place of, by the ids of these events: what that says now, and where it stands. */
  async replaced(
    events: readonly StoredEvent[],
  ): Promise<Map<string, { readonly position: number; readonly content: JsonObject }>> {
    const found = new Map<string, { position: number; content: JsonObject }>();
    for (const { eventId, roomId, type, stateKey, position, replaces } of events) {
      if (replaces === undefined || stateKey === undefined) continue;
      // Ids have no index of their own. A history is one line: it is the one before under the same key.
      const [row] = await this.#reader.all<{ position: number; content: string }>(
        `SELECT position, content FROM events WHERE room_id = ? AND type = ? AND state_key = ? AND position < ?
         ORDER BY position DESC LIMIT 1`,
        roomId,
        type,
        stateKey,
        position,
      );
      if (row !== undefined)
        found.set(eventId, { position: row.position, content: JSON.parse(row.content) as JsonObject });
    }
    return found;
  }

  /** The current state of a room, as far as it is wanted. */
  state(roomId: string, { types, members }: StateQuery): Promise<StoredEvent[]> {
    const parts: [string, readonly string[]][] = [];
    if (types === "all") parts.push(["AND type <> 'm.room.member'", []]);
    else if (types.length > 0) parts.push([`AND type IN (${listOf(types)})`, types]);
    if (members === "all") parts.push(["AND type = 'm.room.member'", []]);
    else if (members.length > 0)
      parts.push([`AND type = 'm.room.member' AND state_key IN (${listOf(members)})`, members]);
    if (parts.length === 0) return Promise.resolve([]);
    const positions = parts.map(([where]) => `SELECT position FROM current_state WHERE room_id = ? ${where}`);
    return this.#events.select(
      `FROM events e WHERE e.position IN (${positions.join(" UNION ALL ")}) ORDER BY e.position`,
      ...parts.flatMap(([, params]) => [roomId, ...params]),
    );
  }

  /** How many have which membership. */
  async memberCounts(roomId: string): Promise<Partial<Record<Membership, number>>> {
    const rows = await this.#reader.all<{ membership: Membership; count: number }>(
      "SELECT membership, COUNT(*) AS count FROM memberships WHERE room_id = ? GROUP BY membership",
      roomId,
    );
    return Object.fromEntries(rows.map(({ membership, count }) => [membership, count]));
  }

  /** At most `limit` of the room's members, with what they call themselves there; the longest inside first. */
  async members(roomId: string, membership: Membership, limit: number): Promise<RoomMember[]> {
    const rows = await this.#reader.all<{ user_id: string; content: string }>(
      `SELECT m.user_id, e.content FROM memberships m JOIN events e ON e.position = m.position
       WHERE m.room_id = ? AND m.membership = ? ORDER BY m.position LIMIT ?`,
      roomId,
      membership,
      limit,
    );
    return rows.map((row) => {
      const content = JSON.parse(row.content) as JsonObject;
      const [displayName, avatarUrl] = [content["displayname"], content["avatar_url"]].map(stringOrNone);
      return {
        userId: row.user_id,
        ...(displayName !== undefined && { displayName }),
        ...(avatarUrl !== undefined && { avatarUrl }),
      };
    });
  }

  /** Whose membership in a room of this user changed after a position. */
  async membersChangedSince(
    userId: string,
    position: number,
  ): Promise<{ roomId: string; userId: string; membership: Membership }[]> {
    const rows = await this.#reader.all<{ room_id: string; user_id: string; membership: Membership }>(
      `SELECT o.room_id, o.user_id, o.membership FROM memberships m JOIN memberships o ON o.room_id = m.room_id
       WHERE m.user_id = ? AND m.membership = 'join' AND o.position > ? AND o.user_id <> m.user_id`,
      userId,
      position,
    );
    return rows.map((row) => ({ roomId: row.room_id, userId: row.user_id, membership: row.membership }));
  }

  /** The position of the newest event of these types. @returns undefined when the stretch's newest 500 have none */
  async newestOf(
    roomId: string,
    types: readonly string[],
    { after, upTo }: Stretch,
  ): Promise<number | undefined> {
    const [row] = await this.#reader.all<{ position: number }>(
      `SELECT position FROM (
         SELECT position, type FROM events WHERE room_id = ? AND position > ? AND position <= ?
         ORDER BY position DESC LIMIT ${LOOKED_AT}) newest
       WHERE type IN (${listOf(types)}) ORDER BY position DESC LIMIT 1`,
      roomId,
      after,
      upTo,
      ...types,
    );
    return row?.position;
  }

  async #facts(where: string, params: readonly string[]): Promise<RoomFact[]> {
    const rows = await this.#reader.all<{
      room_id: string;
      membership: Membership;
      activity: number;
      sender: string;
      encryption: number | null;
      creation: string;
    }>(
      `SELECT m.room_id, m.membership, CASE WHEN m.membership = 'join' THEN r.last_position ELSE m.position END AS activity,
         own.sender, s.position AS encryption, made.content AS creation
       FROM memberships m
       JOIN rooms r ON r.room_id = m.room_id
       JOIN events own ON own.position = m.position
       JOIN current_state c ON c.room_id = m.room_id AND c.type = 'm.room.create' AND c.state_key = ''
       JOIN events made ON made.position = c.position
       LEFT JOIN current_state s ON s.room_id = m.room_id AND s.type = 'm.room.encryption' AND s.state_key = ''
       WHERE ${where} AND m.forgotten = 0`,
      ...params,
    );
    const [userId] = params;
    return rows.map((row) => {
      const type = roomTypeOf(JSON.parse(row.creation) as JsonObject);
      return {
        roomId: row.room_id,
        membership: row.membership,
        isRemoved: row.sender !== userId,
        activity: row.activity,
        isEncrypted: row.encryption !== null,
        ...(type !== undefined && { type }),
      };
    });
  }
}
