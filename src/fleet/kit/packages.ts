/**
 * The packages of one system, as its own archive has them: index, signature and all, but of the packages only those that
 * are wanted and what these need. Boards check them by the keys that came with their image, as they would online.
 *
 * Source: Debian wiki, "DebianRepository/Format"; apt-secure(8).
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import pLimit from "p-limit";
import { pack, type Pack } from "tar-stream";
import { z } from "zod";
import type { Source } from "../../board/transport.js";
import { download, downloadText, isDiskFull, NotServed } from "../../files/download.js";
import { cacheFolder, readOptional, writePrivate } from "../../files/operator-files.js";
import { cacheFull } from "../../flash/catalogue/errors.js";
import { unpacked } from "../../flash/decompress.js";
import { sourceOf } from "../file-notes.js";
import { archiveNotRead, kitMissing, packagesMissing } from "./errors.js";
import type { KitProgress } from "./kit.js";
import { closureOf, parseIndex, sumsOf, type PackageEntry } from "./package-index.js";
import { archivesOf, type Archive, type Mirrors, type System } from "./systems.js";

/** Where playbook `offline` puts them. */
const ON_BOARD = "/opt/imcloud/packages";
/** Archives ask not to be overrun. */
const AT_ONCE = 4;

const Note = z.object({
  version: z.literal(1),
  /** For apt: `sources.list`, with a first line that tells the day, for `health`. */
  sources: z.string(),
  packages: z.int(),
  /** When the archive was asked. */
  fetchedAt: z.string(),
});

/** What playbooks know as `cloud.packages`. */
export type PackageNote = z.infer<typeof Note>;

/** Below the cache's folder. */
export const packageFiles = ({ release, arch }: System) => ({
  tar: `packages/${release}-${arch}.tar`,
  note: `packages/${release}-${arch}.json`,
});

/** @throws ImcloudError `fleet.kit-missing` */
export async function keptPackages(
  system: System,
): Promise<{ readonly source: Source; readonly note: PackageNote }> {
  const { tar, note } = packageFiles(system);
  const noted = await readOptional(join(cacheFolder(), note));
  if (noted === undefined) throw kitMissing(system);
  return { source: await sourceOf(join(cacheFolder(), tar)), note: Note.parse(JSON.parse(noted)) };
}

export interface FetchPackages extends Mirrors, KitProgress {
  /** Told what is done now. */
  readonly doing: (what: string) => void;
  readonly note: (line: string) => void;
}

interface Suite {
  readonly archive: Archive;
  readonly name: string;
  /** Files of the archive, by their path in it, and where they are in the cache. */
  readonly files: ReadonlyMap<string, string>;
  readonly index: readonly PackageEntry[];
}

/**
 * Fetches them into the cache, as one archive file for boards; what is there already is not fetched again.
 *
 * @throws ImcloudError `config.unreadable` about the network, `config.invalid` for a package that there is not
 */
export async function fetchPackages(
  system: System,
  wanted: readonly string[],
  options: FetchPackages,
): Promise<PackageNote> {
  const archives = archivesOf(system, options);
  options.doing("reading the release's archive");
  const suites: Suite[] = [];
  for (const archive of archives) {
    for (const suite of archive.suites)
      suites.push(...(await readSuite(archive, suite, system, options.note)));
  }
  const { packages, missing } = closureOf(
    wanted,
    suites.flatMap(({ index }) => index),
  );
  const lacking = wanted.filter((name) => missing.includes(name));
  if (lacking.length > 0) throw packagesMissing(system, lacking);
  for (const need of missing) options.note(`no package ${need}, which another names: left out`);

  const taken = new Set(packages);
  // By path, once: a suite of updates has what has come into the release itself since.
  const files = new Map(
    suites.flatMap(({ archive: { folder, url }, index }) =>
      index
        .filter((entry) => taken.has(entry))
        .map(({ file, ...entry }) => [`${folder}/${file}`, { ...entry, url: `${url}/${file}` }] as const),
    ),
  );
  options.doing(`fetching ${files.size} packages`);
  const all = [...files.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  const debs = await pLimit(AT_ONCE).map(files, async ([path, { url, sha256, sizeBytes }]) => {
    const from = await fetched(url, sha256);
    options.moved((done += sizeBytes), all);
    return [path, from] as const;
  });

  const { tar, note } = packageFiles(system);
  const lists = suites.flatMap(({ archive, files }) =>
    [...files].map(([path, from]) => [`${archive.folder}/${path}`, from] as const),
  );
  options.doing("packing them");
  await writeTar(join(cacheFolder(), tar), new Map([...lists, ...debs]));
  const fetchedAt = new Date().toISOString();
  const found: PackageNote = {
    version: 1,
    sources: `# A kit of ${fetchedAt.slice(0, 10)}\n${suites.map((suite) => sourceLine(suite, system)).join("")}`,
    packages: files.size,
    fetchedAt,
  };
  await writePrivate(join(cacheFolder(), note), `${JSON.stringify(found, null, 2)}\n`);
  return found;
}

/** A suite that a release has none of yet, or not any more, is no error where nobody needs it. */
async function readSuite(
  archive: Archive,
  name: string,
  { arch }: System,
  note: (line: string) => void,
): Promise<readonly Suite[]> {
  const root = `dists/${name}`;
  const url = `${archive.url}/${root}/InRelease`;
  let release: string;
  try {
    release = await downloadText(url);
  } catch (error) {
    if (!(name.endsWith("-updates") && error instanceof NotServed)) throw archiveNotRead(url, error);
    note(`${error.message}: gone on without`);
    return [];
  }
  const sums = sumsOf(release);
  const isByHash = /^Acquire-By-Hash: yes$/m.test(release);
  const files = new Map([[`${root}/InRelease`, await kept(release)]]);
  const index: PackageEntry[] = [];
  for (const component of archive.components) {
    const path = `${component}/binary-${arch}/Packages.xz`;
    const sum = sums.get(path);
    if (sum === undefined) throw archiveNotRead(url, new Error(`nothing is said there of ${path}`));
    // By its hash it is what this list speaks of, also while the archive gets a new one.
    const address = isByHash ? posix.join(posix.dirname(path), "by-hash", "SHA256", sum) : path;
    const file = await fetched(`${archive.url}/${root}/${address}`, sum);
    files.set(`${root}/${path}`, file);
    index.push(...parseIndex(await text(Readable.from(unpacked({ path: file, format: "xz" })))));
  }
  return [{ archive, name, files, index }];
}

const pool = (sha256: string): string => join(cacheFolder(), "packages", "pool", sha256);

/** @returns where it is in the cache, under its hash */
async function fetched(url: string, sha256: string): Promise<string> {
  const path = pool(sha256);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  await download(url, path, { checksum: { algorithm: "sha256", digits: sha256 } }).catch((error: unknown) => {
    throw isDiskFull(error) ? cacheFull(path, error) : archiveNotRead(url, error);
  });
  return path;
}

async function kept(content: string): Promise<string> {
  const path = pool(createHash("sha256").update(content).digest("hex"));
  await writePrivate(path, content);
  return path;
}

/** One target alone: what else a system's settings ask of archives would be missing, which is an error for files. */
const sourceLine = ({ archive: { folder, keyring, components }, name }: Suite, { arch }: System): string =>
  `deb [arch=${arch} target=Packages signed-by=${keyring}] file:${ON_BOARD}/${folder} ${name} ${components.join(" ")}\n`;

/** The same files make the same archive, byte for byte: a board that has it is not sent it again. */
async function writeTar(target: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.${process.pid}.part`;
  const archive = pack();
  try {
    await Promise.all([pipeline(archive, createWriteStream(part)), fill(archive, files)]);
    await rename(part, target);
  } finally {
    await rm(part, { force: true });
  }
}

async function fill(archive: Pack, files: ReadonlyMap<string, string>): Promise<void> {
  const folders = new Set([...files.keys()].flatMap(parents));
  const mtime = new Date(0);
  for (const name of [...folders].toSorted()) archive.entry({ name, type: "directory", mode: 0o755, mtime });
  for (const [name, from] of [...files].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const { size } = await stat(from);
    await pipeline(createReadStream(from), archive.entry({ name, mode: 0o644, mtime, size }));
  }
  archive.finalize();
}

/** @example parents("a/b/c") // ["a", "a/b"] */
function parents(path: string): readonly string[] {
  const folder = posix.dirname(path);
  return folder === "." ? [] : [...parents(folder), folder];
}
