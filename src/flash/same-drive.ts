/**
 * Whether what was opened is what was asked about: between a question and its answer a card can be changed for another.
 *
 * Source: sysfs, `/sys/dev/block/MAJOR:MINOR/{size,diskseq}`.
 */
import { readFile, realpath, type FileHandle } from "node:fs/promises";
import { anotherDrive, notADrive, notAllowedHere } from "./errors.js";
import { placeOf } from "./errors.js";
import type { TargetRequest } from "./target.js";

const SECTOR_BYTES = 512;

/**
 * A machine that others use too, or that tests run on, names what may be written to at all.
 *
 * @throws ImcloudError `flash.target-refused`
 */
export async function assertAllowed(path: string): Promise<void> {
  const only = process.env.IMCLOUD_FLASH_ONLY;
  if (only === undefined) return;
  const real = await realpath(path).catch(() => path);
  const isAllowed = only.split(":").some((one) => one !== "" && (real === one || real.startsWith(`${one}/`)));
  if (!isAllowed) throw notAllowedHere(path);
}

/**
 * After opening: from then on it cannot be changed for another without our noticing.
 *
 * @throws ImcloudError `flash.target-refused`
 */
export async function assertSame(
  { name, kind, sizeBytes, identity }: TargetRequest,
  handle: FileHandle,
): Promise<void> {
  if (kind === "file" || identity === undefined || process.platform !== "linux") return;
  const info = await handle.stat();
  if (!info.isBlockDevice()) throw notADrive(name, undefined);
  const number = `${major(info.rdev)}:${minor(info.rdev)}`;
  const about = (what: string) =>
    readFile(`/sys/dev/block/${number}/${what}`, "utf8").then((text) => text.trim());
  const size = Number(await about("size")) * SECTOR_BYTES;
  const sequence = identity.sequence === undefined ? undefined : await about("diskseq");
  if (number !== identity.number) throw anotherDrive(name, `device ${number}`, `device ${identity.number}`);
  if (sizeBytes !== undefined && size !== sizeBytes)
    throw anotherDrive(name, placeOf(size), placeOf(sizeBytes));
  if (sequence !== identity.sequence)
    throw anotherDrive(name, `disk ${sequence} of this machine's`, `disk ${identity.sequence}`);
}

/** As makedev(3) of glibc puts the two together. */
const major = (device: number): number =>
  Number(((BigInt(device) >> 8n) & 0xfffn) | ((BigInt(device) >> 32n) & ~0xfffn));
const minor = (device: number): number =>
  Number((BigInt(device) & 0xffn) | ((BigInt(device) >> 12n) & 0xffffff00n));
