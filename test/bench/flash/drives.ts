/**
 * Drives of the bench's own: loop devices over files, as fast as this machine's disk, or as slow as a card.
 *
 * Slow ones are nbdkit's, made a file by nbdfuse and a block device by the kernel, past the page cache.
 */
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { installPrograms } from "../../../src/lab/machine.js";
import { fuseFile } from "../../fault/drives.js";
import { loopDevice } from "./work-folder.js";

/** Of a middling card, written and read one after the other. */
export const CARD_MB_S = 40;
/** Of an old one. */
export const SLOW_CARD_MB_S = 10;

/** What a bench writes to; `card`: at {@link CARD_MB_S}, `slow-card`: at {@link SLOW_CARD_MB_S}. */
export type DriveKind = "disk" | "card" | "slow-card";

/** For the names of metrics. */
export const ofKind = (metric: string, kind: "disk" | "card"): string =>
  kind === "disk" ? metric : `${metric}, cards of ${CARD_MB_S} MB/s`;

const PROGRAMS: Readonly<Record<string, string>> = {
  nbdkit: "nbdkit",
  nbdfuse: "libnbd-bin",
  fusermount3: "fuse3",
  bmaptool: "bmap-tools",
  mcopy: "mtools",
  "mkfs.vfat": "dosfstools",
  mke2fs: "e2fsprogs",
  sfdisk: "fdisk",
  xz: "xz-utils",
  python3: "python3",
};

export const installFlashTools = (say: (line: string) => void): Promise<void> =>
  installPrograms(say, PROGRAMS);

/** @returns paths such as /dev/loop3 */
export async function benchDrives(
  folder: string,
  kind: DriveKind,
  count: number,
  bytes: number,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (let index = 0; index < count; index += 1)
    paths.push(await benchDrive(folder, `${kind}${index}`, kind, bytes));
  return paths;
}

async function benchDrive(folder: string, name: string, kind: DriveKind, bytes: number): Promise<string> {
  const own = join(folder, name);
  await mkdir(own);
  const path = join(own, "disk");
  const file = await open(path, "w");
  await file.truncate(bytes);
  await file.close();
  if (kind === "disk") return loopDevice(folder, [path]);
  const megabits = (kind === "card" ? CARD_MB_S : SLOW_CARD_MB_S) * 8;
  // Without credit for the time in which nothing was asked of it: a card has none either.
  const rate = ["--filter=rate", "file", path, `rate=${megabits}M`, "burstiness=0.1"];
  const { path: slow } = await fuseFile(own, bytes, rate);
  return loopDevice(folder, ["--direct-io=on", slow]);
}
