/**
 * From what somebody typed to an image that can be written: a file, an address, or an id of the catalogue.
 *
 * What is not in the cache is fetched while it is written. What fetches and lists is loaded for that alone: a file needs
 * neither an HTTP client nor OpenPGP.
 */
import { open, stat } from "node:fs/promises";
import { architectureOf, idOf, releaseOf, type CatalogueImage } from "./catalogue/image.js";
import { notAnImage } from "./errors.js";
import type { FlashImage, Growing } from "./flash.js";
import { inspectImage } from "./image-file.js";
import { SNIFF_BYTES, sniff, type ImageFormat } from "./image-format.js";

export interface FoundImage extends FlashImage {
  readonly name: string;
  /** What the catalogue knows of it. */
  readonly listed?: CatalogueImage;
}

export interface FindOptions {
  readonly list?: string;
  readonly keys?: string;
  readonly note: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** @throws ImcloudError about what is no image, or not to be had */
export async function findImageFor(word: string, options: FindOptions): Promise<FoundImage> {
  const isFile = await stat(word).then(
    () => true,
    () => false,
  );
  if (isFile || /\.(img|xz|gz|zst|zip)$|[\\/]/i.test(word.replace(/^https?:\/\/.*/, "")))
    return ofFile(word, word);
  const listed = /^https?:\/\//.test(word) ? ofAddress(word) : await ofCatalogue(word, options);
  const { isCached } = await import("./catalogue/fetch.js");
  if (!/^https?:/.test(listed.url) || (await isCached(listed))) return ofCache(listed);
  return whileFetching(listed, options);
}

async function ofCatalogue(id: string, { list, note }: FindOptions): Promise<CatalogueImage> {
  const { findImage, loadCatalogue } = await import("./catalogue/catalogue.js");
  return findImage(await loadCatalogue(list, note), id);
}

function ofAddress(url: string): CatalogueImage {
  const release = releaseOf(url);
  return {
    ...{ id: idOf(url), name: idOf(url), description: "", url, listedBy: "you", boards: [] },
    architecture: architectureOf(undefined, url),
    ...(release !== undefined && { release }),
  };
}

async function ofFile(path: string, name: string): Promise<FoundImage> {
  const { format, sizeBytes } = await inspectImage(path);
  return { name, path, format, ...(sizeBytes !== undefined && { sizeBytes }) };
}

/** Damage that came to the cache later shows while it is unpacked and hashed, or, where nobody tells a sum of that, here. */
async function ofCache(listed: CatalogueImage): Promise<FoundImage> {
  const { cachePath, forgetImage, packedSum, rememberedSum } = await import("./catalogue/fetch.js");
  const path = cachePath(listed);
  if (listed.sha256 === undefined) {
    const expected = listed.packedSha256 ?? (await rememberedSum(path));
    const found = expected === undefined ? undefined : await packedSum(path);
    if (expected !== found) {
      await forgetImage(listed);
      const { wrongPackedSum } = await import("./catalogue/errors.js");
      throw wrongPackedSum(path, found ?? "", expected ?? "");
    }
  }
  return { ...(await ofFile(path, listed.id)), ...known(listed) };
}

async function whileFetching(listed: CatalogueImage, options: FindOptions): Promise<FoundImage> {
  const { cachePath, fetchImage } = await import("./catalogue/fetch.js");
  let path = "";
  let bytes = 0;
  let tell: (bytes: number) => void = () => undefined;
  let seeStart: () => void = () => undefined;
  const start = new Promise<void>((resolve) => (seeStart = resolve));
  const whole = fetchImage(listed, {
    ...options,
    onGrown: (part, have) => {
      path = part;
      bytes = have;
      if (have >= SNIFF_BYTES) seeStart();
      tell(have);
    },
  }).then(() => undefined);
  await Promise.race([start, whole]);
  const format = await formatOf(path, cachePath(listed), listed.url);
  // An archive of that kind is read from its end.
  if (format === "zip") {
    await whole;
    return ofCache(listed);
  }
  whole.catch(() => undefined); // told to whoever writes
  const growing: Growing = {
    wholePath: cachePath(listed),
    whole,
    onGrown: (listener) => {
      tell = listener;
      listener(bytes);
    },
  };
  return { name: listed.id, path, format, growing, ...known(listed) };
}

async function formatOf(part: string, path: string, url: string): Promise<ImageFormat> {
  const file = await open(part, "r").catch(() => open(path, "r"));
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    const found = sniff(buffer.subarray(0, bytesRead));
    if ("other" in found) throw notAnImage(url, found.other);
    return found.format;
  } finally {
    await file.close();
  }
}

function known(listed: CatalogueImage): Pick<FoundImage, "listed" | "sizeBytes" | "sha256"> {
  const { sizeBytes, sha256 } = listed;
  return { listed, ...(sizeBytes !== undefined && { sizeBytes }), ...(sha256 !== undefined && { sha256 }) };
}
