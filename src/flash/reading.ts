/**
 * One reading of an image, for all drives that keep up with each other.
 *
 * A drive that could be much sooner by itself begins to read anew, and is given what comes after that which it has. The
 * slowest stays: nothing it waits for is lost by others leaving, and equal drives are never worth a second unpacking.
 */
import { BLOCK_BYTES, BlockPool, type Block } from "./blocks.js";
import { imageChanged } from "./errors.js";
import { readImage, type ImageContent, type ReadImage } from "./read-image.js";

/** Blocks on their way, besides the first, which stays until the end. */
const BLOCKS_IN_FLIGHT = 12;
/** What a drive's speed is judged by: that many milliseconds of the slowest one's writing. */
const SETTLED_MS = 5_000;
/** Less than this is not worth unpacking all of it once more. */
const LEAST_GAIN_MS = 10_000;
const LEAST_GAIN = 0.2;
const LOOK_MS = 1_000;

/** Who takes the blocks of a reading, at a pace of its own. */
export interface Follower {
  /** Still wants blocks. */
  readonly isOpen: boolean;
  /** Spent on what it was given, waiting apart. */
  readonly busyMs: number;
  readonly doneBytes: number;
  /** From now on that one gives the blocks, and says what the image is. */
  follow(reading: Reading): void;
  give(block: Block): void;
  endOfImage(): void;
}

/** How much had been read when some began anew; the bytes up to there have to be the same again. */
export interface Known {
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** Begins another reading for those, if there may be one. */
export type Part = (followers: readonly Follower[], known: Known) => boolean;

export class Reading {
  /** Undefined when nobody wanted all of it; rejects with what is wrong with the image. */
  readonly image: Promise<ReadImage | undefined>;
  readonly #content: ImageContent;
  readonly #pool = new BlockPool(BLOCKS_IN_FLIGHT + 1);
  readonly #known: Known | undefined;
  readonly #part: Part;
  readonly #startMs = performance.now();
  #followers: readonly Follower[];
  #read: Known = { bytes: 0, sha256: "" };

  /** @param known those followers have that much already */
  constructor(content: ImageContent, followers: readonly Follower[], part: Part, known?: Known) {
    this.#content = content;
    this.#followers = followers;
    this.#part = part;
    this.#known = known;
    this.image = this.#run();
    this.image.catch(() => undefined); // whoever awaits it may not have come yet
    for (const follower of followers) follower.follow(this);
  }

  async #run(): Promise<ReadImage | undefined> {
    // Not at each block: of a drive that hangs, no block comes back.
    const looking = setInterval(() => this.#letGo(), LOOK_MS);
    try {
      return await readImage(this.#content, this.#pool, (block, sha256) => this.#give(block, sha256));
    } finally {
      clearInterval(looking);
      for (const follower of this.#followers) follower.endOfImage();
    }
  }

  #give(block: Block, sha256: string): boolean {
    this.#read = { bytes: block.offset + block.length, sha256 };
    const { bytes, sha256: expected } = this.#known ?? { bytes: 0 };
    if (this.#read.bytes === bytes && sha256 !== expected) throw imageChanged(this.#content.name);
    this.#followers = this.#followers.filter(({ isOpen }) => isOpen);
    if (this.#read.bytes > bytes) for (const follower of this.#followers) follower.give(block);
    return this.#followers.length > 0;
  }

  #letGo(): void {
    const leaving = this.#whoGains();
    if (leaving.length === 0 || !this.#part(leaving, this.#read)) return;
    this.#followers = this.#followers.filter((follower) => !leaving.includes(follower));
  }

  #whoGains(): readonly Follower[] {
    const followers = this.#followers.filter(({ isOpen }) => isOpen);
    const slowest = followers.toSorted((a, b) => paceOf(b) - paceOf(a))[0];
    const read = this.#read.bytes;
    if (slowest === undefined || slowest.busyMs < SETTLED_MS || read <= (this.#known?.bytes ?? 0)) return [];
    const reading = (performance.now() - this.#startMs - this.#pool.waitedMs) / read;
    // Of an image whose size only its end tells, as much again may come.
    const rest = (this.#content.sizeBytes ?? 2 * read) - read;
    const staying = rest * paceOf(slowest);
    const leastGain = Math.max(LEAST_GAIN_MS, staying * LEAST_GAIN);
    return followers.filter((follower) => {
      const leaving = read * reading + rest * Math.max(paceOf(follower), reading);
      return staying - leaving > leastGain;
    });
  }
}

/** Milliseconds a byte. */
const paceOf = ({ busyMs, doneBytes }: Follower): number => busyMs / Math.max(doneBytes, BLOCK_BYTES);
