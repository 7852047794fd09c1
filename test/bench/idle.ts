/**
 * What a client costs that waits for something new: memory of the server for each long-poll.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { packageRoot } from "../../src/shared/package-root.js";
import { measured, type Bench } from "./metric.js";
import { BUN, callServer, ended, register, startServerProcess } from "./server-process.js";
import { freePort } from "../server/listening.js";

const WAITERS = 5_000;
const PEOPLE = 100;
const ROUNDS = 3;
/** For all to wait; a handshake takes about a millisecond of a core on each side. */
const ALL_WAITING_MS = 120_000;

export const idle: Bench = {
  name: "idle",
  summary: `memory for each of ${WAITERS} waiting long-polls, plain and with TLS`,

  async run(report, say) {
    for (const [tls, goalKib] of [
      [false, 12],
      [true, 24],
    ] as const) {
      const kib: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        say(`${WAITERS} connections${tls ? " with TLS" : ""}, round ${round + 1} of ${ROUNDS}`);
        kib.push(await perWaiter(tls));
      }
      const metric = tls ? "each long-poll with TLS" : "each long-poll";
      report(measured({ bench: "idle", metric, unit: "KiB", goal: { atMost: goalKib } }, kib));
    }
  },
};

/** KiB of the server's memory for one waiting sync. */
async function perWaiter(tls: boolean): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-idle-"));
  try {
    const metricsPort = await freePort();
    const port = await freePort();
    const listener = { address: "127.0.0.1", port, ...(tls && { tls: await certificate(folder) }) };
    await using server = await startServerProcess({
      listeners: [listener, { address: "127.0.0.1", port: await freePort() }],
      metrics: { listener: { address: "127.0.0.1", port: metricsPort } },
    });
    const people = await enter(server.plainUrl);
    const before = await residentKib(server.process.pid);
    const plan = JSON.stringify({ port, tls, count: WAITERS, people });
    const clients = spawn(BUN, [join(packageRoot(), "test", "bench", "idle", "wait.mjs"), plan], {
      stdio: ["pipe", "inherit", "inherit"],
    });
    try {
      await allWaiting(metricsPort);
      return ((await residentKib(server.process.pid)) - before) / WAITERS;
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

async function allWaiting(metricsPort: number): Promise<void> {
  const deadline = Date.now() + ALL_WAITING_MS;
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    if (Number(/^imcloud_sync_waiters (\d+)$/m.exec(text)?.[1]) >= WAITERS) return;
    if (Date.now() > deadline) throw new Error(`not all of ${WAITERS} waited within ${ALL_WAITING_MS} ms`);
    await delay(200);
  }
}

async function residentKib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

async function certificate(folder: string): Promise<{ certFile: string; keyFile: string }> {
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await execa("openssl", [
    "req",
    "-x509",
    ...curve,
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-keyout",
    keyFile,
    "-out",
    certFile,
  ]);
  return { certFile, keyFile };
}
