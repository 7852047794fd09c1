/**
 * One image to any number of drives: read, hashed and unpacked once for drives that are about as fast as each other,
 * written and read back by each drive on its own.
 *
 * The order is what makes a cut-off drive harmless. The old partition table goes first; then all of the image is written
 * but its first page; it is read back; settings are made; and only then comes the partition table. Whatever happens before
 * that, the firmware finds nothing to start. A drive that fails is left out, and the others go on.
 */
import { createHash } from "node:crypto";
import { BlockPool, PAGE_BYTES, Queue, type Block, type Mark } from "./blocks.js";
import { interrupted, noBootPartition } from "./errors.js";
import { readBack } from "./read-back.js";
import type { ImageContent, ReadImage } from "./read-image.js";
import { Reading, type Follower, type Known } from "./reading.js";
import { Target, type TargetRequest } from "./target.js";
import type { Customise } from "./types.js";

export interface WriteRequest {
  readonly image: ImageContent;
  /** False: what was written is not read back. */
  readonly verify: boolean;
  readonly targets: readonly TargetRequest[];
  /** For the target of that index. */
  readonly customise?: (index: number) => Customise | undefined;
  readonly signal?: AbortSignal;
}

export type Phase = "writing" | "verifying" | "customising" | "finishing";

export interface WriteProgress {
  /** @param ofBytes what it comes to, where that is known */
  phase(index: number, phase: Phase, ofBytes?: number): void;
  /** So many more bytes of the phase are done. */
  moved(index: number, bytes: number): void;
  /** That target is through, and closed; others may go on. */
  ended(index: number, outcome: WriteOutcome): void;
}

export interface Written {
  /** The image's. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** What was neither known to be zero there nor left out by a bmap. */
  readonly writtenBytes: number;
}

export type WriteOutcome =
  { readonly ok: true; readonly value: Written } | { readonly ok: false; readonly error: unknown };

/** At once: each has its blocks in memory, and a program that unpacks. */
const MOST_READINGS = 3;
/** One is read while the other is hashed. */
const BLOCKS_PER_TARGET = 2;

/**
 * @returns an outcome for each target, in their order
 * @throws ImcloudError about the image, when that is to blame; then no target boots
 */
export async function writeImage(
  request: WriteRequest,
  progress: WriteProgress,
): Promise<readonly WriteOutcome[]> {
  // Lanes have blocks of their own: those on their way may all be waiting for them.
  const ofLanes = new BlockPool(BLOCKS_PER_TARGET * request.targets.length);
  const lanes = request.targets.map((_, index) => new Lane(index, ofLanes, request, progress));
  const stop = () => lanes.forEach((lane) => lane.endOfImage());
  request.signal?.addEventListener("abort", stop);
  const readings: Reading[] = [];
  const begin = (followers: readonly Follower[], known?: Known): boolean => {
    if (readings.length === MOST_READINGS) return false;
    readings.push(new Reading(request.image, followers, begin, known));
    return true;
  };
  begin(lanes);
  const outcomes = await Promise.all(
    lanes.map(async (lane, index) => {
      const outcome = await lane.run();
      progress.ended(index, outcome);
      return outcome;
    }),
  );
  request.signal?.removeEventListener("abort", stop);
  const read = await Promise.allSettled(readings.map(({ image }) => image));
  const broken = read.find((one) => one.status === "rejected");
  if (broken !== undefined && outcomes.every(({ ok }) => !ok)) throw broken.reason;
  return outcomes;
}

/** A target's way through it all. */
class Lane implements Follower {
  readonly #index: number;
  readonly #target: TargetRequest;
  readonly #pool: BlockPool;
  readonly #request: WriteRequest;
  readonly #progress: WriteProgress;
  readonly #queue = new Queue<Block>();
  readonly #marks: Mark[] = [];
  #reading: Reading | undefined;
  #first: Block | undefined;
  #isOpen = true;
  #doneBytes = 0;
  #busyMs = 0;
  #busySinceMs: number | undefined;

  constructor(index: number, pool: BlockPool, request: WriteRequest, progress: WriteProgress) {
    const target = request.targets[index];
    if (target === undefined) throw new RangeError(`no target ${index}`);
    this.#index = index;
    this.#target = target;
    this.#pool = pool;
    this.#request = request;
    this.#progress = progress;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get doneBytes(): number {
    return this.#doneBytes;
  }

  get busyMs(): number {
    return this.#busyMs + (this.#busySinceMs === undefined ? 0 : performance.now() - this.#busySinceMs);
  }

  follow(reading: Reading): void {
    this.#reading = reading;
  }

  give(block: Block): void {
    block.slot.hold(1);
    this.#queue.put(block);
  }

  endOfImage(): void {
    this.#isOpen = false;
    this.#queue.end();
  }

  async run(): Promise<WriteOutcome> {
    try {
      await using target = await Target.open(this.#target);
      const slot = await this.#pool.take();
      await target.forget(slot).finally(() => slot.release());
      this.#progress.phase(this.#index, "writing");
      await this.#writeBlocks(target);
      return { ok: true, value: await this.#finish(target, await this.#reading?.image) };
    } catch (error) {
      return { ok: false, error };
    } finally {
      this.endOfImage();
      for await (const { slot } of this.#queue) slot.release();
      this.#first?.slot.release();
    }
  }

  async #writeBlocks(target: Target): Promise<void> {
    for await (const block of this.#queue) {
      if (block.offset === 0) this.#first = block;
      this.#busySinceMs = performance.now();
      try {
        this.#stopIfAsked();
        await this.#writeBlock(target, block);
      } finally {
        if (block.offset > 0) block.slot.release();
      }
      this.#busyMs = this.busyMs;
      this.#busySinceMs = undefined;
      this.#doneBytes += block.length;
      this.#progress.moved(this.#index, block.length);
    }
    this.#stopIfAsked();
  }

  async #writeBlock(target: Target, { slot, offset, marks }: Block): Promise<void> {
    for (const mark of marks) {
      if (mark.isZero && target.isZeroed) continue;
      await target.write(slot, mark.length, mark.offset, mark.offset - offset);
      this.#marks.push(mark);
    }
  }

  async #finish(target: Target, image: ReadImage | undefined): Promise<Written> {
    const first = this.#first;
    if (image === undefined || first === undefined) throw interrupted(this.#target.name);
    await target.setSize(image.sizeBytes);
    await target.sync();
    const table = markOf(0, first.slot.memory.subarray(0, Math.min(PAGE_BYTES, first.length)));
    const writtenBytes = this.#marks.reduce((sum, { length }) => sum + length, table.length);
    if (this.#request.verify) {
      this.#progress.phase(this.#index, "verifying", writtenBytes - table.length);
      const onRead = (bytes: number) => this.#progress.moved(this.#index, bytes);
      await readBack(target, this.#marks, this.#pool, onRead, this.#request.signal);
    }
    await this.#customise(target, image);
    await target.sync();
    this.#stopIfAsked();
    this.#progress.phase(this.#index, "finishing");
    await target.write(first.slot, table.length, 0);
    await target.sync();
    if (this.#request.verify) await readBack(target, [table], this.#pool, () => undefined);
    await target.keep();
    return { sizeBytes: image.sizeBytes, sha256: image.sha256, writtenBytes };
  }

  async #customise({ path }: Target, { table }: ReadImage): Promise<void> {
    const customise = this.#request.customise?.(this.#index);
    if (customise === undefined) return;
    if (table.boot === undefined) throw noBootPartition(this.#request.image.name);
    this.#progress.phase(this.#index, "customising");
    await customise({ path, boot: table.boot, ...(table.root !== undefined && { root: table.root }) });
  }

  #stopIfAsked(): void {
    if (this.#request.signal?.aborted === true) throw interrupted(this.#target.name);
  }
}

const markOf = (offset: number, bytes: Buffer): Mark => ({
  offset,
  length: bytes.length,
  digest: createHash("sha256").update(bytes).digest(),
  isZero: false,
});
