/**
 * Durable messages: 64 connections over loopback, against a bare handler with one SQLite insert.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { packageRoot } from "../../src/shared/package-root.js";
import { startRabbitmq } from "../server/rabbitmq.js";
import { compared, inTurns, measured, PAIRS, timed, type Bench } from "./metric.js";
import { BUN, callServer, ended, register, startServerProcess, type ChatServer } from "./server-process.js";
import { load, sendPath, type Load, type Sender } from "./senders.js";
import { freePort } from "../server/listening.js";
import { startSynapse } from "./synapse.js";

const FOLDER = join(packageRoot(), "test", "bench", "send");
const SENDERS = 64;
const ROOMS = 8;
const SECONDS = 4;

export const send: Bench = {
  name: "send",
  summary: `durable messages a second by ${SENDERS} connections, against one bare SQLite insert`,

  async run(report, say) {
    {
      await using server = await startServerProcess();
      const { rates, p99s } = await against(bareHandler, server, say);
      report(compared({ bench: "send", metric: "broker off", unit: "1/s", goal: { atLeast: 0.4 } }, rates));
      report(compared({ bench: "send", metric: "broker off, p99", unit: "ms" }, p99s));
    }
    {
      await using server = await startServerProcess();
      await using synapse = await startSynapse(say);
      say(`${SENDERS} people enter ${ROOMS} rooms of ${synapse.name}'s`);
      const there = await enter(synapse.url);
      const { rates, p99s } = await against(() => load(synapse.port, there, SECONDS), server, say);
      const metric = `broker off / ${synapse.name}`;
      report(compared({ bench: "send", metric, unit: "1/s", goal: { atLeast: 10 } }, rates));
      report(compared({ bench: "send", metric: `${metric}, p99`, unit: "ms", goal: { atMost: 0.1 } }, p99s));
    }
    say("starting RabbitMQ");
    const broker = await startRabbitmq();
    try {
      const { port, user, passwordFile } = broker;
      const metricsPort = await freePort();
      await using server = await startServerProcess({
        bus: { kind: "rabbitmq", host: "127.0.0.1", port, user, passwordFile },
        metrics: { listener: { address: "127.0.0.1", port: metricsPort } },
      });
      const drains: number[] = [];
      const { rates } = await against(bareHandler, server, say, async () => {
        drains.push((await timed(() => drained(metricsPort))) / 1_000 / SECONDS);
      });
      report(compared({ bench: "send", metric: "RabbitMQ on", unit: "1/s", goal: { atLeast: 0.2 } }, rates));
      const metric = "RabbitMQ on, time to drain after a run, in runs";
      report(measured({ bench: "send", metric, unit: "1", goal: { atMost: 1 } }, drains));
    } finally {
      await broker.dispose();
    }
  },
};

/**
 * @param baseline loads the other one
 * @param after what belongs to each of our runs, but not to its time
 */
async function against(
  baseline: (senders: readonly Sender[]) => Promise<Load>,
  server: ChatServer,
  say: (line: string) => void,
  after = () => Promise.resolve(),
) {
  say(`${SENDERS} people enter ${ROOMS} rooms`);
  const senders = await enter(server.url);
  await load(server.port, senders, 1); // both start warm
  await after();
  const loads = await inTurns(
    PAIRS,
    async () => {
      const result = await load(server.port, senders, SECONDS);
      await after();
      return result;
    },
    () => baseline(senders),
  );
  return {
    rates: loads.map(({ value, baseline }) => ({
      value: value.sent / SECONDS,
      baseline: baseline.sent / SECONDS,
    })),
    p99s: loads.map(({ value, baseline }) => ({ value: value.p99Ms, baseline: baseline.p99Ms })),
  };
}

/** Resolves when the broker has confirmed everything. */
async function drained(metricsPort: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    if (/^imcloud_outbox_lag_events 0$/m.test(text)) return;
    await delay(50);
  }
}

/** Each person in one room; the first of a room makes it. */
async function enter(url: string): Promise<Sender[]> {
  const people = await Promise.all(
    Array.from({ length: SENDERS }, (_, index) => register(url, `sender${index}`)),
  );
  const rooms = await Promise.all(
    people
      .slice(0, ROOMS)
      .map(({ token }) => callServer(url, "POST", "createRoom", token, { preset: "public_chat" })),
  );
  return Promise.all(
    people.map(async ({ token }, index) => {
      const roomId = String(rooms[index % ROOMS]?.["room_id"]);
      if (index >= ROOMS)
        await callServer(url, "POST", `rooms/${encodeURIComponent(roomId)}/join`, token, {});
      return { token, path: sendPath(roomId) };
    }),
  );
}

async function bareHandler(senders: readonly Sender[]): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-bare-"));
  const child = spawn(BUN, [join(FOLDER, "baseline.mjs"), join(folder, "bare.sqlite")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { port } = JSON.parse(line.toString()) as { port: number };
    await load(port, senders, 1);
    return await load(port, senders, SECONDS);
  } finally {
    await ended(child, "SIGTERM");
    await rm(folder, { recursive: true });
  }
}
