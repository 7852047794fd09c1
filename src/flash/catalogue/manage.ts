/** Images in the cache: bringing them there, looking after them, adding one's own. */
import { copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { cacheFolder } from "../../files/operator-files.js";
import { inspectImage } from "../image-file.js";
import { findImage, loadCatalogue } from "./catalogue.js";
import { importInvalid, notCached, nothingToVerifyBy, wrongPackedSum } from "./errors.js";
import {
  cachePath,
  fetchImage,
  isCached,
  packedSum,
  rememberedSum,
  rememberSum,
  type FetchOptions,
} from "./fetch.js";
import { idOf } from "./image.js";
import { addOwnImage } from "./own.js";

interface ListOptions {
  readonly list?: string;
  readonly note: (line: string) => void;
}

/** @returns the path in the cache @throws ImcloudError `flash.not-fetched`, `flash.image-damaged` */
export async function fetchInto(id: string, options: ListOptions & FetchOptions): Promise<string> {
  return fetchImage(findImage(await loadCatalogue(options.list, options.note), id), options);
}

/**
 * @returns what it was compared with, in words
 * @throws ImcloudError `flash.image-damaged` for what is not what it should be
 */
export async function verifyCached(
  word: string,
  { list, note }: ListOptions,
): Promise<{ readonly path: string; readonly by: string }> {
  const isFile = await stat(word).then(
    () => true,
    () => false,
  );
  if (isFile) return { path: word, by: await compared(word, undefined) };
  const image = findImage(await loadCatalogue(list, note), word);
  if (!(await isCached(image))) throw notCached(image.id);
  const path = cachePath(image);
  return { path, by: await compared(path, image.packedSha256) };
}

async function compared(path: string, listed: string | undefined): Promise<string> {
  await inspectImage(path);
  const expected = listed ?? (await rememberedSum(path));
  if (expected === undefined) throw nothingToVerifyBy(path);
  const found = await packedSum(path);
  if (found !== expected) throw wrongPackedSum(path, found, expected);
  return listed === undefined ? "as it was fetched" : "as its publisher lists it";
}

export interface ImportFlags {
  readonly id?: string;
  readonly sha256?: string;
  readonly initFormat?: string;
}

/** @returns its id @throws ImcloudError for what is no image, or has another sum */
export async function importImage(
  what: string,
  { id = idOf(what), sha256, initFormat }: ImportFlags,
): Promise<string> {
  const digits = sha256?.toLowerCase();
  if (digits !== undefined && !/^[0-9a-f]{64}$/.test(digits))
    throw importInvalid("--sha256", digits, "64 hexadecimal digits");
  if (!/^[\w][\w.+-]*$/.test(id)) throw importInvalid("--id", id, "letters, digits, `.`, `_`, `+`, `-`");
  const noted = { id, name: id, ...(initFormat !== undefined && { initFormat }) };
  if (/^https?:\/\//.test(what)) {
    if (digits === undefined)
      throw importInvalid("--sha256", "nothing", "the sum of the file behind the address");
    await addOwnImage({ ...noted, url: what, packedSha256: digits });
    return id;
  }
  const { packedBytes } = await inspectImage(what);
  const path = join(cacheFolder(), "images", "own", basename(resolve(what)));
  const part = `${path}.${process.pid}.part`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await copyFile(what, part);
    const found = await packedSum(part);
    if (digits !== undefined && digits !== found) throw wrongPackedSum(what, found, digits);
    await rename(part, path);
    await rememberSum(path, found);
    await addOwnImage({ ...noted, url: path, packedSha256: found, packedBytes });
  } finally {
    await rm(part, { force: true });
  }
  return id;
}
