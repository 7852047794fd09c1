/**
 * Images in the cache: fetched once, whole and verified, for everything that flashes on this machine.
 *
 * The sum of what is fetched is the list's, or the publisher's SHA256SUMS has it; the signature of that file is checked
 * where its signer's keys are given. What nobody vouches for is taken as it comes, and said to be so.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { download, downloadText, isDiskFull, WrongChecksum } from "../../files/download.js";
import { holdLock } from "../../files/lock.js";
import { cacheFolder, readOptional, writePrivate } from "../../files/operator-files.js";
import { NotSigned, signerOf } from "../../files/signature.js";
import { cacheFull, fetchBusy, notFetched, notInSums, sumsNotSigned, wrongPackedSum } from "./errors.js";
import type { CatalogueImage } from "./image.js";

export interface FetchOptions {
  /** A file with the public keys of whoever signs the publisher's sums. */
  readonly keys?: string;
  /** Called as it grows, with where it is until it is whole. */
  readonly onGrown?: (path: string, bytes: number) => void;
  readonly note: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Two commands may want the same image: the second waits for the first, at most this long. */
const PATIENCE_S = 3600;

/** Where the image is once it has been fetched. */
export function cachePath({ url }: Pick<CatalogueImage, "url">): string {
  if (!/^https?:/.test(url)) return url;
  const key = createHash("sha256").update(url).digest("hex").slice(0, 12);
  return join(cacheFolder(), "images", `${key}-${basename(new URL(url).pathname)}`);
}

export async function isCached(image: Pick<CatalogueImage, "url">): Promise<boolean> {
  return stat(cachePath(image)).then(
    (file) => file.isFile(),
    () => false,
  );
}

/**
 * @returns the path in the cache
 * @throws ImcloudError `flash.not-fetched`, `flash.image-damaged`
 */
export async function fetchImage(image: CatalogueImage, options: FetchOptions): Promise<string> {
  const path = cachePath(image);
  if (await isCached(image)) return path;
  await using lock = await holdLock(`${path}.lock`, PATIENCE_S, () =>
    options.note(`waiting for another command that fetches ${image.id}`),
  );
  if (lock === undefined) throw fetchBusy(image.id, PATIENCE_S);
  if (await isCached(image)) return path;

  const sum = image.packedSha256 ?? (await sumOf(image, options));
  if (sum === undefined && image.sha256 === undefined)
    options.note(`nobody vouches for ${image.url}: no sum of it is known`);
  const { onGrown, signal } = options;
  await download(image.url, path, {
    ...(sum !== undefined && { checksum: { algorithm: "sha256", digits: sum } }),
    ...(onGrown !== undefined && { onGrown }),
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    if (error instanceof WrongChecksum) throw wrongPackedSum(image.url, error.found, sum ?? "");
    throw isDiskFull(error) ? cacheFull(path, error) : notFetched(image.url, error);
  });
  await rememberSum(path, sum ?? (await packedSum(path)));
  return path;
}

/** From the publisher's list of sums. */
async function sumOf(
  { url, sumsUrl }: CatalogueImage,
  { keys, note }: FetchOptions,
): Promise<string | undefined> {
  if (sumsUrl === undefined) return undefined;
  const sums = await downloadText(sumsUrl).catch((error: unknown) => {
    throw notFetched(sumsUrl, error);
  });
  if (keys === undefined)
    note(`the signature of ${sumsUrl} is not checked: \`--keys FILE\` names its signer's keys`);
  else await assertSigned(sums, sumsUrl, keys);
  const file = basename(new URL(url).pathname);
  const sum = parseSums(sums).get(decodeURIComponent(file));
  if (sum === undefined) throw notInSums(file, sumsUrl);
  return sum;
}

/** `DIGITS *NAME`, a line a file, as sha256sum(1) prints it. */
export function parseSums(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gim)].map(([, sum = "", name = ""]) => [
      name.trim(),
      sum.toLowerCase(),
    ]),
  );
}

async function assertSigned(sums: string, sumsUrl: string, keys: string): Promise<void> {
  const signature = await downloadText(`${sumsUrl}.gpg`).catch((error: unknown) => {
    throw notFetched(`${sumsUrl}.gpg`, error);
  });
  const path = join(cacheFolder(), "images", `sums.${process.pid}`);
  try {
    await writePrivate(path, sums);
    await signerOf(path, signature, await readFile(keys, "utf8"));
  } catch (error) {
    throw error instanceof NotSigned ? sumsNotSigned(sumsUrl, keys, error) : error;
  } finally {
    await rm(path, { force: true });
  }
}

/** What is beside an image in the cache, so that damage shows that came later. */
export const notePath = (path: string) => `${path}.sha256`;

export async function rememberSum(path: string, sum: string): Promise<void> {
  await writeFile(notePath(path), `${sum}  ${basename(path)}\n`);
}

/** @returns undefined for what is not of the cache's */
export async function rememberedSum(path: string): Promise<string | undefined> {
  return (await readOptional(notePath(path)))?.split(" ")[0];
}

/** SHA-256 of a file as it is now, in hexadecimal digits. */
export async function packedSum(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Takes a damaged image out of the cache: the next command fetches it anew. */
export async function forgetImage(image: Pick<CatalogueImage, "url">): Promise<void> {
  if (!/^https?:/.test(image.url)) return;
  await rm(cachePath(image), { force: true });
  await rm(notePath(cachePath(image)), { force: true });
}
