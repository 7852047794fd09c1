/** How an image comes onto a drive: by imcloud, and by hand. */
import { basename, join } from "node:path";
import { packageRoot } from "../../../src/shared/package-root.js";
import type { BenchImage } from "./image.js";
import type { Command } from "./usage.js";

export const CLI = join(packageRoot(), "dist", "bin", "imcloud.js");

/** Writes and reads back. */
export function byImcloud(
  { packed }: BenchImage,
  drives: readonly string[],
  more: readonly string[] = ["--quiet"],
): Command & Required<Pick<Command, "env">> {
  return {
    words: [process.execPath, CLI, "flash", "--image", packed, ...onto(drives), ...more],
    env: onlyTo(drives),
  };
}

/** Of `imcloud flash`: these and no question about them. */
export function onto(drives: readonly string[]): readonly string[] {
  const ids = drives.map((path) => basename(path));
  return ["--to", ...ids, "--yes", ...ids];
}

export const onlyTo = (drives: readonly string[]): Readonly<Record<string, string>> => ({
  IMCLOUD_FLASH_ONLY: drives.join(":"),
});

/** `xz -dc | dd`, flushed, and sha256sum of what the drive gives back past the page cache. */
export const byHand = ({ packed }: BenchImage, drive: string): Command =>
  shell(`xz -dc ${packed} | dd of=${drive} bs=4M conv=fsync iflag=fullblock status=none
    ${readBack(drive)}`);

/** A plain copy of an image that need not be unpacked, read back in the same way. */
export const byCopy = ({ raw }: BenchImage, drive: string): Command =>
  shell(`dd if=${raw} of=${drive} bs=4M conv=fsync status=none
    ${readBack(drive)}`);

const readBack = (drive: string): string => `blockdev --flushbufs ${drive}; sha256sum ${drive} >/dev/null`;

const shell = (script: string): Command => ({ words: ["sh", "-ec", script] });
