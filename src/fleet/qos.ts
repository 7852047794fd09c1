/**
 * The network's queues of each board, and, when asked for, how long a connection takes while the line is full.
 *
 * The load is what an upload is: bytes that leave the board as fast as they go, to the operator's machine, for a
 * few seconds. What is timed is what a client does first: a TCP connection to the IM server's port. That it is refused
 * where no server runs is an answer too, and costs the board no process.
 */
import { connect as connectTcp } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Transport } from "../board/transport.js";
import type { BoardConfig } from "../config/load.js";
import { parseQueues, queuesScript, type QueueReport } from "../health/queues.js";
import { ImcloudError } from "../shared/errors.js";
import { openLink, sshTargetOf } from "./connect.js";
import { clientPortOf } from "./resolver.js";
import type { BoardOutcome } from "./each-board.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import type { FleetProgress } from "./progress.js";

const DEADLINE_MS = 30_000;
/** Long enough for a modem's buffer to fill, short enough for everybody else on the line. */
const LOAD_MS = 5_000;
const SAMPLES = 30;
const BETWEEN_MS = 100;
const CONNECT_MS = 5_000;
const PERCENTILE = 0.95;

export interface Latency {
  readonly idle: Times;
  readonly loaded: Times;
  /** What the load came to while it ran. */
  readonly loadKbit: number;
}

/** Of connections to the IM server's port; in milliseconds. */
export interface Times {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly lost: number;
}

export interface QosStatus extends QueueReport {
  readonly latency?: Latency;
}

export async function qosOfFleet(
  fleet: Fleet,
  progress: FleetProgress,
  { measure }: { readonly measure: boolean },
): Promise<readonly BoardOutcome<QosStatus>[]> {
  const outcomes = await onEachBoard(fleet, progress, async (board, transport, say): Promise<QosStatus> => {
    say.doing("looking at its queues");
    const report = await readQueues(transport);
    if (!measure) {
      say.ended(report.outward?.kind ?? "no queue", true);
      return report;
    }
    say.doing(
      `measuring for ${Math.round((LOAD_MS + SAMPLES * BETWEEN_MS) / 1000)} s: the line is full meanwhile`,
    );
    const latency = await measureLatency(board, fleet);
    say.ended(`${latency.loaded.p95Ms} ms under load`, true);
    return { ...(await readQueues(transport)), latency };
  });
  await progress.end();
  return outcomes;
}

async function readQueues(transport: Transport): Promise<QueueReport> {
  const { stdout, stderr } = await transport.exec(queuesScript(), { deadlineMs: DEADLINE_MS });
  const report = parseQueues(stdout);
  if (report !== undefined) return report;
  throw new ImcloudError("board.script-failed", `\`${transport.board}\` does not tell of its queues`, {
    found: stderr.trim().split("\n").at(-1) || "no end of the answer",
    hint: "see whether `tc` is there: `imcloud exec -- command -v tc`",
  });
}

async function measureLatency(board: BoardConfig, fleet: Fleet): Promise<Latency> {
  if (board.transport === "local") {
    throw new ImcloudError("cli.usage", `\`${board.name}\` is this machine: nothing of it goes over a line`, {
      hint: "run it from another machine of the network",
    });
  }
  const { address } = await sshTargetOf(board, fleet.workspace);
  const port = clientPortOf(board);
  const idle = await timesOf(address, port, SAMPLES);
  const link = await openLink(board, fleet.connecting);
  try {
    const channel = await link.open(`timeout ${Math.ceil(LOAD_MS / 1000) * 2} cat /dev/zero`);
    let bytes = 0;
    channel.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    channel.stderr.resume();
    const since = performance.now();
    // Its exit is the connection's end, which is ours to bring about.
    const ended = channel.exit.catch(() => undefined);
    await delay(LOAD_MS - SAMPLES * BETWEEN_MS);
    const loaded = await timesOf(address, port, SAMPLES);
    const loadKbit = Math.round((bytes * 8) / (performance.now() - since));
    channel.close();
    await ended;
    return { idle, loaded, loadKbit };
  } finally {
    await link.close();
  }
}

async function timesOf(address: string, port: number, count: number): Promise<Times> {
  const all: (number | undefined)[] = [];
  for (let index = 0; index < count; index += 1) {
    all.push(await connectMs(address, port));
    await delay(BETWEEN_MS);
  }
  const sorted = all.filter((time) => time !== undefined).toSorted((one, other) => one - other);
  const at = (share: number) =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { medianMs: at(0.5), p95Ms: at(PERCENTILE), lost: count - sorted.length };
}

/** @returns milliseconds, or undefined when nobody answered in time */
function connectMs(host: string, port: number): Promise<number | undefined> {
  const since = performance.now();
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, timeout: CONNECT_MS });
    const end = (time: number | undefined) => {
      socket.destroy();
      resolve(time);
    };
    socket.once("connect", () => end(performance.now() - since));
    socket.once("timeout", () => end(undefined));
    socket.once("error", ({ code }: NodeJS.ErrnoException) =>
      end(code === "ECONNREFUSED" ? performance.now() - since : undefined),
    );
  });
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
