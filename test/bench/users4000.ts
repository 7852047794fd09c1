/**
 * Thousands of people who log in one after the other over TLS, with the password hash that boards use, and then talk:
 * the server on one core, the load on another.
 *
 * Goals: what a commercial server publishes of a cluster of 15 services on Raspberry Pi 4B.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/shared/package-root.js";
import { ServerConfig } from "../../src/shared/server-config.js";
import { freePort } from "../server/listening.js";
import { fill } from "./filled.js";
import { generate } from "./generator.js";
import { certificate } from "./machine.js";
import { measured, percentile, type Bench, type Goal } from "./metric.js";
import { sendPath } from "./senders.js";
import { PASSWORD, startServerProcess } from "./server-process.js";
import { sized } from "./trial.js";

const LOAD = join(packageRoot(), "test", "bench", "users4000", "load.mjs");
const USERS = sized(4_000, 200);
const LOGINS_PER_SECOND = 20;
const MINUTES = sized(10, 1);
const ROOM_SIZE = 20;
const [SERVER_CORE, LOAD_CORE] = [0, 1];
const onCore = (core: number): string[] => ["taskset", "--cpu-list", String(core)];

interface Result {
  readonly loginMs: readonly number[];
  readonly sendMs: readonly number[];
  /** Syncs that told of messages. */
  readonly heard: number;
  readonly failures: readonly string[];
}

export const users4000: Bench = {
  name: "users4000",
  summary: `${USERS} users log in over TLS, ${LOGINS_PER_SECOND} a second, then say a thing a minute for ${MINUTES} minutes; server on one core`,

  async run(report, say) {
    const { loginMs, sendMs, heard, failures } = await measure(say);
    for (const failure of new Set(failures)) say(failure);
    const one = (metric: string, unit: string, value: number, goal?: Goal) =>
      report(measured({ bench: "users4000", metric, unit, ...(goal !== undefined && { goal }) }, [value]));
    one("login, mean", "ms", mean(loginMs), { atMost: 73 });
    one("login, p99", "ms", percentile(loginMs, 0.99));
    one("login, max", "ms", percentile(loginMs, 1), { atMost: 180 });
    one("message, mean", "ms", mean(sendMs));
    one("message, p99", "ms", percentile(sendMs, 0.99));
    one("message, max", "ms", percentile(sendMs, 1));
    one("syncs that told of messages", "1", heard);
    one("errors", "1", failures.length, { atMost: 0 });
  },
};

async function measure(say: (line: string) => void): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-users-"));
  try {
    const names = Array.from({ length: USERS }, (_, index) => `user${index}`);
    const rooms = Array.from({ length: Math.ceil(USERS / ROOM_SIZE) }, (_, room) => ({
      members: names.slice(room * ROOM_SIZE, (room + 1) * ROOM_SIZE),
      messages: 0,
    }));
    say(`making ${USERS} accounts, in rooms of ${ROOM_SIZE}`);
    const plan = { users: names, password: PASSWORD, rooms };
    // The defaults: what boards use.
    const { roomIds } = await fill(join(folder, "imcloud.sqlite"), plan, {});
    const tls = await certificate(folder);
    const port = await freePort();
    const overrides = { listeners: [{ address: "127.0.0.1", port, tls }], passwordHash: {} };
    await using server = await startServerProcess(overrides, onCore(SERVER_CORE), folder);
    say(await parameters(server.configPath));
    const users = names.map((name, index) => ({
      name,
      path: sendPath(roomIds[Math.floor(index / ROOM_SIZE)] ?? ""),
    }));
    const everyMs = 1_000 / LOGINS_PER_SECOND;
    const load = { port: server.port, password: PASSWORD, everyMs, minutes: MINUTES, users };
    return await generate<Result>(LOAD, load, onCore(LOAD_CORE));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As the server has them. */
async function parameters(configPath: string): Promise<string> {
  const { memoryKib, iterations, parallel } = ServerConfig.parse(
    JSON.parse(await readFile(configPath, "utf8")),
  ).passwordHash;
  return (
    `argon2id with ${memoryKib} KiB, ${iterations} iterations, ${parallel} at once; ${LOGINS_PER_SECOND} logins a second, ` +
    `evenly spaced, each with a TLS connection of its own; then everybody syncs, and says one thing a minute`
  );
}

const mean = (samples: readonly number[]) =>
  samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
