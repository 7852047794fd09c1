/** Images in miniature: a partition table, a FAT and a Linux partition, content that does not repeat. */
import { createHash } from "node:crypto";
import { createCipheriv } from "node:crypto";

const MIB = 1_048_576;
const SECTOR = 512;

/** Content that looks random and is the same every time. */
export function noise(bytes: number, seed: string): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

/** @returns an image of so many MiB: FAT from 1 MiB on, Linux from 2, the last MiB of it zeros */
export function tinyImage(mib: number): Buffer {
  const image = Buffer.concat([
    Buffer.alloc(MIB),
    noise((mib - 2) * MIB, `image of ${mib}`),
    Buffer.alloc(MIB),
  ]);
  noise(MIB - SECTOR, "boot code").copy(image, SECTOR);
  partition(image, 0, 0x0c, 1, 1);
  partition(image, 1, 0x83, 2, mib - 2);
  image.writeUInt16LE(0xaa55, 510);
  return image;
}

function partition(image: Buffer, index: number, type: number, fromMib: number, mib: number): void {
  const at = 446 + index * 16;
  image[at + 4] = type;
  image.writeUInt32LE((fromMib * MIB) / SECTOR, at + 8);
  image.writeUInt32LE((mib * MIB) / SECTOR, at + 12);
}

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
