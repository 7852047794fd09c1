/**
 * The operator's own files: where large ones are kept, and how small ones are written.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Downloads that any cloud of this operator may use. */
export function cacheFolder(): string {
  const { IMCLOUD_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (IMCLOUD_CACHE !== undefined && IMCLOUD_CACHE !== "") return IMCLOUD_CACHE;
  if (process.platform === "win32" && LOCALAPPDATA !== undefined) return join(LOCALAPPDATA, "imcloud");
  return join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "imcloud");
}

/** The old content or the new one, whatever happens in between; readable for the operator alone. */
export async function writePrivate(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // A name of its own: several boards may want the same note at once.
  const part = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(part, content, { mode: 0o600, flush: true });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** @returns undefined if there is no such file */
export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
