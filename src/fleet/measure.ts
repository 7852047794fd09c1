/** How fast each board is, by the boards' own clocks, and what was measured before. */
import { z } from "zod";
import { figuresOf, measureScript, type Figures } from "../bench/figures.js";
import type { BoardOutcome } from "./each-board.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import type { FleetProgress } from "./progress.js";
import { readRuns } from "./run-record.js";
import type { Workspace } from "./workspace.js";

export { compareFigures, type Comparison, type Figures } from "../bench/figures.js";

const DEADLINE_MS = 600_000;

/** One after the other on each board, boards side by side. */
export async function measureFleet(
  fleet: Fleet,
  progress: FleetProgress,
): Promise<readonly BoardOutcome<Figures>[]> {
  const outcomes = await onEachBoard(fleet, progress, async (_, transport, say) => {
    say.doing("measuring: about half a minute");
    const { signal } = fleet.connecting;
    const { stdout } = await transport.exec(measureScript(), {
      deadlineMs: DEADLINE_MS,
      ...(signal !== undefined && { signal }),
    });
    say.ended("measured", true);
    return figuresOf(stdout);
  });
  await progress.end();
  return outcomes;
}

const Measurement = z.object({
  boards: z.record(z.string(), z.object({ after: z.record(z.string(), z.number()).optional() })),
});

/** What the last `tune --measure` of each board ended with, by the run records. */
export async function lastMeasurements(workspace: Workspace): Promise<ReadonlyMap<string, Figures>> {
  const last = new Map<string, Figures>();
  for (const { boards } of await readRuns(workspace, Measurement, "tune")) {
    for (const [board, { after }] of Object.entries(boards)) {
      if (after !== undefined && !last.has(board)) last.set(board, after);
    }
  }
  return last;
}
