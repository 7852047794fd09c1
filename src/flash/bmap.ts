/**
 * A bmap file: which blocks of an image hold something, each range with its sum.
 *
 * Source: bmap-tools, versions 1.3 to 2.0 of the format. Its own sum is over the file with that sum as zeros. @xmldom is
 * the parser that most of npm's XML readers stand on, and bmap files are small.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { DOMParser, type Element } from "@xmldom/xmldom";
import { bmapInvalid, bmapNotRead } from "./errors.js";
import type { Range } from "./read-image.js";

export interface Bmap {
  /** Of the image, in bytes. */
  readonly sizeBytes: number;
  /** Ascending. */
  readonly ranges: readonly Range[];
}

/** @throws ImcloudError `config.unreadable`, `flash.image-unusable`, `flash.image-damaged` */
export async function loadBmap(path: string): Promise<Bmap> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw bmapNotRead(path, cause);
  });
  return parseBmap(text, path);
}

export function parseBmap(text: string, path: string): Bmap {
  const root = rootOf(text, path);
  const value = (name: string): string | undefined => root.getElementsByTagName(name)[0]?.textContent?.trim();
  const number = (name: string): number => {
    const found = Number(value(name));
    if (!Number.isSafeInteger(found) || found <= 0) throw bmapInvalid(path, `no number of ${name}`);
    return found;
  };
  const version = root.getAttribute("version") ?? "";
  if (!/^(1\.[34]|2\.0)$/.test(version)) throw bmapInvalid(path, `version ${version || "unknown"}`);
  const kind = version === "1.3" ? "sha1" : (value("ChecksumType") ?? "sha256");
  if (version !== "1.3" && kind !== "sha256") throw bmapInvalid(path, `sums of the kind ${kind}`);
  assertWhole(text, value("BmapFileChecksum") ?? value("BmapFileSHA1"), kind, path);

  const [sizeBytes, blockBytes] = [number("ImageSize"), number("BlockSize")];
  const ranges = [...root.getElementsByTagName("Range")].map((element): Range => {
    const [first = NaN, last = first] = (element.textContent ?? "").trim().split("-").map(Number);
    const sha256 = element.getAttribute("chksum");
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || last < first)
      throw bmapInvalid(path, `the range ${element.textContent ?? ""}`);
    return {
      offset: first * blockBytes,
      end: Math.min((last + 1) * blockBytes, sizeBytes),
      ...(kind === "sha256" && sha256 !== null && { sha256: sha256.toLowerCase() }),
    };
  });
  if (ranges.length === 0) throw bmapInvalid(path, "no range");
  if (ranges.some(({ offset }, index) => offset < (ranges[index - 1]?.end ?? 0)))
    throw bmapInvalid(path, "ranges that are not in order");
  return { sizeBytes, ranges };
}

function rootOf(text: string, path: string): Element {
  const problems: string[] = [];
  const parser = new DOMParser({
    onError: (level, message) => void (level !== "warning" && problems.push(message)),
  });
  try {
    const root = parser.parseFromString(text, "text/xml").documentElement;
    if (problems.length === 0 && root?.tagName === "bmap") return root;
  } catch (cause) {
    throw bmapInvalid(path, cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause));
  }
  throw bmapInvalid(path, problems[0] ?? "no bmap");
}

function assertWhole(text: string, sum: string | undefined, kind: string, path: string): void {
  if (sum === undefined || sum === "") throw bmapInvalid(path, "no sum of its own");
  const zeroed = text.replace(sum, "0".repeat(sum.length));
  const found = createHash(kind).update(zeroed).digest("hex");
  if (found !== sum) throw bmapInvalid(path, `another sum than its own: ${found}`);
}
