/**
 * Files that are named after their content: written as they come, durable before anybody hears of them, each content
 * once.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { InTurn } from "./in-turn.js";

/** More came than may come. */
export class TooMuchError extends Error {
  override readonly name = "TooMuchError";
}

export interface ReceivedFile {
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
}

export class ContentFiles {
  readonly #folder: string;
  readonly #incoming: string;
  /** By hash: a content is not removed while somebody is about to have it. */
  readonly #turns = new InTurn();

  constructor(folder: string) {
    this.#folder = folder;
    this.#incoming = join(folder, "incoming");
  }

  pathOf(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash.slice(2));
  }

  /** Removes what a server that was killed had not finished. */
  async tidy(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
  }

  /**
   * Resolves when the content is on the disk under its name, and `record` has noted whose it is.
   *
   * @throws TooMuchError, or the error of the stream, the disk or `record`; of a stream that broke nothing is left
   */
  async receive<T>(
    content: ReadableStream<Uint8Array> | null,
    mostBytes: number,
    record: (file: ReceivedFile) => Promise<T>,
  ): Promise<T> {
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    const part = join(this.#incoming, randomUUID());
    try {
      const received = await writeTo(part, content, mostBytes);
      const path = this.pathOf(received.hash);
      const folder = join(path, "..");
      return await this.#turns.run(received.hash, async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        // What is there under that name is the same.
        await rename(part, path);
        for (const changed of [folder, this.#folder]) await syncFolder(changed);
        return record(received);
      });
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  /** Removes a content, unless somebody has it. @param isUnused asked when nobody can come to have it meanwhile */
  async remove(hash: string, isUnused: () => Promise<boolean>): Promise<void> {
    await this.#turns.run(hash, async () => {
      if (await isUnused()) await rm(this.pathOf(hash), { force: true });
    });
  }
}

async function writeTo(
  path: string,
  content: ReadableStream<Uint8Array> | null,
  mostBytes: number,
): Promise<ReceivedFile> {
  const file = await open(path, "wx", 0o600);
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of content ?? []) {
      bytes += chunk.byteLength;
      if (bytes > mostBytes) throw new TooMuchError(`more than ${mostBytes} bytes`);
      hash.update(chunk);
      for (let at = 0; at < chunk.byteLength;) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { hash: hash.digest("hex"), bytes };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
