/**
 * What can happen to a run from outside, and the moment at which it does.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { RUNS } from "../../src/board/state.js";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";
import type { Operator, Run } from "../e2e/operator.js";

/** The CLI's process, as far as an interruption needs it. */
interface Running {
  kill(signal: "SIGKILL"): boolean;
}

export interface Interruption {
  readonly name: string;
  /** Makes it happen; the board is reachable again when this resolves. */
  readonly strike: (board: VirtualBoard, running: Running) => Promise<void>;
}

/** How long a pulled cable stays out: longer than TCP's first repetitions, shorter than a test. */
const CABLE_OUT_MS = 2_000;
const LOOK_EVERY_MS = 2;

export const INTERRUPTIONS = {
  killed: {
    name: "the CLI is killed",
    strike: (_board, running) => {
      running.kill("SIGKILL");
      return Promise.resolve();
    },
  },
  cable: {
    name: "the cable is out and the CLI gives up",
    strike: async (board, running) => {
      await board.cutLink();
      await delay(CABLE_OUT_MS);
      running.kill("SIGKILL");
      await board.restoreLink();
    },
  },
  reboot: { name: "the board reboots", strike: (board) => board.reboot() },
  power: {
    name: "the board's power is cut",
    strike: async (board) => {
      await board.cutPower();
      await board.restorePower();
    },
  },
} as const satisfies Record<string, Interruption>;

/** When to strike. */
export type Moment =
  | { readonly kind: "marker"; readonly count: number }
  /** Milliseconds behind the first marker. */
  | { readonly kind: "time"; readonly afterMs: number };

/**
 * Starts `imcloud apply` and strikes at the given moment.
 *
 * @returns whether the moment came before the run was over
 */
export async function applyInterrupted(
  home: Operator,
  board: VirtualBoard,
  interruption: Interruption,
  moment: Moment,
): Promise<boolean> {
  const running = home.start("apply", "--yes", "--json");
  let ended = false;
  const end = running.finally(() => (ended = true));
  const journals = await board.hostPath(RUNS);
  const needed = moment.kind === "marker" ? moment.count : 1;
  while (!ended && (await countMarkers(journals)) < needed) await delay(LOOK_EVERY_MS);
  if (moment.kind === "time" && !ended) await Promise.race([delay(moment.afterMs), end]);
  const struck = !ended;
  if (struck) await interruption.strike(board, running);
  await end;
  return struck;
}

/** Applies again, as somebody would who saw the first run end badly; it attaches, or goes on. */
export async function applyAgain(home: Operator): Promise<Run> {
  return home.imcloud("apply", "--yes", "--json");
}

/**
 * How many markers all runs on a board have written.
 *
 * @param journals the folder of the runs, on this machine
 */
export async function countMarkers(journals: string): Promise<number> {
  let count = 0;
  for (const run of await readdir(journals).catch(() => [])) {
    const journal = await readFile(join(journals, run, "journal"), "utf8").catch(() => "");
    count += journal.match(/^@imcloud /gm)?.length ?? 0;
  }
  return count;
}

/** Moments that look random and are the same in every run of the tests. A linear congruential generator will do. */
export function seededMoments(count: number, withinMs: number, seed: number): readonly Moment[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return { kind: "time", afterMs: Math.floor((state / 2 ** 32) * withinMs) } as const;
  });
}
