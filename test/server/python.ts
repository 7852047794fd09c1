/**
 * Foreign clients in Python: programs of test/clients/python, run in a virtual environment of their own, which is made
 * once in imcloud's cache and anew whenever requirements.txt changes.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cacheFolder } from "../../src/files/operator-files.js";

const FOLDER = join(import.meta.dirname, "..", "clients", "python");
const REQUIREMENTS = join(FOLDER, "requirements.txt");

/** Fetching the libraries may take so long on a slow line, in milliseconds. */
export const PYTHON_MS = 180_000;

interface Running {
  /** The lines that it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line that says something. @throws Error when it ends without */
  said(text: string): Promise<string>;
  /** Resolves when it has ended well. @throws Error with all that it said when it fails */
  readonly ended: Promise<void>;
}

function start(
  program: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(program, args, {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  let errors = "";
  let listeners: (() => void)[] = [];
  const tell = () => {
    for (const listener of listeners.splice(0)) listener();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    tell();
  });
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  let isOver = false;
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${args.join(" ")} ended with ${code}\n${lines.join("\n")}\n${errors}`));
    });
  }).finally(() => {
    isOver = true;
    tell();
  });
  ended.catch(() => undefined);
  return {
    lines,
    ended,
    async said(text) {
      for (;;) {
        const found = lines.find((line) => line.includes(text));
        if (found !== undefined) return found;
        if (isOver) {
          await ended;
          throw new Error(`it never said ${text}\n${lines.join("\n")}\n${errors}`);
        }
        await new Promise<void>((resolve) => (listeners = [...listeners, resolve]));
      }
    },
  };
}

/** Resolves with what a program has printed. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const { ended, lines } = start(program, args);
  await ended;
  return lines.join("\n");
}

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
 * Starts a program of test/clients/python.
 *
 * @param settings its environment
 */
export async function startPython(
  program: string,
  settings: Readonly<Record<string, string>>,
): Promise<Running> {
  return start(join(await preparePython(), "bin", "python"), [join(FOLDER, program)], settings);
}
