/**
 * The first apply of everything on a fresh board: what imcloud adds to what the board's own steps take.
 */
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { operator } from "../e2e/operator.js";
import { measured, type Bench } from "./metric.js";

const RUNS = 3;

export const first: Bench = {
  name: "first",
  summary:
    "the first apply of everything on a fresh board: wall time against the sum of the board's own steps",

  async run(report, say) {
    // The first board of all fetches the runtime and fills the apt cache: that is the network's time, not ours.
    say("filling the caches");
    await firstApply();
    const runs: FirstApply[] = [];
    for (let run = 1; run <= RUNS; run += 1) {
      say(`fresh board ${run} of ${RUNS}`);
      runs.push(await firstApply());
    }
    const of = (figure: (run: FirstApply) => number) => runs.map(figure);
    const heading = { bench: "first", unit: "s" };
    report(
      measured(
        { ...heading, metric: "wall time" },
        of(({ wallMs }) => wallMs / 1000),
      ),
    );
    report(
      measured(
        { ...heading, metric: "the board's own steps" },
        of(({ stepsMs }) => stepsMs / 1000),
      ),
    );
    report(
      measured(
        { bench: "first", metric: "share of wall time outside steps", unit: "", goal: { atMost: 0.1 } },
        of(({ wallMs, stepsMs }) => (wallMs - stepsMs) / wallMs),
      ),
    );
  },
};

interface FirstApply {
  readonly wallMs: number;
  readonly stepsMs: number;
}

async function firstApply(): Promise<FirstApply> {
  await using board = await virtualBoard("first");
  await using home = await operator({ boards: [board] });
  const start = performance.now();
  const run = await home.imcloud("apply", "--yes", "--json");
  const wallMs = performance.now() - start;
  if (run.exitCode !== 0) throw new Error(`apply ended with ${run.exitCode}\n${run.stdout}\n${run.stderr}`);
  // Progress is JSON lines on stderr; the durations are the board's, from its journal.
  const stepsMs = run.stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { readonly event?: string; readonly durationMs?: number })
    .reduce((sum, { event, durationMs = 0 }) => sum + (event === "step-ended" ? durationMs : 0), 0);
  return { wallMs, stepsMs };
}
