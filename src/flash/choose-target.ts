/**
 * From what somebody typed to what is written to: a drive by its id or path, or an image file.
 */
import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { didYouMean } from "../shared/did-you-mean.js";
import type { Drive } from "./drives.js";
import { mountedDrive, namedTwice, notADrive, refusedDrive, tooSmall, unknownDrive } from "./errors.js";
import { rawNode } from "./mac-nodes.js";
import type { TargetRequest } from "./target.js";

/** Above this a drive is rather somebody's data than a card: its size or serial number is asked for. */
export const LARGE_BYTES = 256e9;

export interface ChosenTarget extends TargetRequest {
  readonly drive?: Drive;
  /** A file that is there already, and will be replaced. */
  readonly exists?: boolean;
}

export interface ChooseOptions {
  /** Of the unpacked image, if known. */
  readonly needBytes?: number;
  /** Mounted drives will be unmounted. */
  readonly unmount: boolean;
}

/**
 * @param word a drive's id, a path below /dev, or the path of a file
 * @throws ImcloudError `flash.target-refused`
 */
export async function chooseTarget(
  word: string,
  drives: readonly Drive[],
  { needBytes, unmount }: ChooseOptions,
): Promise<ChosenTarget> {
  const drive = await findDrive(word, drives);
  if (drive === undefined) {
    if (/^[\w:+-]+$/.test(word))
      throw unknownDrive(
        word,
        didYouMean(
          word,
          drives.map(({ id }) => id),
        ),
      );
    return fileTarget(word);
  }
  if (drive.refused !== undefined) throw refusedDrive(drive.id, drive.refused);
  if (needBytes !== undefined && needBytes > drive.sizeBytes)
    throw tooSmall(drive.id, drive.sizeBytes, needBytes);
  if (drive.mounts.length > 0 && !unmount) throw mountedDrive(drive.id, drive.mounts);
  const { id, path, sizeBytes, number, sequence, serial, mounts } = drive;
  return {
    ...{ name: id, path, kind: "drive", sizeBytes, mounts },
    identity: { number, serial, ...(sequence !== undefined && { sequence }) },
    drive,
  };
}

async function findDrive(word: string, drives: readonly Drive[]): Promise<Drive | undefined> {
  const named = drives.find(({ id, path }) => id === word || path === word);
  if (named !== undefined || !word.startsWith("/dev/")) return named;
  const path = rawNode(await realpath(word).catch(() => word));
  const found = drives.find((drive) => drive.path === path);
  if (found !== undefined) return found;
  const whole = drives.find((drive) => path.startsWith(drive.path));
  throw notADrive(word, whole?.id);
}

async function fileTarget(word: string): Promise<ChosenTarget> {
  const path = resolve(word);
  const info = await stat(path).catch(() => undefined);
  if (info !== undefined && !info.isFile()) throw notADrive(word, undefined);
  return { name: word, path, kind: "file", exists: info !== undefined };
}

/** What is certainly no drive's id and no path below /dev. */
export const looksLikeFile = (word: string): boolean => !word.startsWith("/dev/") && !/^[\w:+-]+$/.test(word);

/** @throws ImcloudError `cli.usage` */
export function assertDistinct(targets: readonly ChosenTarget[]): void {
  const twice = targets.find(({ path }, index) => targets.findIndex((other) => other.path === path) < index);
  if (twice !== undefined) throw namedTwice(twice.name);
}
