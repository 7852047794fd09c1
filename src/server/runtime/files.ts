/**
 * Files that are named after their content: written as they come, durable before anybody hears of them, each content
 * once.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { InTurn } from "./in-turn.js";

/** The folder, beside the contents, of what was made of them. */
export const VARIANTS = "thumbnails";

/** More came than may come. */
export class TooMuchError extends Error {
  override readonly name = "TooMuchError";
}

/** Whoever sent it went away. */
export class BrokenOffError extends Error {
  override readonly name = "BrokenOffError";
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

  /** @returns bytes, or undefined where there is no such file */
  async sizeOf(hash: string): Promise<number | undefined> {
    try {
      return (await stat(this.pathOf(hash))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Removes what a server that was killed had not finished. */
  async tidy(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
  }

  /**
   * Resolves when the content is on the disk under its name, and `record` has noted whose it is.
   *
   * @throws TooMuchError, BrokenOffError, or the error of the disk or `record`; of a stream that broke nothing is left
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

  /** Removes a content, and its variants, unless somebody has it. @param isUnused asked when nobody can come to have it meanwhile */
  async remove(hash: string, isUnused: () => Promise<boolean>): Promise<void> {
    await this.#turns.run(hash, async () => {
      if (!(await isUnused())) return;
      await rm(this.pathOf(hash), { force: true });
      await rm(this.#variantsOf(hash), { recursive: true, force: true });
    });
  }

  /** What was made of a content: files that can be made again, by their names. */
  async variantsOf(hash: string): Promise<readonly string[]> {
    try {
      return await readdir(this.#variantsOf(hash));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  variantPath(hash: string, name: string): string {
    return join(this.#variantsOf(hash), name);
  }

  /**
   * Makes a variant, which others see only when it is whole.
   *
   * @param make writes to a path, and says the variant's name
   * @param isUsed asked when nobody can remove the content meanwhile; without its content a variant goes
   * @returns what `make` said
   */
  async addVariant<T extends { readonly name: string }>(
    hash: string,
    make: (path: string) => Promise<T>,
    isUsed: () => Promise<boolean>,
  ): Promise<T> {
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    const part = join(this.#incoming, randomUUID());
    try {
      const made = await make(part);
      await this.#turns.run(hash, async () => {
        if (!(await isUsed())) return;
        await mkdir(this.#variantsOf(hash), { recursive: true, mode: 0o700 });
        await rename(part, this.variantPath(hash, made.name));
      });
      return made;
    } finally {
      await rm(part, { force: true });
    }
  }

  #variantsOf(hash: string): string {
    return join(this.#folder, VARIANTS, hash.slice(0, 2), hash.slice(2));
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
    for await (const chunk of chunksOf(content)) {
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

async function* chunksOf(content: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  try {
    yield* content ?? [];
  } catch (error) {
    throw new BrokenOffError("it broke off", { cause: error });
  }
}

/** What was made, renamed or removed in the folder outlives a power cut from here on. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
