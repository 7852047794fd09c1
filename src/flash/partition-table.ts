/**
 * Where an image's partitions are, from its first MiB.
 *
 * Sources: the layout of the master boot record; UEFI specification, "GUID Partition Table".
 */
import type { Extent } from "./types.js";

export interface PartitionTable {
  readonly kind: "mbr" | "gpt";
  /** The first FAT partition: what the firmware reads. */
  readonly boot?: Extent;
  /** The first Linux partition. */
  readonly root?: Extent;
}

interface Partition extends Extent {
  readonly holds: "fat" | "linux" | "other";
}

const SECTOR_BYTES = 512;
const SIGNATURE_AT = 510;
const ENTRIES_AT = 446;
const ENTRY_BYTES = 16;
const PROTECTIVE = 0xee;
/** FAT12 to FAT32 with and without LBA, and the EFI system partition. */
const FAT_TYPES: ReadonlySet<number> = new Set([0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, 0xef]);
const LINUX_TYPE = 0x83;

/** As they lie on the disk: the first three groups of digits are little-endian. */
const FAT_GUIDS: ReadonlySet<string> = new Set([
  "28732ac11ff8d211ba4b00a0c93ec93b", // EFI system
  "a2a0d0ebe5b9334487c068b6b72699c7", // basic data
]);
const LINUX_GUIDS: ReadonlySet<string> = new Set([
  "af3dc60f838472478e793d69d8477de4", // Linux file system
  "45b021b9f01dc341af444c6f280d3fae", // root, aarch64
]);

/** @returns undefined where there is no partition table */
export function parsePartitionTable(start: Buffer): PartitionTable | undefined {
  if (start.length < SECTOR_BYTES || start.readUInt16LE(SIGNATURE_AT) !== 0xaa55) return undefined;
  const entries = [0, 1, 2, 3].map((index) => start.subarray(ENTRIES_AT + index * ENTRY_BYTES));
  if (entries.some((entry) => entry[4] === PROTECTIVE)) return parseGpt(start);
  const partitions = entries
    .map((entry): Partition => {
      const type = entry[4] ?? 0;
      return {
        offset: entry.readUInt32LE(8) * SECTOR_BYTES,
        size: entry.readUInt32LE(12) * SECTOR_BYTES,
        holds: FAT_TYPES.has(type) ? "fat" : type === LINUX_TYPE ? "linux" : "other",
      };
    })
    .filter(({ size }) => size > 0);
  // A boot sector of a lone file system has the signature too, and code where entries would be.
  return partitions.length === 0 ? undefined : { kind: "mbr", ...chosen(partitions) };
}

function parseGpt(start: Buffer): PartitionTable | undefined {
  const header = start.subarray(SECTOR_BYTES);
  if (header.length < SECTOR_BYTES || header.toString("latin1", 0, 8) !== "EFI PART") return undefined;
  const [at, count, bytes] = [
    Number(header.readBigUInt64LE(72)) * SECTOR_BYTES,
    header.readUInt32LE(80),
    header.readUInt32LE(84),
  ];
  const partitions: Partition[] = [];
  for (let index = 0; index < count; index += 1) {
    const entry = start.subarray(at + index * bytes, at + (index + 1) * bytes);
    if (entry.length < 48) break;
    const type = entry.toString("hex", 0, 16);
    const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
    if (first === 0) continue;
    partitions.push({
      offset: first * SECTOR_BYTES,
      size: (last - first + 1) * SECTOR_BYTES,
      holds: FAT_GUIDS.has(type) ? "fat" : LINUX_GUIDS.has(type) ? "linux" : "other",
    });
  }
  return { kind: "gpt", ...chosen(partitions) };
}

function chosen(partitions: readonly Partition[]): { boot?: Extent; root?: Extent } {
  const extentOf = (holds: Partition["holds"]): Extent | undefined => {
    const found = partitions.find((partition) => partition.holds === holds);
    return found && { offset: found.offset, size: found.size };
  };
  const [boot, root] = [extentOf("fat"), extentOf("linux")];
  return { ...(boot !== undefined && { boot }), ...(root !== undefined && { root }) };
}
