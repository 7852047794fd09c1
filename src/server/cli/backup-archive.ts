/**
 * A backup as one tar archive, for whoever keeps it elsewhere: through standard output, and back through standard input.
 *
 * The archive is made of a folder beside the database, so that uploads are linked and not copied. `tar` is there on
 * every board: Debian marks its package as essential.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const PREFIX = ".backup-";
/** What a killed command has left behind is taken away by the next, after a day, in milliseconds. */
const LEFT_MS = 24 * 60 * 60_000;

/** Runs a task with an empty folder on the database's disk, which goes with it. */
export async function withFolderBeside<T>(
  database: string,
  task: (folder: string) => Promise<T>,
): Promise<T> {
  const home = dirname(database);
  for (const name of readdirSync(home).filter((one) => one.startsWith(PREFIX)))
    if (Date.now() - statSync(join(home, name)).mtimeMs > LEFT_MS)
      rmSync(join(home, name), { recursive: true, force: true });
  const folder = mkdtempSync(join(home, PREFIX));
  try {
    return await task(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a folder to standard output. @throws Error when nobody takes it to its end */
export const writeArchive = (folder: string): Promise<void> => tar("-C", folder, "-cf", "-", ".");

/** Fills a folder from standard input. @throws Error when that is no archive, or half of one, or the disk is full */
export const readArchive = (folder: string): Promise<void> =>
  tar("-C", folder, "--no-same-owner", "-xf", "-");

async function tar(...words: readonly string[]): Promise<void> {
  const child = spawn("tar", words, { stdio: ["inherit", "inherit", "inherit"] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`tar ended with ${code ?? "a signal"}`);
}
