/**
 * What imcloud keeps beside `imcloud.yaml`: the folder `.imcloud/`, never committed.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

export interface Workspace {
  /** Where imcloud.yaml is. */
  readonly folder: string;
  readonly knownHosts: string;
  /** The key that `init` made, if it made one. */
  readonly identity: string;
  readonly runs: string;
  readonly facts: string;
  readonly authority: string;
  readonly certificates: string;
}

export function workspaceAt(folder: string): Workspace {
  const inside = (...names: string[]): string => join(folder, ".imcloud", ...names);
  return {
    folder,
    knownHosts: inside("known_hosts"),
    identity: inside("id_ed25519"),
    runs: inside("runs"),
    facts: inside("facts"),
    authority: inside("authority"),
    certificates: inside("certificates"),
  };
}

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
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, content, { mode: 0o600 });
  await rename(part, path);
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
