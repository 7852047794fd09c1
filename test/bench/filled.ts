/**
 * A database that people have used for years, and one of theirs in which nobody has said anything yet.
 */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packageRoot } from "../../src/shared/package-root.js";
import type { ServerConfigInput } from "../../src/shared/server-config.js";
import type { Filled, FillPlan } from "./fill/plan.js";
import { generate } from "./generator.js";
import { PASSWORD } from "./server-process.js";
import { sized } from "./trial.js";

const FILL = join(packageRoot(), "test", "bench", "fill", "fill.ts");

/** Who is in the databases, and in which rooms. */
export const EVENTS = sized(5_000_000, 20_000);
const ROOMS = sized(1_000, 50);
const PEOPLE = sized(500, 64);
/** In each room; the rooms of one person lie far apart. */
const MEMBERS = 20;
export const personOf = (number: number): string => `person${number % PEOPLE}`;
export const membersOf = (room: number): string[] =>
  Array.from({ length: MEMBERS }, (_, index) => personOf(room + index * 7));

export interface FilledFolder extends Filled, AsyncDisposable {
  /** Of a server; its database is `imcloud.sqlite`. */
  readonly folder: string;
  /** Of the database. */
  readonly bytes: number;
}

/** @param messages in all rooms together */
export async function filledFolder(messages: number): Promise<FilledFolder> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-filled-"));
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, "imcloud.sqlite");
    const filled = await fill(path, {
      users: Array.from({ length: PEOPLE }, (_, index) => personOf(index)),
      password: PASSWORD,
      rooms: Array.from({ length: ROOMS }, (_, room) => ({
        members: membersOf(room),
        messages: Math.floor(messages / ROOMS),
      })),
    });
    return { ...filled, folder, bytes: await bytesOf(path), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Fills the database of this path, which is new. */
export function fill(
  path: string,
  plan: Omit<FillPlan, "config">,
  passwordHash: ServerConfigInput["passwordHash"] = { memoryKib: 64, iterations: 1 },
): Promise<Filled> {
  const config: ServerConfigInput = {
    serverName: "hs1",
    listeners: [{ address: "127.0.0.1", port: 0 }],
    publicBaseUrl: "http://127.0.0.1",
    // Whoever cuts the power meanwhile fills it again.
    store: { kind: "sqlite", path, synchronous: "off" },
    // For the filling alone: an index that does not fit is read from the disk again and again.
    limits: { sqliteCacheKib: 1_048_576 },
    passwordHash,
  };
  return generate<Filled>(FILL, { ...plan, config });
}

/** What a database takes on the disk, with what lies beside it. */
export async function bytesOf(path: string): Promise<number> {
  const names = (await readdir(dirname(path))).filter((name) => join(dirname(path), name).startsWith(path));
  const sizes = await Promise.all(names.map((name) => stat(join(dirname(path), name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
