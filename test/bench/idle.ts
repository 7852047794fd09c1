/**
 * What a client costs that waits for something new: memory of the server for each long-poll.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { packageRoot } from "../../src/shared/package-root.js";
import { measured, type Bench } from "./metric.js";
import { BUN, callServer, ended, register, startServerProcess } from "./server-process.js";
import { certificate, residentKib } from "./machine.js";
import { sized } from "./trial.js";
import { freePort } from "../server/listening.js";

const WAITERS = 5_000;

/** What a bench says, and what it promises of each long-poll. */
interface Size {
  readonly name: string;
  readonly waiters: number;
  readonly unit: "KiB" | "bytes";
  readonly plain: number;
  readonly tls: number;
}

const PEOPLE = 100;
const ROUNDS = 3;
/** For all to wait; a handshake takes about a millisecond of a core on each side. */
const ALL_WAITING_MS = 240_000;

export const idle = benchOf({ name: "idle", waiters: WAITERS, unit: "KiB", plain: 12, tls: 24 });
/** The runtime alone takes 3,700 and 8,100 bytes. */
export const idle10k = benchOf({
  ...{ name: "idle10k", waiters: sized(10_000, 500) },
  ...{ unit: "bytes", plain: 10_000, tls: 24_000 },
});

function benchOf({ name, waiters, unit, plain, tls }: Size): Bench {
  return {
    name,
    summary: `memory for each of ${waiters} waiting long-polls, plain and with TLS`,

    async run(report, say) {
      for (const isTls of [false, true]) {
        const sizes: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          say(`${waiters} connections${isTls ? " with TLS" : ""}, round ${round + 1} of ${ROUNDS}`);
          sizes.push((await perWaiter(isTls, waiters)) * (unit === "KiB" ? 1 : 1_024));
        }
        const metric = isTls ? "each long-poll with TLS" : "each long-poll";
        report(measured({ bench: name, metric, unit, goal: { atMost: isTls ? tls : plain } }, sizes));
      }
    },
  };
}

/** KiB of the server's memory for one waiting sync. */
async function perWaiter(tls: boolean, waiters: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-idle-"));
  try {
    const metricsPort = await freePort();
    const port = await freePort();
    const listener = { address: "127.0.0.1", port, ...(tls && { tls: await certificate(folder) }) };
    await using server = await startServerProcess({
      listeners: [listener, { address: "127.0.0.1", port: await freePort() }],
      metrics: { listener: { address: "127.0.0.1", port: metricsPort } },
      // Nobody is answered before the last one waits; after 255 s the runtime itself hangs up.
      limits: { passwordMinimum: 1, syncWaitMs: 250_000 },
    });
    const people = await enter(server.plainUrl);
    const before = await residentKib(server.process.pid);
    const plan = JSON.stringify({ port, tls, count: waiters, people });
    const clients = spawn(BUN, [join(packageRoot(), "test", "bench", "idle", "wait.mjs"), plan], {
      stdio: ["pipe", "inherit", "inherit"],
    });
    try {
      await allWaiting(metricsPort, waiters, clients);
      return ((await residentKib(server.process.pid)) - before) / waiters;
    } finally {
      await ended(clients, "SIGTERM");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function enter(url: string): Promise<{ token: string; since: string }[]> {
  return Promise.all(
    Array.from({ length: PEOPLE }, async (_, index) => {
      const { token } = await register(url, `waiter${index}`);
      const { next_batch: first } = await callServer(url, "GET", "sync", token);
      // Everything about the newcomers is told after this one.
      await callServer(url, "GET", `sync?since=${String(first)}`, token);
      return { token, since: "" };
    }),
  ).then((people) =>
    Promise.all(
      people.map(async ({ token }) => ({
        token,
        since: String((await callServer(url, "GET", "sync", token))["next_batch"]),
      })),
    ),
  );
}

async function allWaiting(metricsPort: number, waiters: number, clients: ChildProcess): Promise<void> {
  const deadline = Date.now() + ALL_WAITING_MS;
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    if (Number(/^imcloud_sync_waiters (\d+)$/m.exec(text)?.[1]) >= waiters) return;
    if (clients.exitCode !== null) throw new Error("the clients gave up");
    if (Date.now() > deadline) throw new Error(`not all of ${waiters} waited within ${ALL_WAITING_MS} ms`);
    await delay(200);
  }
}
