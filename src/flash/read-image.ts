/**
 * The image, once, in blocks: hashed on its way and given to every drive that still takes part.
 */
import { createHash, type Hash } from "node:crypto";
import { BLOCK_BYTES, PAGE_BYTES, type Block, type BlockPool, type Mark, type Slot } from "./blocks.js";
import { imageDamaged, withoutTable, wrongSum } from "./errors.js";
import { parsePartitionTable, type PartitionTable } from "./partition-table.js";

export interface ImageContent {
  /** For messages. */
  readonly name: string;
  /** From the beginning, each time. */
  readonly read: () => AsyncIterable<Buffer>;
  /** Unpacked, where that is known before the end. */
  readonly sizeBytes?: number;
  /** Of the unpacked image, in hexadecimal digits, if its publisher tells. */
  readonly sha256?: string;
  /** Parts of the image that hold something, ascending; what is not given need not be written. */
  readonly ranges?: readonly Range[];
}

/** A range of a bmap file, in bytes; `end` does not belong to it. */
export interface Range {
  readonly offset: number;
  readonly end: number;
  /** SHA-256 in hexadecimal digits. */
  readonly sha256?: string;
}

/** What is known once all of it has passed. */
export interface ReadImage {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly table: PartitionTable;
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);
/** Less than this between two ranges is written with them: to a card, a command more costs more. */
const SMALL_GAP_BYTES = 65_536;

/**
 * @param give called for each block to be written, with the SHA-256 of all up to its end: who wants it holds its slot,
 *   and later lets go of it. False: nobody wants more.
 * @returns undefined when nobody wanted all of it
 * @throws ImcloudError `flash.image-damaged`, `flash.image-unusable`
 */
export async function readImage(
  { name, read, sha256: expected, ranges }: ImageContent,
  pool: BlockPool,
  give: (block: Block, sha256: string) => boolean,
): Promise<ReadImage | undefined> {
  const hash = createHash("sha256");
  const mapped = ranges && new MappedRanges(ranges, name);
  let table: PartitionTable | undefined;
  let offset = 0;
  for await (const { slot, length } of filled(read(), pool)) {
    const bytes = slot.memory.subarray(0, length);
    if (offset === 0) table = parsePartitionTable(bytes);
    if (table === undefined) throw withoutTable(name);
    hash.update(bytes);
    const parts = mapped?.pass(offset, bytes) ?? [{ from: 0, to: length }];
    if (parts.length > 0 || offset === 0) {
      const marks = behindTable(parts, offset).map((part) => markOf(part, offset, bytes));
      if (!give({ offset, length, marks, slot }, hash.copy().digest("hex"))) return undefined;
    }
    slot.release();
    offset += length;
  }
  if (table === undefined) throw withoutTable(name);
  mapped?.end(offset);
  const sha256 = hash.digest("hex");
  if (expected !== undefined && expected !== sha256) throw wrongSum(name, sha256, expected);
  return { sizeBytes: offset, sha256, table };
}

/** Of a block. */
interface Part {
  readonly from: number;
  readonly to: number;
}

const behindTable = (parts: readonly Part[], offset: number): readonly Part[] =>
  offset > 0
    ? parts
    : parts.flatMap(({ from, to }) => (to > PAGE_BYTES ? [{ from: Math.max(from, PAGE_BYTES), to }] : []));

function markOf({ from, to }: Part, offset: number, block: Buffer): Mark {
  const bytes = block.subarray(from, to);
  return {
    ...{ offset: offset + from, length: bytes.length },
    digest: createHash("sha256").update(bytes).digest(),
    isZero: bytes.equals(ZEROS.subarray(0, bytes.length)),
  };
}

/** Chunks of any length into slots that are full but for the last one. */
async function* filled(
  chunks: AsyncIterable<Buffer>,
  pool: BlockPool,
): AsyncGenerator<{ readonly slot: Slot; readonly length: number }> {
  let slot: Slot | undefined;
  let length = 0;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) {
      slot ??= await pool.take();
      const copied = chunk.copy(slot.memory, length, from);
      from += copied;
      length += copied;
      if (length < BLOCK_BYTES) continue;
      yield { slot, length };
      slot = undefined;
      length = 0;
    }
  }
  if (slot !== undefined) yield { slot, length };
}

/**
 * What passes of an image for which ranges are given, in bytes: every block that one of them touches, and the first.
 *
 * @param ranges ascending
 * @param sizeBytes of the image
 */
export function mappedBytes(ranges: readonly Range[], sizeBytes: number): number {
  let [bytes, counted] = [0, 0];
  for (const { offset, end } of [{ offset: 0, end: 1 }, ...ranges]) {
    const from = Math.max(counted, Math.floor(offset / BLOCK_BYTES) * BLOCK_BYTES);
    const to = Math.min(Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES, sizeBytes);
    bytes += Math.max(0, to - from);
    counted = Math.max(counted, to);
  }
  return bytes;
}

/** The ranges of a bmap, and whether what passes is what they say. */
class MappedRanges {
  readonly #ranges: readonly Range[];
  readonly #name: string;
  #next = 0;
  #hash: Hash = createHash("sha256");

  constructor(ranges: readonly Range[], name: string) {
    this.#ranges = ranges;
    this.#name = name;
  }

  /** @returns what of the bytes belongs to a range, in whole pages */
  pass(offset: number, bytes: Buffer): readonly Part[] {
    const end = offset + bytes.length;
    const parts: Part[] = [];
    for (;;) {
      const range = this.#ranges[this.#next];
      if (range === undefined || range.offset >= end) return joined(parts, bytes.length);
      const part = {
        from: Math.max(0, range.offset - offset),
        to: Math.min(bytes.length, range.end - offset),
      };
      parts.push(part);
      if (range.sha256 !== undefined) this.#hash.update(bytes.subarray(part.from, part.to));
      if (range.end > end) return joined(parts, bytes.length);
      this.#close(range);
    }
  }

  /** @throws ImcloudError when the image is shorter than its bmap says */
  end(sizeBytes: number): void {
    const range = this.#ranges[this.#next];
    // The last block of a file need not be whole.
    if (range === undefined || (range.sha256 === undefined && range.offset < sizeBytes)) return;
    if (range.offset >= sizeBytes)
      throw imageDamaged(this.#name, `ends at ${sizeBytes}, before its bmap does`);
    this.#close(range);
  }

  #close({ sha256, offset, end }: Range): void {
    const found = this.#hash.digest("hex");
    this.#hash = createHash("sha256");
    this.#next += 1;
    if (sha256 !== undefined && sha256 !== found)
      throw imageDamaged(this.#name, `the bytes from ${offset} to ${end} are not those of its bmap`);
  }
}

/** Pages, as direct I/O asks for; what lies close together in one piece. */
function joined(parts: readonly Part[], length: number): readonly Part[] {
  const whole: Part[] = [];
  for (const part of parts) {
    const from = Math.floor(part.from / PAGE_BYTES) * PAGE_BYTES;
    const to = Math.min(length, Math.ceil(part.to / PAGE_BYTES) * PAGE_BYTES);
    const last = whole.at(-1);
    if (last !== undefined && from - last.to < SMALL_GAP_BYTES) whole.splice(-1, 1, { from: last.from, to });
    else whole.push({ from, to });
  }
  return whole;
}
