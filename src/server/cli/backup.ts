/**
 * `backup DIR`, `check [DIR]`, `restore DIR`: the whole of a server's data, while it runs.
 *
 * A backup is a folder: the database as of one moment (VACUUM INTO, which reads while others write), the media as hard
 * links where the file system is the same, without thumbnails, and `backup.json`, which comes last: a folder without
 * it is none. With `-` in the place of the folder it is an archive, on standard output or input.
 */
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { copyFile, link, mkdir, open, stat } from "node:fs/promises";
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { ServerConfig } from "../../shared/server-config.js";
import { becomeOwnerOf } from "../runtime/become-owner.js";
import { VARIANTS } from "../runtime/files.js";
import { copyDatabase, holdLock, SqliteConnection } from "../runtime/sqlite.js";
import { mediaFolderOf } from "../service/media.js";
import { readArchive, withFolderBeside, writeArchive } from "./backup-archive.js";
import { UsageError } from "./usage.js";

const DATABASE = "imcloud.db";
const MANIFEST = "backup.json";
/** Positions that are left out after a restore: devices know some that the backup does not, and must not see them again. */
const POSITION_GAP = 1_000_000;

const Manifest = z.object({
  version: z.literal(1),
  serverName: z.string(),
  madeAt: z.string(),
  media: z.number(),
});

interface Place {
  readonly database: string;
  readonly media: string;
}

/** @returns 0 done; 1 something is wrong with the data, which standard output says */
export async function runBackupCommand(
  command: "backup" | "check" | "restore",
  [word, ...more]: readonly string[],
  config: ServerConfig,
  replace: boolean,
): Promise<number> {
  const { store } = config;
  if (store.kind !== "sqlite")
    throw new UsageError("this is for SQLite; PostgreSQL has pg_dump and pg_restore");
  if (more.length > 0 || (word === undefined && command !== "check")) throw new UsageError(`${command} DIR`);
  const isArchive = word === "-" && command !== "check";
  const folder = word === undefined ? undefined : resolve(word);
  becomeOwnerOf(store.path);
  const live: Place = { database: store.path, media: mediaFolderOf(config) ?? "" };
  if (command === "check") return say(await check(folder === undefined ? live : placeIn(folder)));
  if (folder === undefined) throw new UsageError(`${command} DIR`);
  if (command === "backup")
    return isArchive
      ? withFolderBeside(live.database, (beside) => backUpToArchive(live, beside, config.serverName))
      : say(await backUp(live, folder, config.serverName));
  if (!isArchive) return bringBack(folder, live, config.serverName, replace);
  mkdirSync(dirname(live.database), { recursive: true });
  return withFolderBeside(live.database, async (beside) => {
    await readArchive(beside);
    return bringBack(beside, live, config.serverName, replace, true);
  });
}

async function backUpToArchive(live: Place, folder: string, serverName: string): Promise<number> {
  await backUp(live, folder, serverName);
  const problems = problemsOf(placeIn(folder).database);
  if (problems.length > 0) throw new Error(`the database is damaged: ${problems.join("; ")}`);
  await writeArchive(folder);
  return 0;
}

/** @param isOurs the folder is nobody else's, so that its files may become the server's */
async function bringBack(
  folder: string,
  live: Place,
  serverName: string,
  replace: boolean,
  isOurs = false,
): Promise<number> {
  const manifest = readManifest(folder);
  if (manifest.serverName !== serverName)
    throw new Error(
      `the backup is of \`${manifest.serverName}\`, and the configuration says \`${serverName}\``,
    );
  const found = await check(placeIn(folder));
  return found.ok ? say(await restore(placeIn(folder), live, replace, isOurs)) : say(found);
}

function say(report: { readonly ok: boolean }): number {
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.ok ? 0 : 1;
}

const placeIn = (folder: string): Place => ({
  database: join(folder, DATABASE),
  media: join(folder, "media"),
});
const fileOf = (media: string, hash: string): string => join(media, hash.slice(0, 2), hash.slice(2));

function readManifest(folder: string): z.infer<typeof Manifest> {
  if (!existsSync(join(folder, MANIFEST)))
    throw new Error(`${folder} is no backup, or one that was not finished`);
  return Manifest.parse(JSON.parse(readFileSync(join(folder, MANIFEST), "utf8")));
}

/** @throws Error when the folder is not empty */
async function backUp(live: Place, folder: string, serverName: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`);
  const copy = placeIn(folder);
  // Before the database: what is deleted meanwhile stays in the backup. After it: what came meanwhile.
  const before = contentsOf(live.database).map(({ hash }) => hash);
  for (const hash of before) await bring(hash, live.media, copy.media);
  copyDatabase(live.database, copy.database);
  const contents = contentsOf(copy.database).map(({ hash }) => hash);
  for (const hash of contents) await bring(hash, live.media, copy.media);
  const wanted = new Set(contents);
  for (const hash of before) if (!wanted.has(hash)) rmSync(fileOf(copy.media, hash), { force: true });
  await sync(copy.database);
  const manifest: z.infer<typeof Manifest> = {
    ...{ version: 1, serverName, madeAt: new Date().toISOString(), media: contents.length },
  };
  writeFileSync(join(folder, `${MANIFEST}.new`), `${JSON.stringify(manifest)}\n`, { flush: true });
  renameSync(join(folder, `${MANIFEST}.new`), join(folder, MANIFEST));
  await sync(folder);
  return { ok: true, folder, ...manifest };
}

/** What is wrong with a database and its media: in the server's own words of SQLite, and by hash. */
async function check({ database, media }: Place) {
  if (!existsSync(database)) throw new Error(`${database} is not there`);
  const problems = problemsOf(database);
  const contents = problems.length > 0 ? [] : contentsOf(database);
  for (const { hash, bytes } of contents) {
    const path = fileOf(media, hash);
    if (!existsSync(path)) problems.push(`media ${hash}: the file is missing`);
    else if ((await stat(path)).size !== bytes || (await hashOf(path)) !== hash)
      problems.push(`media ${hash}: the file is damaged`);
  }
  return { ok: problems.length === 0, media: contents.length, problems };
}

/** What SQLite finds wrong with a database, in its words. */
function problemsOf(database: string): string[] {
  const connection = new SqliteConnection({ path: database, synchronous: "full", cacheKib: 2_048 }, "read");
  try {
    return connection
      .all<{ integrity_check: string }>("PRAGMA integrity_check", [])
      .map((row) => row.integrity_check)
      .filter((text) => text !== "ok");
  } finally {
    connection.close();
  }
}

/** @throws Error while a server runs; and when there are data, unless they are to be replaced */
async function restore(from: Place, live: Place, replace: boolean, isOurs: boolean) {
  mkdirSync(dirname(live.database), { recursive: true });
  const lock = holdForRestore(live.database);
  try {
    const isThere = existsSync(live.database);
    if (isThere && !replace)
      throw new Error(`${live.database} is there already: say --replace to put it aside`);
    const contents = contentsOf(from.database);
    // By copies: a restored server must not share files with its backup.
    for (const { hash } of contents) await bring(hash, from.media, live.media, !isOurs);
    // Some are of pictures that the backup does not know; all are made again when they are asked for.
    rmSync(join(live.media, VARIANTS), { recursive: true, force: true });
    const fresh = `${live.database}.restored`;
    rmSync(fresh, { force: true });
    await copyFile(from.database, fresh);
    skipPositions(fresh);
    await sync(fresh);
    const aside = `${live.database}.before-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
    // With what SQLite keeps beside: the database is whole only together with its log.
    if (isThere)
      for (const part of ["-wal", "-shm", ""])
        if (existsSync(live.database + part)) renameSync(live.database + part, aside + part);
    renameSync(fresh, live.database);
    await sync(dirname(live.database));
    return { ok: true, media: contents.length, ...(isThere && { aside }) };
  } finally {
    lock.release();
  }
}

function holdForRestore(path: string): { release(): void } {
  try {
    return holdLock(`${path}.lock`);
  } catch (error) {
    throw new Error("a server is running on these data: stop it first", { cause: error });
  }
}

function skipPositions(database: string): void {
  const connection = new SqliteConnection({ path: database, synchronous: "full", cacheKib: 2_048 }, "write");
  try {
    connection.run("UPDATE stream SET position = position + ?", [POSITION_GAP]);
    connection.all("PRAGMA wal_checkpoint(TRUNCATE)", []);
  } finally {
    connection.close();
  }
}

function contentsOf(database: string): { hash: string; bytes: number }[] {
  const connection = new SqliteConnection({ path: database, synchronous: "full", cacheKib: 2_048 }, "read");
  try {
    return connection.all("SELECT DISTINCT hash, bytes FROM media WHERE hash IS NOT NULL ORDER BY hash", []);
  } finally {
    connection.close();
  }
}

/** A content that is not there was deleted meanwhile, or is missing: `check` tells which. */
async function bring(hash: string, from: string, to: string, asCopy = false): Promise<void> {
  const [source, target] = [fileOf(from, hash), fileOf(to, hash)];
  if (existsSync(target) || !existsSync(source)) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  if (!asCopy) {
    try {
      return await link(source, target);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "ENOENT") return;
      if (!["EXDEV", "EPERM", "ENOTSUP", "EMLINK"].includes(code)) throw error;
    }
  }
  // Under another name first: half a file must not look like a whole one.
  await copyFile(source, `${target}.part`);
  await sync(`${target}.part`);
  renameSync(`${target}.part`, target);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
