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
      "INSERT INTO media (media_id, user_id, created_at, hash, bytes, type, name) VALUES (?, ?, ?, ?, ?, ?, ?)",
      mediaId,
      userId,
      now,
      content.hash,
      content.bytes,
      content.type,
      content.name ?? null,
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
      "UPDATE media SET hash = ?, bytes = ?, type = ?, name = ? WHERE media_id = ? AND user_id = ? AND hash IS NULL",
      content.hash,
      content.bytes,
      content.type,
      content.name ?? null,
      mediaId,
      userId,
    );
    return filled === 1 ? "done" : "taken";
  },
};

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
    const [row] = await this.#reader.all<{
      user_id: string;
      created_at: number;
      hash: string | null;
      bytes: number | null;
      type: string | null;
      name: string | null;
    }>("SELECT user_id, created_at, hash, bytes, type, name FROM media WHERE media_id = ?", mediaId);
    if (row === undefined) return undefined;
    const { hash, bytes, type, name } = row;
    const content =
      hash === null
        ? undefined
        : { hash, bytes: bytes ?? 0, type: type ?? "", ...(name !== null && { name }) };
    return {
      mediaId,
      userId: row.user_id,
      createdAt: row.created_at,
      ...(content !== undefined && { content }),
    };
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
}
