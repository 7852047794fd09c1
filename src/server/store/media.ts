/**
 * What people have uploaded: whose it is, and which content it has. Contents are files, named by their hash.
 */
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export interface Media {
  readonly mediaId: string;
  readonly userId: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** An administrator has taken its content out of sight. */
  readonly isQuarantined: boolean;
  /** Absent while only the place is taken. */
  readonly content?: MediaContent;
}

export interface MediaContent {
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  /** As its uploader called it. */
  readonly type: string;
  readonly name?: string;
}

interface NewMedia {
  readonly mediaId: string;
  readonly userId: string;
  readonly now: number;
}

/** `full`: the user has no room for it; `taken`: it has its content already, or is nobody's place. */
export type MediaWrite = "done" | "full" | "taken";

export const mediaProcedures = {
  /** Takes a place, for a content that comes later. @returns false when the user has too many empty ones */
  async reserveMedia(
    transaction: Transaction,
    input: NewMedia & { mostEmpty: number; emptySince: number },
  ): Promise<boolean> {
    const [row] = await transaction.all<{ count: number }>(
      "SELECT COUNT(*) AS count FROM media WHERE user_id = ? AND hash IS NULL AND created_at > ?",
      input.userId,
      input.emptySince,
    );
    if ((row?.count ?? 0) >= input.mostEmpty) return false;
    await transaction.run(
      "INSERT INTO media (media_id, user_id, created_at) VALUES (?, ?, ?)",
      input.mediaId,
      input.userId,
      input.now,
    );
    return true;
  },

  async addMedia(
    transaction: Transaction,
    input: NewMedia & { content: MediaContent; quotaBytes: number },
  ): Promise<MediaWrite> {
    const { mediaId, userId, now, content } = input;
    if (!(await hasRoom(transaction, input))) return "full";
    await transaction.run(
      `INSERT INTO media (media_id, user_id, created_at, hash, bytes, type, name, quarantined)
       VALUES (?, ?, ?, ?, ?, ?, ?, ${QUARANTINED})`,
      mediaId,
      userId,
      now,
      content.hash,
      content.bytes,
      content.type,
      content.name ?? null,
      content.hash,
    );
    return "done";
  },

  async fillMedia(
    transaction: Transaction,
    input: { mediaId: string; userId: string; content: MediaContent; quotaBytes: number },
  ): Promise<MediaWrite> {
    const { mediaId, userId, content } = input;
    if (!(await hasRoom(transaction, input))) return "full";
    const filled = await transaction.run(
      `UPDATE media SET hash = ?, bytes = ?, type = ?, name = ?, quarantined = ${QUARANTINED}
       WHERE media_id = ? AND user_id = ? AND hash IS NULL`,
      content.hash,
      content.bytes,
      content.type,
      content.name ?? null,
      content.hash,
      mediaId,
      userId,
    );
    return filled === 1 ? "done" : "taken";
  },

  /** @returns the hash of its content, if there was any, or null when there is no such media */
  async deleteMedia(
    transaction: Transaction,
    { mediaId }: { mediaId: string },
  ): Promise<{ hash?: string } | null> {
    const [row] = await transaction.all<{ hash: string | null }>(
      "SELECT hash FROM media WHERE media_id = ?",
      mediaId,
    );
    if (row === undefined) return null;
    await transaction.run("DELETE FROM media WHERE media_id = ?", mediaId);
    return row.hash === null ? {} : { hash: row.hash };
  },

  /** For a content, whoever has uploaded it. @returns how many media have it */
  async quarantineMedia(
    transaction: Transaction,
    input: { hash: string; isQuarantined: boolean },
  ): Promise<number> {
    return transaction.run(
      "UPDATE media SET quarantined = ? WHERE hash = ?",
      input.isQuarantined ? 1 : 0,
      input.hash,
    );
  },
};

/** Of a content that is uploaded again, by its hash. */
const QUARANTINED = "(SELECT COALESCE(MAX(quarantined), 0) FROM media WHERE hash = ?)";

/** @param quotaBytes what an account may have that nobody gave a quota of its own */
async function hasRoom(
  transaction: Transaction,
  { userId, content, quotaBytes }: { userId: string; content: MediaContent; quotaBytes: number },
): Promise<boolean> {
  const [row] = await transaction.all<{ bytes: number | null }>(
    "SELECT SUM(bytes) AS bytes FROM media WHERE user_id = ?",
    userId,
  );
  const [own] = await transaction.all<{ media_bytes: number | null }>(
    "SELECT media_bytes FROM accounts WHERE user_id = ?",
    userId,
  );
  return Number(row?.bytes ?? 0) + content.bytes <= (own?.media_bytes ?? quotaBytes);
}

export class MediaStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  async get(mediaId: string): Promise<Media | undefined> {
    return (await this.#media("WHERE media_id = ?", mediaId))[0];
  }

  /** A page of an account's media in the order of their ids. @param after the last id of the page before */
  page(userId: string, after: string, limit: number): Promise<Media[]> {
    return this.#media("WHERE user_id = ? AND media_id > ? ORDER BY media_id LIMIT ?", userId, after, limit);
  }

  /** The oldest first, of those before a moment. @param after the last one of the page before */
  olderThan(
    before: number,
    after: { readonly createdAt: number; readonly mediaId: string },
    limit: number,
  ): Promise<Media[]> {
    return this.#media(
      `WHERE created_at < ? AND (created_at > ? OR (created_at = ? AND media_id > ?))
       ORDER BY created_at, media_id LIMIT ?`,
      Math.floor(before),
      after.createdAt,
      after.createdAt,
      after.mediaId,
      limit,
    );
  }

  /** What accounts have uploaded, in the order of their ids. @param after the last id of the page before */
  async usageByUser(
    after: string,
    limit: number,
  ): Promise<{ readonly userId: string; readonly count: number; readonly bytes: number }[]> {
    const rows = await this.#reader.all<{ user_id: string; count: number; bytes: number | null }>(
      `SELECT user_id, COUNT(*) AS count, SUM(bytes) AS bytes FROM media
       WHERE user_id > ? AND hash IS NOT NULL GROUP BY user_id ORDER BY user_id LIMIT ?`,
      after,
      limit,
    );
    return rows.map(({ user_id: userId, count, bytes }) => ({ userId, count, bytes: bytes ?? 0 }));
  }

  /** @returns the hash of its content, if there was any, or null when there is no such media */
  delete(mediaId: string): Promise<{ readonly hash?: string } | null> {
    return this.#write("deleteMedia", { mediaId });
  }

  /** @returns how many media have the content */
  quarantine(hash: string, isQuarantined: boolean): Promise<number> {
    return this.#write("quarantineMedia", { hash, isQuarantined });
  }

  async isUsed(hash: string): Promise<boolean> {
    return (await this.#reader.all("SELECT media_id FROM media WHERE hash = ? LIMIT 1", hash)).length > 0;
  }

  /** What an account has uploaded, in all. */
  async usage(userId: string): Promise<{ readonly count: number; readonly bytes: number }> {
    const [row] = await this.#reader.all<{ count: number; bytes: number | null }>(
      "SELECT COUNT(*) AS count, SUM(bytes) AS bytes FROM media WHERE user_id = ? AND hash IS NOT NULL",
      userId,
    );
    return { count: row?.count ?? 0, bytes: row?.bytes ?? 0 };
  }

  reserve(mediaId: string, userId: string, mostEmpty: number, emptySince: number): Promise<boolean> {
    return this.#write("reserveMedia", { mediaId, userId, now: Date.now(), mostEmpty, emptySince });
  }

  add(mediaId: string, userId: string, content: MediaContent, quotaBytes: number): Promise<MediaWrite> {
    return this.#write("addMedia", { mediaId, userId, now: Date.now(), content, quotaBytes });
  }

  fill(mediaId: string, userId: string, content: MediaContent, quotaBytes: number): Promise<MediaWrite> {
    return this.#write("fillMedia", { mediaId, userId, content, quotaBytes });
  }

  async #media(rest: string, ...params: readonly (string | number)[]): Promise<Media[]> {
    const rows = await this.#reader.all<MediaRow>(
      `SELECT media_id, user_id, created_at, quarantined, hash, bytes, type, name FROM media ${rest}`,
      ...params,
    );
    return rows.map(({ hash, bytes, type, name, ...row }) => ({
      mediaId: row.media_id,
      userId: row.user_id,
      createdAt: row.created_at,
      isQuarantined: row.quarantined === 1,
      ...(hash !== null && {
        content: { hash, bytes: bytes ?? 0, type: type ?? "", ...(name !== null && { name }) },
      }),
    }));
  }
}

interface MediaRow {
  media_id: string;
  user_id: string;
  created_at: number;
  quarantined: number;
  hash: string | null;
  bytes: number | null;
  type: string | null;
  name: string | null;
}
