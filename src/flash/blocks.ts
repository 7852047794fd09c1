/**
 * Memory for what is on its way from an image to drives: a fixed number of blocks, shared by all drives.
 *
 * Whoever reads the image waits until a block is free, so its slowest drive sets the pace and nothing piles up.
 * The memory is WebAssembly's: that begins at a page, as direct I/O asks for and Node.js's own buffers do not promise.
 *
 * Source: open(2), O_DIRECT.
 */

export const BLOCK_BYTES = 1_048_576;
/** What direct I/O asks for at most. It is also what is held back of an image: the partition table, of both kinds. */
export const PAGE_BYTES = 4096;
const WASM_PAGE_BYTES = 65_536;

/** Node.js has it, its types do not. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
};

/** Where a part of the image belongs, and how to know it again. */
export interface Mark {
  /** In bytes from the start. */
  readonly offset: number;
  /** The last one may be shorter than the others. */
  readonly length: number;
  /** SHA-256 of the bytes. */
  readonly digest: Buffer;
  /** Nothing but zeros. */
  readonly isZero: boolean;
}

/** A stretch of the image, at the beginning of a slot, and what of it is to be written. */
export interface Block {
  readonly offset: number;
  readonly length: number;
  /** Ascending, within the block. The first page of an image, which is held back, is in none. */
  readonly marks: readonly Mark[];
  readonly slot: Slot;
}

/** A piece of memory that several may use; it is free when the last of them lets go. */
export interface Slot {
  readonly memory: Buffer;
  hold(users: number): void;
  release(): void;
}

export class BlockPool {
  readonly #free: Slot[] = [];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  #waitedMs = 0;
  #emptySinceMs = 0;

  constructor(count: number) {
    const memory = new WebAssembly.Memory({ initial: (count * BLOCK_BYTES) / WASM_PAGE_BYTES });
    for (let index = 0; index < count; index += 1) {
      this.#free.push(this.#slot(Buffer.from(memory.buffer, index * BLOCK_BYTES, BLOCK_BYTES)));
    }
  }

  /** A slot with one user, as soon as there is one. */
  async take(): Promise<Slot> {
    const slot = this.#free.pop() ?? (await this.#next());
    slot.hold(1);
    return slot;
  }

  /** For how long somebody has stood here waiting for a slot. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#waiting.length > 0 ? performance.now() - this.#emptySinceMs : 0);
  }

  async #next(): Promise<Slot> {
    if (this.#waiting.length === 0) this.#emptySinceMs = performance.now();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #slot(memory: Buffer): Slot {
    let users = 0;
    const slot: Slot = {
      memory,
      hold: (more) => void (users += more),
      release: () => {
        users -= 1;
        if (users > 0) return;
        const waitedMs = this.waitedMs;
        const next = this.#waiting.shift();
        if (this.#waiting.length === 0) this.#waitedMs = waitedMs;
        if (next === undefined) this.#free.push(slot);
        else next(slot);
      },
    };
    return slot;
  }
}

/** What one side puts in and the other takes out, in order. */
export class Queue<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** Until {@link end}. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
