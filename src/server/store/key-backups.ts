/**
 * Backups of message keys: what a user's devices encrypted for a device that is still to come. Versions have a number
 * that is never given again; sessions belong to a version.
 */
import type { JsonObject } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

/** One message key, as clients store it. Source: Matrix client-server API, "KeyBackupData". */
export interface BackedUpKey {
  readonly roomId: string;
  readonly sessionId: string;
  readonly firstMessageIndex: number;
  readonly forwardedCount: number;
  readonly isVerified: boolean;
  readonly sessionData: JsonObject;
}

export interface BackupVersion {
  readonly version: string;
  readonly algorithm: string;
  readonly authData: JsonObject;
  /** Changes with every change of a key. */
  readonly etag: string;
  readonly count: number;
}

/** Which keys: of a version, of one of its rooms, or one. */
export interface BackupPart {
  readonly userId: string;
  readonly version: string;
  readonly roomId?: string;
  readonly sessionId?: string;
}

export type BackupWrite =
  | { readonly kind: "done"; readonly etag: string; readonly count: number }
  | { readonly kind: "unknown" }
  | { readonly kind: "old"; readonly current: string };

interface VersionRow {
  readonly version: number;
  readonly algorithm: string;
  readonly auth_data: string;
  readonly etag: number;
}

interface KeyRow {
  readonly room_id: string;
  readonly session_id: string;
  readonly first_message_index: number;
  readonly forwarded_count: number;
  readonly is_verified: number;
  readonly session_data: string;
}

/** Of what is no version, one that there never is: clients may ask for anything. */
const numberOf = (version: string): number => (/^[1-9]\d{0,14}$/.test(version) ? Number(version) : 0);

const NEWEST = `SELECT version, algorithm, auth_data, etag FROM key_backups
  WHERE user_id = ? AND deleted = 0 ORDER BY version DESC LIMIT 1`;

export const keyBackupProcedures = {
  async createBackup(
    transaction: Transaction,
    { userId, algorithm, authData }: { userId: string; algorithm: string; authData: JsonObject },
  ): Promise<string> {
    const [last] = await transaction.all<{ version: number | null }>(
      "SELECT MAX(version) AS version FROM key_backups WHERE user_id = ?",
      userId,
    );
    const version = (last?.version ?? 0) + 1;
    await transaction.run(
      "INSERT INTO key_backups (user_id, version, algorithm, auth_data) VALUES (?, ?, ?, ?)",
      userId,
      version,
      algorithm,
      JSON.stringify(authData),
    );
    return String(version);
  },

  async changeBackup(
    transaction: Transaction,
    { userId, version, authData }: { userId: string; version: string; authData: JsonObject },
  ): Promise<boolean> {
    const changed = await transaction.run(
      "UPDATE key_backups SET auth_data = ? WHERE user_id = ? AND version = ? AND deleted = 0",
      JSON.stringify(authData),
      userId,
      numberOf(version),
    );
    return changed === 1;
  },

  async deleteBackup(
    transaction: Transaction,
    { userId, version }: { userId: string; version: string },
  ): Promise<boolean> {
    const deleted = await transaction.run(
      "UPDATE key_backups SET deleted = 1 WHERE user_id = ? AND version = ? AND deleted = 0",
      userId,
      numberOf(version),
    );
    if (deleted === 1)
      await transaction.run(
        "DELETE FROM backed_up_keys WHERE user_id = ? AND version = ?",
        userId,
        numberOf(version),
      );
    return deleted === 1;
  },

  /** A key that is there gives way to a better one only. Only the newest version takes keys. */
  async putBackedUpKeys(
    transaction: Transaction,
    { userId, version, keys }: { userId: string; version: string; keys: readonly BackedUpKey[] },
  ): Promise<BackupWrite> {
    const [newest] = await transaction.all<VersionRow>(NEWEST, userId);
    if (newest === undefined) return { kind: "unknown" };
    if (String(newest.version) !== version) return { kind: "old", current: String(newest.version) };
    let changed = 0;
    for (const key of keys) {
      changed += await transaction.run(
        `INSERT INTO backed_up_keys (user_id, version, room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET
           first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
           is_verified = excluded.is_verified, session_data = excluded.session_data
         WHERE excluded.is_verified > backed_up_keys.is_verified
           OR (excluded.is_verified = backed_up_keys.is_verified
             AND (excluded.first_message_index < backed_up_keys.first_message_index
               OR (excluded.first_message_index = backed_up_keys.first_message_index
                 AND excluded.forwarded_count < backed_up_keys.forwarded_count)))`,
        userId,
        newest.version,
        key.roomId,
        key.sessionId,
        key.firstMessageIndex,
        key.forwardedCount,
        key.isVerified ? 1 : 0,
        JSON.stringify(key.sessionData),
      );
    }
    return stateOf(transaction, userId, newest, changed);
  },

  async deleteBackedUpKeys(transaction: Transaction, part: BackupPart): Promise<BackupWrite> {
    const [version] = await transaction.all<VersionRow>(
      "SELECT version, algorithm, auth_data, etag FROM key_backups WHERE user_id = ? AND version = ? AND deleted = 0",
      part.userId,
      numberOf(part.version),
    );
    if (version === undefined) return { kind: "unknown" };
    const { where, values } = whereOf(part);
    const deleted = await transaction.run(`DELETE FROM backed_up_keys WHERE ${where}`, ...values);
    return stateOf(transaction, part.userId, version, deleted);
  },
};

async function stateOf(
  transaction: Transaction,
  userId: string,
  { version, etag }: VersionRow,
  changed: number,
): Promise<BackupWrite> {
  if (changed > 0)
    await transaction.run(
      "UPDATE key_backups SET etag = etag + 1 WHERE user_id = ? AND version = ?",
      userId,
      version,
    );
  const count = await countOf(transaction, userId, version);
  return { kind: "done", etag: String(etag + (changed > 0 ? 1 : 0)), count };
}

async function countOf(reader: Reader, userId: string, version: number): Promise<number> {
  const [row] = await reader.all<{ count: number }>(
    "SELECT COUNT(*) AS count FROM backed_up_keys WHERE user_id = ? AND version = ?",
    userId,
    version,
  );
  return row?.count ?? 0;
}

function whereOf({ userId, version, roomId, sessionId }: BackupPart) {
  const room = roomId === undefined ? "" : " AND room_id = ?";
  const session = sessionId === undefined ? "" : " AND session_id = ?";
  return {
    where: `user_id = ? AND version = ?${room}${session}`,
    values: [
      userId,
      numberOf(version),
      ...(roomId === undefined ? [] : [roomId]),
      ...(sessionId === undefined ? [] : [sessionId]),
    ],
  };
}

export class KeyBackupStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  create(userId: string, algorithm: string, authData: JsonObject): Promise<string> {
    return this.#write("createBackup", { userId, algorithm, authData });
  }

  /** @returns false when there is no such version */
  change(userId: string, version: string, authData: JsonObject): Promise<boolean> {
    return this.#write("changeBackup", { userId, version, authData });
  }

  /** @returns false when there is no such version */
  delete(userId: string, version: string): Promise<boolean> {
    return this.#write("deleteBackup", { userId, version });
  }

  /** @param version the newest, if none is given */
  async version(userId: string, version?: string): Promise<BackupVersion | undefined> {
    const [row] =
      version === undefined
        ? await this.#reader.all<VersionRow>(NEWEST, userId)
        : await this.#reader.all<VersionRow>(
            "SELECT version, algorithm, auth_data, etag FROM key_backups WHERE user_id = ? AND version = ? AND deleted = 0",
            userId,
            numberOf(version),
          );
    if (row === undefined) return undefined;
    return {
      version: String(row.version),
      algorithm: row.algorithm,
      authData: JSON.parse(row.auth_data) as JsonObject,
      etag: String(row.etag),
      count: await countOf(this.#reader, userId, row.version),
    };
  }

  put(userId: string, version: string, keys: readonly BackedUpKey[]): Promise<BackupWrite> {
    return this.#write("putBackedUpKeys", { userId, version, keys });
  }

  async keys(part: BackupPart): Promise<BackedUpKey[]> {
    const { where, values } = whereOf(part);
    const rows = await this.#reader.all<KeyRow>(
      `SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data
       FROM backed_up_keys WHERE ${where} ORDER BY room_id, session_id`,
      ...values,
    );
    return rows.map((row) => ({
      roomId: row.room_id,
      sessionId: row.session_id,
      firstMessageIndex: row.first_message_index,
      forwardedCount: row.forwarded_count,
      isVerified: row.is_verified === 1,
      sessionData: JSON.parse(row.session_data) as JsonObject,
    }));
  }

  deleteKeys(part: BackupPart): Promise<BackupWrite> {
    return this.#write("deleteBackedUpKeys", part);
  }
}
