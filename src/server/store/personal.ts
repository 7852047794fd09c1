/**
 * What belongs to one user: receipts, what is unread, account data, filters.
 */
import type { JsonObject } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export interface Receipt {
  readonly roomId: string;
  readonly userId: string;
  readonly type: "m.read" | "m.read.private";
  /** A thread's root event, `main`, or empty for all threads together. */
  readonly thread: string;
  readonly eventId: string;
  /** Where the event stands; a receipt never goes back. */
  readonly eventPosition: number;
  readonly ts: number;
}

export interface AccountData {
  /** Empty for data of the whole account. */
  readonly roomId: string;
  readonly type: string;
  readonly content: JsonObject;
  readonly position: number;
}

/** How far a user has read in a room. */
export interface ReadUpTo {
  /** Everywhere: by a receipt without a thread, or because the user was not there. */
  readonly all: number;
  /** Beyond that, by the root of a thread or `main`. */
  readonly threads: ReadonlyMap<string, number>;
}

export interface UnreadEvent {
  readonly position: number;
  /** The thread's root, or `main`. */
  readonly thread: string;
  readonly isHighlight: boolean;
}

export interface UnreadTally {
  readonly notifications: number;
  readonly highlights: number;
}

/** What a user has not read in a room. */
export interface UnreadCount {
  /** What it was counted by. */
  readonly read: ReadUpTo;
  readonly countedUpTo: number;
  /** The newest, oldest first. */
  readonly unread: readonly UnreadEvent[];
  /** Those before, by thread. */
  readonly older: ReadonlyMap<string, UnreadTally>;
}

/** An {@link UnreadCount} as it is kept. */
interface KeptCount {
  readonly all: number;
  readonly threads: readonly (readonly [thread: string, position: number])[];
  readonly upTo: number;
  readonly unread: readonly (readonly [position: number, thread: string, highlight: number])[];
  readonly older: readonly (readonly [thread: string, notifications: number, highlights: number])[];
}

export const personalProcedures = {
  /** @returns false when the user has read further already */
  async setReceipt(transaction: Transaction, input: Receipt): Promise<boolean> {
    const [old] = await transaction.all<{ event_position: number }>(
      "SELECT event_position FROM receipts WHERE room_id = ? AND user_id = ? AND type = ? AND thread = ?",
      input.roomId,
      input.userId,
      input.type,
      input.thread,
    );
    if (old !== undefined && old.event_position >= input.eventPosition) return false;
    // Nobody else hears of a private receipt: it is told to its user, not to the room.
    const target =
      input.type === "m.read"
        ? { roomId: input.roomId, about: input.userId }
        : { roomId: input.roomId, userId: input.userId, about: input.userId };
    await transaction.run(
      `INSERT INTO receipts (room_id, user_id, type, thread, event_id, event_position, ts, position)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room_id, user_id, type, thread) DO UPDATE SET
         event_id = excluded.event_id, event_position = excluded.event_position, ts = excluded.ts, position = excluded.position`,
      input.roomId,
      input.userId,
      input.type,
      input.thread,
      input.eventId,
      input.eventPosition,
      input.ts,
      transaction.position({ kind: "receipt", ...target }),
    );
    return true;
  },

  async setAccountData(
    transaction: Transaction,
    input: { userId: string; roomId: string; type: string; content: JsonObject },
  ): Promise<number> {
    const position = transaction.position({ kind: "account-data", userId: input.userId });
    await transaction.run(
      `INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position`,
      input.userId,
      input.roomId,
      input.type,
      JSON.stringify(input.content),
      position,
    );
    return position;
  },

  async keepUnreadCount(
    transaction: Transaction,
    input: { userId: string; roomId: string; count: string },
  ): Promise<null> {
    await transaction.run(
      `INSERT INTO unread_counts (user_id, room_id, count) VALUES (?, ?, ?)
       ON CONFLICT (user_id, room_id) DO UPDATE SET count = excluded.count`,
      input.userId,
      input.roomId,
      input.count,
    );
    return null;
  },

  async addFilter(
    transaction: Transaction,
    input: { userId: string; id: string; definition: string },
  ): Promise<null> {
    await transaction.run(
      "INSERT INTO filters (user_id, id, definition) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      input.userId,
      input.id,
      input.definition,
    );
    return null;
  },
};

/** Whoever knows of nothing yet need not learn what was removed. */
const known = (after: number): string => (after === 0 ? " AND content <> '{}'" : "");

export class PersonalStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  setReceipt(receipt: Receipt): Promise<boolean> {
    return this.#write("setReceipt", receipt);
  }

  /** A room's receipts that changed after a position. */
  async receipts(roomId: string, after: number): Promise<Receipt[]> {
    return this.#receipts("room_id = ? AND position > ?", roomId, after);
  }

  receiptsOf(userId: string, roomId: string): Promise<Receipt[]> {
    return this.#receipts("room_id = ? AND user_id = ?", roomId, userId);
  }

  /** As of some time ago: what it was counted by, and up to where, says whether it still serves. */
  async unreadCount(userId: string, roomId: string): Promise<UnreadCount | undefined> {
    const [row] = await this.#reader.all<{ count: string }>(
      "SELECT count FROM unread_counts WHERE user_id = ? AND room_id = ?",
      userId,
      roomId,
    );
    if (row === undefined) return undefined;
    const { all, threads, upTo, unread, older } = JSON.parse(row.count) as KeptCount;
    return {
      read: { all, threads: new Map(threads) },
      countedUpTo: upTo,
      unread: unread.map(([position, thread, highlight]) => ({
        position,
        thread,
        isHighlight: highlight === 1,
      })),
      older: new Map(
        older.map(([thread, notifications, highlights]) => [thread, { notifications, highlights }]),
      ),
    };
  }

  keepUnreadCount(userId: string, roomId: string, count: UnreadCount): Promise<null> {
    const kept: KeptCount = {
      ...{ all: count.read.all, threads: [...count.read.threads], upTo: count.countedUpTo },
      unread: count.unread.map(({ position, thread, isHighlight }) => [
        position,
        thread,
        isHighlight ? 1 : 0,
      ]),
      older: [...count.older].map(([thread, { notifications, highlights }]) => [
        thread,
        notifications,
        highlights,
      ]),
    };
    return this.#write("keepUnreadCount", { userId, roomId, count: JSON.stringify(kept) });
  }

  setAccountData(userId: string, roomId: string, type: string, content: JsonObject): Promise<number> {
    return this.#write("setAccountData", { userId, roomId, type, content });
  }

  async accountData(userId: string, roomId: string, type: string): Promise<JsonObject | undefined> {
    const [row] = await this.#reader.all<{ content: string }>(
      "SELECT content FROM account_data WHERE user_id = ? AND room_id = ? AND type = ?",
      userId,
      roomId,
      type,
    );
    return row && (JSON.parse(row.content) as JsonObject);
  }

  /** All of the account's data, of its rooms too, that changed after a position. */
  accountDataSince(userId: string, after: number): Promise<AccountData[]> {
    return this.#accountData(`user_id = ? AND position > ?${known(after)}`, userId, after);
  }

  /** What the user keeps of one room, and changed after a position. */
  accountDataOfRoom(userId: string, roomId: string, after: number): Promise<AccountData[]> {
    return this.#accountData(
      `user_id = ? AND room_id = ? AND position > ?${known(after)}`,
      userId,
      roomId,
      after,
    );
  }

  /** What the user keeps of one kind, of each room. */
  dataOfRooms(userId: string, type: string): Promise<AccountData[]> {
    return this.#accountData("user_id = ? AND room_id <> '' AND type = ?", userId, type);
  }

  async #accountData(where: string, ...params: readonly (string | number)[]): Promise<AccountData[]> {
    const rows = await this.#reader.all<{ room_id: string; type: string; content: string; position: number }>(
      `SELECT room_id, type, content, position FROM account_data WHERE ${where} ORDER BY position`,
      ...params,
    );
    return rows.map((row) => ({
      roomId: row.room_id,
      type: row.type,
      content: JSON.parse(row.content) as JsonObject,
      position: row.position,
    }));
  }

  addFilter(userId: string, id: string, definition: JsonObject): Promise<null> {
    return this.#write("addFilter", { userId, id, definition: JSON.stringify(definition) });
  }

  async filter(userId: string, id: string): Promise<JsonObject | undefined> {
    const [row] = await this.#reader.all<{ definition: string }>(
      "SELECT definition FROM filters WHERE user_id = ? AND id = ?",
      userId,
      id,
    );
    return row && (JSON.parse(row.definition) as JsonObject);
  }

  async #receipts(where: string, ...params: readonly (string | number)[]): Promise<Receipt[]> {
    const rows = await this.#reader.all<{
      room_id: string;
      user_id: string;
      type: "m.read" | "m.read.private";
      thread: string;
      event_id: string;
      event_position: number;
      ts: number;
    }>(
      `SELECT room_id, user_id, type, thread, event_id, event_position, ts FROM receipts WHERE ${where}`,
      ...params,
    );
    return rows.map((row) => ({
      roomId: row.room_id,
      userId: row.user_id,
      type: row.type,
      thread: row.thread,
      eventId: row.event_id,
      eventPosition: row.event_position,
      ts: row.ts,
    }));
  }
}
