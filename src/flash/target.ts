/**
 * A drive or a file that is being written, and how it is kept from being half a system.
 *
 * On Linux a drive is claimed as a whole (O_EXCL): while we have it, nobody mounts it or a partition of it. What is
 * written and read back passes by the page cache (O_DIRECT). macOS has neither: there its raw device is written to, which
 * has no cache; what was mounted is unmounted before, and once the partition table is gone nobody finds what to mount. A
 * file is written beside its name and gets it when all is done.
 *
 * Sources: open(2); block devices and O_EXCL, Linux `bd_prepare_to_claim`; `man 4 disk` of macOS.
 */
import { constants } from "node:fs";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { BLOCK_BYTES, PAGE_BYTES, type Slot } from "./blocks.js";
import { ImcloudError } from "../shared/errors.js";
import { assertAllowed, assertSame } from "./same-drive.js";
import {
  noRoom,
  notPermitted,
  readFailed,
  standsStill,
  targetBusy,
  tooSmall,
  writeFailed,
} from "./errors.js";

/** What to write to. */
export interface TargetRequest {
  /** As people know it. */
  readonly name: string;
  readonly path: string;
  readonly kind: "drive" | "file";
  /** Of a drive, in bytes. */
  readonly sizeBytes?: number;
  /** Of a drive: by what it is known again when it is opened. */
  readonly identity?: DriveIdentity;
  /** Of a drive: what to unmount before. */
  readonly mounts?: readonly string[];
}

export interface DriveIdentity {
  /** `MAJOR:MINOR`; on macOS `disk4`. */
  readonly number: string;
  readonly serial: string;
  readonly sequence?: string;
}

/** The longest that one MiB may take: cards pause for seconds while they tidy up. */
const PATIENCE_MS = 120_000;
const SECTOR_BYTES = 512;
const DIRECT = (constants.O_DIRECT as number | undefined) ?? 0;
/** Without O_CREAT it is Linux alone that knows what is meant. */
const CLAIM = process.platform === "linux" ? constants.O_EXCL : 0;

export class Target implements AsyncDisposable {
  /** Where it is while it is written. */
  readonly path: string;
  readonly request: TargetRequest;
  readonly #writer: FileHandle;
  #reader: FileHandle | undefined;
  #isStuck = false;
  #isKept = false;

  private constructor(request: TargetRequest, path: string, handle: FileHandle) {
    this.request = request;
    this.path = path;
    this.#writer = handle;
  }

  /** @throws ImcloudError `flash.target-busy`, `flash.target-refused`, `flash.write-failed` */
  static async open(request: TargetRequest): Promise<Target> {
    await assertAllowed(request.path);
    const path = request.kind === "file" ? `${request.path}.part` : request.path;
    const flags =
      request.kind === "file"
        ? constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC
        : constants.O_RDWR | CLAIM | DIRECT;
    try {
      const handle = await open(path, flags, 0o644);
      const target = new Target(request, path, handle);
      await assertSame(request, handle).catch(async (error: unknown) => {
        await handle.close();
        throw error;
      });
      return target;
    } catch (error) {
      if (error instanceof ImcloudError) throw error;
      if (codeOf(error) === "EBUSY") throw targetBusy(request.name, error);
      const isGuarded = process.platform === "darwin" && codeOf(error) === "EPERM";
      if (isGuarded && request.kind === "drive") throw notPermitted(request.name, error);
      throw writeFailed(request.name, 0, error);
    }
  }

  /** A new file is nothing but zeros, and stays sparse where nothing else is written. */
  get isZeroed(): boolean {
    return this.request.kind === "file";
  }

  /** Takes away what a drive started from until now. */
  async forget(slot: Slot): Promise<void> {
    if (this.request.kind === "file") return;
    slot.memory.fill(0);
    await this.write(slot, BLOCK_BYTES, 0);
    await this.sync();
  }

  /** @param length of what the slot holds, beginning at its byte `from` */
  async write({ memory }: Slot, length: number, offset: number, from = 0): Promise<void> {
    const { name, kind, sizeBytes } = this.request;
    if (sizeBytes !== undefined && offset + length > sizeBytes) throw tooSmall(name, sizeBytes, undefined);
    // A drive takes whole sectors; what lies behind the image there is nobody's.
    const end = from + (kind === "file" ? length : Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES);
    memory.fill(0, from + length, end);
    for (let at = from; at < end;) {
      const writing = this.#writer.write(memory, at, end - at, offset + at - from);
      const { bytesWritten } = await this.#patiently(offset, writing).catch((error: unknown) => {
        if (error instanceof ImcloudError) throw error;
        throw codeOf(error) === "ENOSPC" ? noRoom(this.path, error) : writeFailed(name, offset, error);
      });
      at += bytesWritten;
    }
  }

  /** @returns when all of it is on the medium */
  async sync(): Promise<void> {
    await this.#writer.sync().catch((error: unknown) => {
      throw codeOf(error) === "ENOSPC" ? noRoom(this.path, error) : writeFailed(this.request.name, 0, error);
    });
  }

  /** A file is as long as the image, also where its end is zeros and was not written. */
  async setSize(bytes: number): Promise<void> {
    if (this.request.kind === "file") await this.#writer.truncate(bytes);
  }

  /**
   * From the medium.
   *
   * @returns a view of the slot's memory
   */
  async read({ memory }: Slot, length: number, offset: number): Promise<Buffer> {
    const { name } = this.request;
    this.#reader ??= await this.#openReader();
    const want = Math.ceil(length / PAGE_BYTES) * PAGE_BYTES;
    const reading = this.#reader.read(memory, 0, want, offset);
    const { bytesRead } = await this.#patiently(offset, reading).catch((error: unknown) => {
      throw error instanceof ImcloudError ? error : readFailed(name, offset, error);
    });
    if (bytesRead < length) throw readFailed(name, offset + bytesRead, new Error("nothing is there"));
    return memory.subarray(0, length);
  }

  /** All is well: a file gets its name. */
  async keep(): Promise<void> {
    await this.#close();
    if (this.request.kind === "file") await rename(this.path, this.request.path);
    this.#isKept = true;
  }

  /** A file that did not become what it should is gone; a drive has no partition table. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isKept) return;
    // A write that never returns would keep us here as well.
    if (!this.#isStuck) await this.#close();
    if (this.request.kind === "file") await rm(this.path, { force: true });
  }

  async #close(): Promise<void> {
    if (this.#reader !== this.#writer) await this.#reader?.close();
    await this.#writer.close();
  }

  async #openReader(): Promise<FileHandle> {
    if (this.request.kind === "drive") return this.#writer;
    // Some file systems have no direct I/O: there the file system's word is all there is.
    return open(this.path, constants.O_RDONLY | DIRECT).catch(() => open(this.path, constants.O_RDONLY));
  }

  async #patiently<T>(offset: number, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#isStuck = true;
        reject(standsStill(this.request.name, offset, PATIENCE_MS / 1000));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([work, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;
