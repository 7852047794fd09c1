/**
 * A kit: a folder with everything that a cloud is made from where there is no internet. It is filled from the cache of a
 * machine that has it, carried to another, and taken into that one's cache; then every command finds there what it would
 * have fetched.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { holdLock } from "../../files/lock.js";
import { cacheFolder, readOptional, writePrivate } from "../../files/operator-files.js";
import { isDiskFull } from "../../files/download.js";
import { reasonOf } from "../../files/reason.js";
import { addOwnImage, OwnImage } from "../../flash/catalogue/own.js";
import { hashOf } from "../file-notes.js";
import { ImcloudError } from "../../shared/errors.js";
import { kitBusy, kitUnusable, noFolder, noRoom } from "./errors.js";

const MANIFEST = "kit.json";

const KitFile = z.object({
  /** Below the kit's folder and below the cache's; `/` between folders. */
  path: z
    .string()
    .regex(
      /^(?:images|kafka-archives|packages|runtimes)(?:\/(?!\.\.?(?:\/|$))[^/\\:]+)+$/,
      "a path within the kit",
    ),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  isProgram: z.boolean(),
});
type KitFile = z.infer<typeof KitFile>;

const Kit = z.object({
  version: z.literal(1),
  /** The imcloud that made it: another one may want another runtime. */
  imcloud: z.string(),
  madeAt: z.string(),
  /** In words, a line each. */
  contents: z.array(z.string()),
  files: z.array(KitFile),
  /** Images that the operator added: of those that are files, `url` is the path in the kit. */
  ownImages: z.array(OwnImage),
});
export type Kit = z.infer<typeof Kit>;

export interface KitProgress {
  /** Told now and then how many bytes are done, of all. */
  readonly moved: (bytes: number, ofBytes: number) => void;
}

/**
 * Fills a folder from the cache. What it has already is not copied again; its list is written last.
 *
 * @param paths of files in the cache
 * @throws ImcloudError `config.unreadable` without room for it
 */
export async function packKit(
  folder: string,
  about: Pick<Kit, "imcloud" | "contents" | "ownImages">,
  paths: readonly string[],
  progress: KitProgress,
): Promise<Kit> {
  const files: KitFile[] = [];
  for (const path of paths) {
    const { size, mode } = await stat(path);
    files.push({
      path: relative(cacheFolder(), path).split(sep).join("/"),
      sizeBytes: size,
      sha256: await hashOf(path, "sha256"),
      isProgram: (mode & 0o100) !== 0,
    });
  }
  await makeFolder(folder);
  const before = await readKit(folder).catch(() => undefined);
  const had = new Map(before?.files.map(({ path, sha256 }) => [path, sha256]));
  const missing: KitFile[] = [];
  for (const file of files) {
    const size = await sizeOf(join(folder, file.path));
    if (had.get(file.path) !== file.sha256 || size !== file.sizeBytes) missing.push(file);
  }
  await copyAll(missing, cacheFolder(), folder, progress);
  const kit: Kit = { version: 1, ...about, madeAt: new Date().toISOString(), files };
  await writePrivate(join(folder, MANIFEST), `${JSON.stringify(kit, null, 2)}\n`);
  return kit;
}

/** @throws ImcloudError `config.unreadable` where no folder can be */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw noFolder(folder, cause);
  });
}

/**
 * Takes a kit into this machine's cache: only what is as its list says.
 *
 * @throws ImcloudError `fleet.kit-unusable`, `config.unreadable` without room for it
 */
export async function loadKit(folder: string, progress: KitProgress): Promise<Kit> {
  const kit = await readKit(folder);
  const missing: KitFile[] = [];
  for (const file of kit.files) {
    const own = join(cacheFolder(), file.path);
    const isThere = (await sizeOf(own)) === file.sizeBytes && (await hashOf(own, "sha256")) === file.sha256;
    if (!isThere) missing.push(file);
  }
  await copyAll(missing, folder, cacheFolder(), progress);
  for (const { url, ...image } of kit.ownImages) {
    const isFile = kit.files.some(({ path }) => path === url);
    await addOwnImage({ ...image, url: isFile ? join(cacheFolder(), url) : url });
  }
  return kit;
}

/** Reads all of it. @throws ImcloudError `fleet.kit-unusable` */
export async function checkKit(folder: string, progress: KitProgress): Promise<Kit> {
  const kit = await readKit(folder);
  const all = total(kit.files);
  let done = 0;
  for (const file of kit.files) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(folder, file.path)), hash).catch((error: unknown) => {
      throw kitUnusable(folder, `${file.path}: ${reasonOf(error)}`, error);
    });
    if (hash.digest("hex") !== file.sha256) throw kitUnusable(folder, `${file.path} is damaged`);
    progress.moved((done += file.sizeBytes), all);
  }
  return kit;
}

async function readKit(folder: string): Promise<Kit> {
  const text = await readOptional(join(folder, MANIFEST)).catch((error: unknown) => {
    throw kitUnusable(folder, reasonOf(error), error);
  });
  if (text === undefined) throw kitUnusable(folder, `there is no ${MANIFEST}`);
  try {
    return Kit.parse(JSON.parse(text));
  } catch (error) {
    throw kitUnusable(folder, `its ${MANIFEST} is not one that imcloud wrote`, error);
  }
}

const total = (files: readonly KitFile[]): number => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  );

async function copyAll(
  files: readonly KitFile[],
  from: string,
  to: string,
  progress: KitProgress,
): Promise<void> {
  await using lock = await holdLock(join(cacheFolder(), "kit.lock"), 0);
  if (lock === undefined) throw kitBusy();
  const all = total(files);
  await mkdir(to, { recursive: true });
  const { bavail, bsize } = await statfs(to);
  if (bavail * bsize < all) throw noRoom(to, all, bavail * bsize);
  let done = 0;
  for (const file of files) {
    const moved = (bytes: number) => progress.moved((done += bytes), all);
    await copyFile(file, join(from, file.path), join(to, file.path), moved).catch((error: unknown) => {
      if (isDiskFull(error)) throw noRoom(to, all - done, 0);
      throw error instanceof ImcloudError
        ? error
        : kitUnusable(from, `${file.path}: ${reasonOf(error)}`, error);
    });
  }
}

/** Whole, and as the list says, or not at all. */
async function copyFile(
  { sha256, isProgram }: KitFile,
  from: string,
  to: string,
  moved: (bytes: number) => void,
): Promise<void> {
  // Of one name: what a killed command left is written over.
  const part = `${to}.part`;
  const hash = createHash("sha256");
  const watched = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk);
      moved(chunk.length);
      done(null, chunk);
    },
  });
  await mkdir(dirname(to), { recursive: true });
  try {
    await pipeline(createReadStream(from), watched, createWriteStream(part, { flush: true }));
    if (hash.digest("hex") !== sha256) throw new Error("damaged");
    if (isProgram) await chmod(part, 0o755);
    await rename(part, to);
  } finally {
    await rm(part, { force: true });
  }
}
