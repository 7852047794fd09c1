/**
 * Whether what was opened is what was asked about: between a question and its answer a card can be changed for another.
 *
 * Source: sysfs, `/sys/dev/block/MAJOR:MINOR/{size,diskseq}`; on macOS its tools are asked again, see mac-drives.ts.
 */
import { readFile, realpath, type FileHandle } from "node:fs/promises";
import type { Drive } from "./drives.js";
import { anotherDrive, notADrive, notAllowedHere, placeOf, refusedDrive } from "./errors.js";
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
export async function assertSame(request: TargetRequest, handle: FileHandle): Promise<void> {
  const { name, kind, sizeBytes, identity } = request;
  if (kind === "file" || identity === undefined) return;
  if (process.platform !== "linux") {
    const { loadDrives } = await import("./load-drives.js");
    assertSameOf(request, await loadDrives());
    return;
  }
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

/**
 * By what the machine tells now.
 *
 * @throws ImcloudError `flash.target-refused`
 */
export function assertSameOf(
  { name, path, sizeBytes = 0, identity }: TargetRequest,
  drives: readonly Drive[],
): void {
  const now = drives.find((drive) => drive.path === path);
  if (now === undefined) throw anotherDrive(name, "nothing", placeOf(sizeBytes));
  if (now.refused !== undefined) throw refusedDrive(name, now.refused);
  if (now.sizeBytes !== sizeBytes) throw anotherDrive(name, placeOf(now.sizeBytes), placeOf(sizeBytes));
  const told = ({ serial, sequence }: Pick<Drive, "serial" | "sequence">) =>
    [serial && `serial ${serial}`, sequence && `disk ${sequence} of this machine's`]
      .filter(Boolean)
      .join(", ");
  const [found, expected] = [told(now), told(identity ?? now)];
  if (found !== expected) throw anotherDrive(name, found, expected);
}

/** As makedev(3) of glibc puts the two together. */
const major = (device: number): number =>
  Number(((BigInt(device) >> 8n) & 0xfffn) | ((BigInt(device) >> 32n) & ~0xfffn));
const minor = (device: number): number =>
  Number((BigInt(device) & 0xffn) | ((BigInt(device) >> 12n) & 0xffffff00n));
