/**
 * Before the tests that run `dist`: refuses one that is older than what it is made of, and would test that.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../../src/shared/package-root.js";

const SOURCES = ["bin", "src", "templates", "playbooks"];

/** @returns the path of a file that is younger than the build; none: the build is fresh */
export async function youngerThanBuild(root: string): Promise<string | undefined> {
  const builtMs = await changedMs(join(root, "dist", "bin", "imcloud.js")).catch(() => 0);
  for (const folder of SOURCES) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await changedMs(path)) > builtMs) return path;
    }
  }
  return undefined;
}

const changedMs = async (path: string): Promise<number> => (await stat(path)).mtimeMs;

/** Called by vitest, once for each project. */
export default async function refuseStaleBuild(): Promise<void> {
  const path = await youngerThanBuild(packageRoot());
  if (path !== undefined) throw new Error(`dist is older than ${path}: run \`npm run build\` first`);
}
