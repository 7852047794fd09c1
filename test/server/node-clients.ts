/**
 * Foreign clients for Node.js that are no dependencies of this project: a folder of test/clients has a package.json,
 * a lock and a program, and is installed once into imcloud's cache.
 *
 * No install script runs, and modules of machine code that such a script would fetch are left out.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../src/files/operator-files.js";
import { run, start, type Running } from "./programs.js";

const FOLDER = join(import.meta.dirname, "..", "clients");

/** Fetching the libraries may take so long on a slow line, in milliseconds. */
export const INSTALL_MS = 180_000;

/** @param without modules that are there and empty */
export async function installClient(name: string, without: readonly string[]): Promise<string> {
  const sources = ["package.json", "package-lock.json"].map((file) => join(FOLDER, name, file));
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  const root = join(cacheFolder(), "node-clients");
  const place = join(root, `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(place)) return place;
  const part = `${place}.${process.pid}`;
  await mkdir(part, { recursive: true });
  try {
    for (const source of sources) await copyFile(source, join(part, source.slice(join(FOLDER, name).length)));
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", part]);
    for (const module of without)
      await writeFile(join(part, "node_modules", module, "index.js"), "module.exports = {};\n");
    await mkdir(root, { recursive: true });
    await rename(part, place);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return place;
}

/**
 * Starts a client's program, under Node.js.
 *
 * @param place where it is installed: MODULES says it to the program
 */
export function startClient(
  program: string,
  place: string,
  settings: Readonly<Record<string, string>>,
): Running {
  return start("node", [join(FOLDER, program)], { ...settings, MODULES: place });
}
