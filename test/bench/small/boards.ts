/**
 * Two boards alike with a broker: on one it is as it comes, on the other as imcloud tunes it.
 *
 * They are emulated, because a broker does not see a container's limit. Their CPUs are a tenth of a Pi's: only ratios
 * mean anything. One stands still while the other is measured, so both have all of the machine.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import type { EmulatedBoard } from "../../../src/lab/emulated-board.js";
import { packageRoot } from "../../../src/shared/package-root.js";
import { operator, type OperatorOptions } from "../../e2e/operator.js";
import { BUN } from "../server-process.js";

const LOAD = join(packageRoot(), "test", "bench", "small", "load.mjs");
const APPLY_MS = 1_800_000;

/** What load.mjs is told, beside the board. */
export interface LoadPlan {
  readonly broker: "amqp" | "kafka";
  readonly username?: string;
  readonly password?: string;
  readonly seconds: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly perSecond: number | null;
}

interface Load {
  readonly perSecond: number;
  readonly p99Ms: number | null;
  readonly confirmed: number;
  readonly received: number;
}

/** Measures one board while the other has no time. */
export async function alone<T>(other: EmulatedBoard, work: () => Promise<T>): Promise<T> {
  await other.pause();
  try {
    return await work();
  } finally {
    await other.resume();
  }
}

export async function load(board: EmulatedBoard, plan: LoadPlan): Promise<Load> {
  const input = JSON.stringify({ host: board.address, ...plan });
  const { stdout } = await execa(BUN, [LOAD], { input });
  return JSON.parse(stdout) as Load;
}

/** Brings the board to what the playbooks want. @throws Error with the command's words */
export async function tune(board: EmulatedBoard, options: Omit<OperatorOptions, "boards">): Promise<void> {
  await using home = await operator({ ...options, boards: [board] });
  const { exitCode, stdout, stderr } = await home.imcloud("apply", "--yes", { deadlineMs: APPLY_MS });
  if (exitCode !== 0) throw new Error(`apply ended with ${exitCode}\n${stdout}\n${stderr}`);
}

/** What a process takes of one CPU, in percent. */
export async function cpuPercent(board: EmulatedBoard, process: string, seconds: number): Promise<number> {
  // By the board's own clock; a tick is a hundredth of a second on every Debian: sysconf(_SC_CLK_TCK).
  const look = async () => {
    const line = await board.sh(
      `awk '{ print $14 + $15 }' /proc/$(pgrep -o ${process})/stat; cut -d ' ' -f 1 /proc/uptime`,
    );
    const [ticks = NaN, uptime = NaN] = line.split("\n").map(Number);
    return { busy: ticks / 100, uptime };
  };
  const before = await look();
  await delay(seconds * 1000);
  const after = await look();
  return ((after.busy - before.busy) / (after.uptime - before.uptime)) * 100;
}

/** The least that the board had available within this time, in MB. */
export async function leastAvailableMb(board: EmulatedBoard, seconds: number): Promise<number> {
  const kib = await board.sh(
    `for second in $(seq ${seconds}); do grep ^MemAvailable /proc/meminfo; sleep 1; done | tr -dc '0-9\\n' | sort -n | head -n 1`,
  );
  return Number(kib) / 1024;
}
