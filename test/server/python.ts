/**
 * Foreign clients in Python: programs of test/clients/python, run in a virtual environment of their own, which is made
 * once in imcloud's cache and anew whenever requirements.txt changes.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { cacheFolder } from "../../src/files/operator-files.js";
import { run, start, type Running } from "./programs.js";

const FOLDER = join(import.meta.dirname, "..", "clients", "python");
const REQUIREMENTS = join(FOLDER, "requirements.txt");

/** Fetching the libraries may take so long on a slow line, in milliseconds. */
export const PYTHON_MS = 180_000;

/** Its path carries the Python that it was made with: another's libraries are of no use to it. */
async function environment(): Promise<string> {
  const version = await run("python3", ["-c", "import sys; print(*sys.version_info[:2], sep='.')"]);
  const sum = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 12);
  const root = join(cacheFolder(), "python");
  const place = join(root, `${version.trim()}-${sum}`);
  if (existsSync(place)) return place;
  await mkdir(root, { recursive: true });
  const part = `${place}.${process.pid}`;
  try {
    await run("python3", ["-m", "venv", part]);
    await run(join(part, "bin", "python"), [
      ...["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"],
      ...["--only-binary", ":all:", "--requirement", REQUIREMENTS],
    ]);
    // Only its own start scripts name the place where it was made, and nobody calls those.
    await rename(part, place);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return place;
}

let made: Promise<string> | undefined;

/** Makes the environment, where it is not there yet. For `beforeAll`, with {@link PYTHON_MS}. */
export function preparePython(): Promise<string> {
  made ??= environment();
  return made;
}

/**
 * Starts a program of test/clients/python, or one elsewhere by its full path.
 *
 * @param settings its environment
 */
export async function startPython(
  program: string,
  settings: Readonly<Record<string, string>>,
): Promise<Running> {
  return start(join(await preparePython(), "bin", "python"), [resolve(FOLDER, program)], settings);
}
