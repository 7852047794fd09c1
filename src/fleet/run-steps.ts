/**
 * Runs steps that no plan made, detached and followed as an apply's are.
 */
import type { Transport } from "../board/transport.js";
import { newRun } from "../engine/apply.js";
import { compileRun, type Step } from "../engine/compile.js";
import { follow } from "../engine/follow.js";
import type { BoardResult } from "../engine/types.js";
import { whyEnded } from "../engine/why-ended.js";
import { observe } from "./in-words.js";
import type { BoardProgress } from "./progress.js";

/** Undo steps restart services and purge packages; apt on a slow card takes its time. */
const DEADLINE_MS = 60 * 60 * 1000;

export async function runSteps(
  board: string,
  transport: Transport,
  steps: readonly Step[],
  say: BoardProgress,
  { signal }: { readonly signal?: AbortSignal },
): Promise<BoardResult> {
  const handle = newRun();
  const followed = await follow(transport, compileRun(steps, handle), handle, {
    observer: observe(say),
    deadlineMs: DEADLINE_MS,
    stepCount: steps.length,
    ...(signal !== undefined && { signal }),
  });
  const waves = [{ run: handle.run, steps: followed.steps }];
  if (followed.outcome === "done") return { board, outcome: "changed", waves };
  if (followed.outcome === "stopped") return { board, outcome: "stopped", waves };
  // A run that found the board taken did nothing.
  const did = followed.outcome === "locked" ? [] : waves;
  return { board, outcome: "failed", waves: did, error: whyEnded(board, followed) };
}
