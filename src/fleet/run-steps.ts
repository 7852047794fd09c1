/**
 * Runs steps that no plan made, detached and followed as an apply's are.
 */
import type { Transport } from "../board/transport.js";
import { newRun } from "../engine/apply.js";
import { compileRun, type Step } from "../engine/compile.js";
import { follow } from "../engine/follow.js";
import type { BoardResult } from "../engine/types.js";
import { ImcloudError } from "../shared/errors.js";
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
  const last = followed.steps.at(-1);
  const error = new ImcloudError("engine.step-failed", `\`${board}\`: ${last?.title ?? "the run"} failed`, {
    found:
      [followed.complaint, ...(last?.tail ?? [])].filter((line) => line !== "").join("\n") ||
      followed.outcome,
    hint: "mend the cause and run the command again: what is undone stays undone",
  });
  return { board, outcome: "failed", waves, error };
}
