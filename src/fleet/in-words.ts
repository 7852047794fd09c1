/**
 * What happens on a board, in words for whoever watches.
 */
import type { BoardPlan, BoardResult, RunObserver } from "../engine/types.js";
import { changesInWords } from "./plan.js";
import type { BoardProgress } from "./progress.js";

/** @example "changed: 12 steps in 2 waves" */
export function summaryOf({ outcome, waves }: BoardResult): string {
  const steps = waves.flatMap((wave) => wave.steps).filter((step) => step.outcome === "done").length;
  if (outcome === "unchanged") return "unchanged";
  const inWaves = waves.length > 1 ? ` in ${waves.length} waves` : "";
  const words = `${steps === 1 ? "1 step" : `${steps} steps`}${inWaves}`;
  return outcome === "stopped" ? `stopped after ${words}` : `${outcome}: ${words}`;
}

/** Puts the engine's events into words. */
export function observe(
  say: BoardProgress,
  firstPlan: (plan: BoardPlan) => void = () => undefined,
): RunObserver {
  return {
    planned(plan, wave) {
      if (wave === 1) firstPlan(plan);
      if (plan.changes.length > 0) say.doing(`wave ${wave}: ${changesInWords(plan)}`);
    },
    attached: (run) => say.doing(`joining run ${run}, which is still going on`),
    notPruned: (ids) =>
      say.doing(
        `no longer managed, and kept because the plan did not show it: ${ids.join(", ")}; run again to revert it`,
      ),
    confirmed: (title) => say.doing(`confirmed over a new connection: ${title}`),
    uploading: (path, sizeBytes) => say.doing(`sending ${path} (${Math.ceil(sizeBytes / 1_000_000)} MB)`),
    stepStarted: (title, index, count) => say.stepStarted(title, index, count),
    output: (line) => say.output(line),
    stepEnded: ({ title, outcome, durationMs }, index, count) =>
      say.stepEnded(title, outcome, durationMs, index, count),
  };
}
