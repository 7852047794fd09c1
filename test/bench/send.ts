/**
 * Durable messages: 64 connections over loopback, against a bare handler with one SQLite insert.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { packageRoot } from "../../src/shared/package-root.js";
import { compared, inTurns, measured, PAIRS, type Bench } from "./metric.js";
import { BUN, callServer, ended, register, startServerProcess } from "./server-process.js";

const FOLDER = join(packageRoot(), "test", "bench", "send");
const SENDERS = 64;
const ROOMS = 8;
const SECONDS = 4;

interface Sender {
  readonly token: string;
  /** To which a transaction id is appended. */
  readonly path: string;
}

interface Load {
  readonly sent: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const send: Bench = {
  name: "send",
  summary: `durable messages a second by ${SENDERS} connections, against one bare SQLite insert`,

  async run(report, say) {
    await using server = await startServerProcess();
    say(`${SENDERS} people enter ${ROOMS} rooms`);
    const senders = await enter(server.url);
    const p99s: number[] = [];
    await load(server.port, senders, 1); // both start warm
    const pairs = await inTurns(
      PAIRS,
      async () => {
        const { sent, failed, p99Ms } = await load(server.port, senders, SECONDS);
        if (failed > 0) throw new Error(`${failed} messages were refused`);
        p99s.push(p99Ms);
        return sent / SECONDS;
      },
      () => bareHandler(senders),
    );
    report(compared({ bench: "send", metric: "broker off", unit: "1/s", goal: { atLeast: 0.4 } }, pairs));
    report(measured({ bench: "send", metric: "broker off, p99", unit: "ms" }, p99s));
  },
};

/** Each person in one room; the first of a room makes it. */
async function enter(url: string): Promise<Sender[]> {
  const people = await Promise.all(Array.from({ length: SENDERS }, (_, index) => register(url, `sender${index}`)));
  const rooms = await Promise.all(
    people.slice(0, ROOMS).map(({ token }) => callServer(url, "POST", "createRoom", token, { preset: "public_chat" })),
  );
  return Promise.all(
    people.map(async ({ token }, index) => {
      const roomId = encodeURIComponent(String(rooms[index % ROOMS]?.["room_id"]));
      if (index >= ROOMS) await callServer(url, "POST", `rooms/${roomId}/join`, token, {});
      return { token, path: `/_matrix/client/v3/rooms/${roomId}/send/m.room.message/` };
    }),
  );
}

async function bareHandler(senders: readonly Sender[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-bare-"));
  const child = spawn(BUN, [join(FOLDER, "baseline.mjs"), join(folder, "bare.sqlite")], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { port } = JSON.parse(line.toString()) as { port: number };
    await load(port, senders, 1);
    return (await load(port, senders, SECONDS)).sent / SECONDS;
  } finally {
    await ended(child, "SIGTERM");
    await rm(folder, { recursive: true });
  }
}

async function load(port: number, senders: readonly Sender[], seconds: number): Promise<Load> {
  const child = spawn(BUN, [join(FOLDER, "load.mjs")], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify({ port, seconds, senders }));
  return JSON.parse(await text(child.stdout)) as Load;
}
