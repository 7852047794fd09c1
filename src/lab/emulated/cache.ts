/**
 * Folders that take minutes to make: made once, by one process, and there in whole or not at all.
 */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withLock } from "../lock.js";

/** Two builds one after the other, each of which may take {@link BUILD_DEADLINE_MS}. */
const WAIT_S = 3_600;

/** Emulated dpkg needs about 8 minutes on two cores of 2024; further packages need as long again. */
export const BUILD_DEADLINE_MS = 1_800_000;

/**
 * The folder `parent/name`, made by `build` when it is not there yet.
 *
 * @param build fills the folder it is given, which gets its name when it is whole
 * @returns the folder's path
 */
export async function cachedFolder(
  parent: string,
  name: string,
  onProgress: (line: string) => void,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const path = join(parent, name);
  await mkdir(parent, { recursive: true, mode: 0o755 });
  await writeFile(`${path}.used`, "");
  if (existsSync(path)) return path;
  return withLock(
    `${path}.lock`,
    onProgress,
    async () => {
      if (existsSync(path)) return path;
      // Beside and not below the parent: what is removed there for its age must be whole.
      const building = join(dirname(parent), "building", name);
      await rm(building, { recursive: true, force: true });
      await mkdir(building, { recursive: true, mode: 0o755 });
      try {
        await build(building);
        await rename(building, path);
      } finally {
        await rm(building, { recursive: true, force: true });
      }
      return path;
    },
    WAIT_S,
  );
}
