/**
 * Rooms in the hands of administrators: lists, rooms that are blocked, and history that is taken away.
 */
import { stringOrNone, type JsonObject } from "../core/json.js";
import { containing } from "./accounts.js";
import type { Reader, Transaction } from "./database.js";
import { unplaceEvent } from "./event-places.js";
import { forgetWords } from "./search.js";
import type { Write } from "./procedures.js";

export interface RoomRow {
  readonly roomId: string;
  readonly version: string;
  readonly isPublished: boolean;
  readonly isBlocked: boolean;
  readonly joined: number;
  readonly name?: string;
  readonly alias?: string;
}

export interface RoomPolicy {
  readonly roomId: string;
  /** The content of `m.room.retention`. */
  readonly policy?: JsonObject;
  /** The address of the room's picture. */
  readonly avatar?: string;
}

export interface BlockedRoom {
  readonly roomId: string;
  readonly reason?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A stretch of a room's history that is to go, but for its state. */
export interface Purge {
  readonly roomId: string;
  /** Events of positions above this. */
  readonly after: number;
  /** Events up to this position, and never the room's newest, on which the next one is built. */
  readonly upTo: number;
  /** Stops before the first event that is not older, in milliseconds since 1970. */
  readonly before?: number;
  /** Events at once: others wait for so long with their writes. */
  readonly limit: number;
}

export interface Purged {
  readonly count: number;
  /** Where to go on; absent when nothing is left. */
  readonly next?: number;
}

export const roomAdministrationProcedures = {
  async blockRoom(transaction: Transaction, { roomId, reason, at }: BlockedRoom): Promise<null> {
    await transaction.run(
      `INSERT INTO blocked_rooms (room_id, reason, at) VALUES (?, ?, ?)
       ON CONFLICT (room_id) DO UPDATE SET reason = excluded.reason, at = excluded.at`,
      roomId,
      reason ?? null,
      at,
    );
    return null;
  },

  async unblockRoom(transaction: Transaction, { roomId }: { roomId: string }): Promise<boolean> {
    return (await transaction.run("DELETE FROM blocked_rooms WHERE room_id = ?", roomId)) === 1;
  },

  async purgeEvents(transaction: Transaction, input: Purge): Promise<Purged> {
    const { roomId, after, upTo, before = Infinity, limit } = input;
    const events = await transaction.all<{ position: number; event_id: string; ts: number }>(
      `SELECT position, event_id, ts FROM events
       WHERE room_id = ? AND position > ? AND position <= ? AND state_key IS NULL
         AND position < (SELECT last_position FROM rooms WHERE room_id = ?)
       ORDER BY position LIMIT ?`,
      roomId,
      after,
      upTo,
      roomId,
      limit,
    );
    const young = events.findIndex(({ ts }) => ts >= before);
    const old = young < 0 ? events : events.slice(0, young);
    for (const { position, event_id: eventId } of old) {
      await forgetWords(transaction, position);
      await transaction.run("DELETE FROM relations WHERE position = ?", position);
      await transaction.run("DELETE FROM relations WHERE parent = ?", eventId);
      await unplaceEvent(transaction, eventId, position);
      await transaction.run("DELETE FROM events WHERE position = ?", position);
    }
    const last = old.at(-1);
    return {
      count: old.length,
      ...(last !== undefined && old.length === limit && { next: last.position }),
    };
  },

  async setNoticeRoom(transaction: Transaction, input: { userId: string; roomId: string }): Promise<null> {
    await transaction.run(
      `INSERT INTO notice_rooms (user_id, room_id) VALUES (?, ?)
       ON CONFLICT (user_id) DO UPDATE SET room_id = excluded.room_id`,
      input.userId,
      input.roomId,
    );
    return null;
  },
};

export class RoomAdministrationStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  /**
   * A page of rooms in the order of their ids.
   *
   * @param term what the id, the name or the alias contains, whatever its case
   * @param after the last id of the page before
   */
  page(term: string, after: string, limit: number): Promise<RoomRow[]> {
    // Contents are JSON without spaces.
    const inContent = (key: string) => `%"${key}":"${containing(JSON.stringify(term).slice(1, -1))}`;
    return this.#rooms(
      `WHERE r.room_id > ? AND (LOWER(r.room_id) LIKE ? ESCAPE '\\' OR LOWER(n.content) LIKE ? ESCAPE '\\'
         OR LOWER(a.content) LIKE ? ESCAPE '\\')
       ORDER BY r.room_id LIMIT ?`,
      after,
      containing(term),
      inContent("name"),
      inContent("alias"),
      limit,
    );
  }

  async room(roomId: string): Promise<RoomRow | undefined> {
    return (await this.#rooms("WHERE r.room_id = ?", roomId))[0];
  }

  /** Also a room that is not there yet, or no longer. */
  block(roomId: string, reason?: string): Promise<null> {
    return this.#write("blockRoom", { roomId, at: Date.now(), ...(reason !== undefined && { reason }) });
  }

  /** @returns false when it was not blocked */
  unblock(roomId: string): Promise<boolean> {
    return this.#write("unblockRoom", { roomId });
  }

  async isBlocked(roomId: string): Promise<boolean> {
    return (await this.#reader.all("SELECT at FROM blocked_rooms WHERE room_id = ?", roomId)).length > 0;
  }

  /** The one that was blocked last comes first. */
  async blocked(): Promise<BlockedRoom[]> {
    const rows = await this.#reader.all<{ room_id: string; reason: string | null; at: number }>(
      "SELECT room_id, reason, at FROM blocked_rooms ORDER BY at DESC, room_id",
    );
    return rows.map(({ room_id: roomId, reason, at }) => ({
      roomId,
      at,
      ...(reason !== null && { reason }),
    }));
  }

  /** What rooms say of how long their messages stay, and their avatars; in the order of their ids. */
  async policies(after: string, limit: number): Promise<RoomPolicy[]> {
    const rows = await this.#reader.all<{ room_id: string; policy: string | null; avatar: string | null }>(
      `SELECT r.room_id, p.content AS policy, a.content AS avatar FROM rooms r
       LEFT JOIN current_state cp ON cp.room_id = r.room_id AND cp.type = 'm.room.retention' AND cp.state_key = ''
       LEFT JOIN events p ON p.position = cp.position
       LEFT JOIN current_state ca ON ca.room_id = r.room_id AND ca.type = 'm.room.avatar' AND ca.state_key = ''
       LEFT JOIN events a ON a.position = ca.position
       WHERE r.room_id > ? ORDER BY r.room_id LIMIT ?`,
      after,
      limit,
    );
    return rows.map((row) => {
      const avatar = textIn(row.avatar, "url");
      return {
        roomId: row.room_id,
        ...(row.policy !== null && { policy: JSON.parse(row.policy) as JsonObject }),
        ...(avatar !== undefined && { avatar }),
      };
    });
  }

  /** Takes away events that are no state, the oldest first, a few at a time. */
  purge(input: Purge): Promise<Purged> {
    return this.#write("purgeEvents", input);
  }

  /** The room in which a user is told what administrators have to say. */
  async noticeRoom(userId: string): Promise<string | undefined> {
    const [row] = await this.#reader.all<{ room_id: string }>(
      "SELECT room_id FROM notice_rooms WHERE user_id = ?",
      userId,
    );
    return row?.room_id;
  }

  setNoticeRoom(userId: string, roomId: string): Promise<null> {
    return this.#write("setNoticeRoom", { userId, roomId });
  }

  async #rooms(rest: string, ...params: readonly (string | number)[]): Promise<RoomRow[]> {
    const rows = await this.#reader.all<{
      room_id: string;
      version: string;
      published: number;
      blocked: string | null;
      joined: number;
      name: string | null;
      alias: string | null;
    }>(
      `SELECT r.room_id, r.version, r.published, b.room_id AS blocked, n.content AS name, a.content AS alias,
         (SELECT COUNT(*) FROM memberships m WHERE m.room_id = r.room_id AND m.membership = 'join') AS joined
       FROM rooms r
       LEFT JOIN blocked_rooms b ON b.room_id = r.room_id
       LEFT JOIN current_state cn ON cn.room_id = r.room_id AND cn.type = 'm.room.name' AND cn.state_key = ''
       LEFT JOIN events n ON n.position = cn.position
       LEFT JOIN current_state ca
         ON ca.room_id = r.room_id AND ca.type = 'm.room.canonical_alias' AND ca.state_key = ''
       LEFT JOIN events a ON a.position = ca.position ${rest}`,
      ...params,
    );
    return rows.map((row) => {
      const name = textIn(row.name, "name");
      const alias = textIn(row.alias, "alias");
      return {
        roomId: row.room_id,
        version: row.version,
        isPublished: row.published === 1,
        isBlocked: row.blocked !== null,
        joined: row.joined,
        ...(name !== undefined && { name }),
        ...(alias !== undefined && { alias }),
      };
    });
  }
}

const textIn = (content: string | null, key: string): string | undefined =>
  content === null ? undefined : stringOrNone((JSON.parse(content) as JsonObject)[key]);
