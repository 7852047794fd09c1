/**
 * An image file: what it is, and how large it will be once unpacked.
 */
import { open } from "node:fs/promises";
import { execa } from "execa";
import { hasProgram } from "./decompress.js";
import { imageDamaged, notAnImage, notThere, withoutTable } from "./errors.js";
import { SNIFF_BYTES, sniff, type ImageFormat } from "./image-format.js";
import { parsePartitionTable } from "./partition-table.js";
import { openZip } from "./zip.js";

export interface ImageFile {
  readonly path: string;
  readonly format: ImageFormat;
  /** Of the file, in bytes. */
  readonly packedBytes: number;
  /** Of the image in it; undefined where only unpacking tells, as with gzip. */
  readonly sizeBytes?: number;
}

/** @throws ImcloudError `config.unreadable`, `flash.image-unusable`, `flash.image-damaged` */
export async function inspectImage(path: string): Promise<ImageFile> {
  const { start, packedBytes } = await startOf(path);
  const found = sniff(start);
  if ("other" in found) throw notAnImage(path, found.other);
  const { format } = found;
  if (format === "raw" && parsePartitionTable(start) === undefined) throw withoutTable(path);
  const sizeBytes = await unpackedBytes(path, format, packedBytes);
  return { path, format, packedBytes, ...(sizeBytes !== undefined && { sizeBytes }) };
}

async function startOf(path: string): Promise<{ readonly start: Buffer; readonly packedBytes: number }> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw notThere(path, cause);
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw notAnImage(path, info.isDirectory() ? "a folder" : "a device");
    const buffer = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { start: buffer.subarray(0, bytesRead), packedBytes: info.size };
  } finally {
    await file.close();
  }
}

async function unpackedBytes(
  path: string,
  format: ImageFormat,
  packedBytes: number,
): Promise<number | undefined> {
  if (format === "raw") return packedBytes;
  if (format === "zip") {
    await using entry = await openZip(path);
    return entry.sizeBytes;
  }
  if (format !== "xz" || !(await hasProgram("xz"))) return undefined;
  const { stdout, stderr, failed } = await execa("xz", ["--robot", "--list", path], { reject: false });
  const total = Number(/^totals\t\d+\t\d+\t\d+\t(\d+)/m.exec(stdout)?.[1]);
  if (failed || !(total > 0)) throw imageDamaged(path, stderr.trim() || "no xz archive");
  return total;
}
