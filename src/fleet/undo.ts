/**
 * Taking back: the last run (`rollback`), or all that imcloud did to a board (`destroy`).
 *
 * Both run detached on the board as an apply does; the undo steps were saved there, so the machine that made
 * the changes is not needed.
 */
import { z } from "zod";
import { sh } from "../board/script.js";
import { MANAGED, RUNS, RUNTIME, STATE, STORE } from "../board/state.js";
import type { Transport } from "../board/transport.js";
import { probe } from "../engine/probe.js";
import { revertAll, ROLLED_BACK, rollbackStep } from "../engine/revert.js";
import type { BoardResult } from "../engine/types.js";
import { ImcloudError } from "../shared/errors.js";
import type { AppliedBoard } from "./apply.js";
import type { BoardOutcome } from "./each-board.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import { summaryOf } from "./in-words.js";
import type { BoardProgress, FleetProgress } from "./progress.js";
import { readRuns } from "./run-record.js";
import { runSteps } from "./run-steps.js";
import type { Workspace } from "./workspace.js";

const TIDY_DEADLINE_MS = 60_000;

export interface UndoOptions {
  readonly signal?: AbortSignal;
}

/** @param run of the board's own runs; none: those of the last apply that changed something */
export async function rollbackFleet(
  fleet: Fleet,
  run: string | undefined,
  options: UndoOptions,
  progress: FleetProgress,
): Promise<readonly BoardOutcome<AppliedBoard>[]> {
  return undoEach(fleet, progress, async (board, transport, say) => {
    const { state } = await probe(transport, []);
    refuseWhileRunning(board, state.running?.run);
    const runs = run !== undefined ? [run] : await lastRuns(fleet.workspace, board, state.last?.run);
    if (runs.length === 0) return { board, outcome: "unchanged", waves: [] };
    const steps = runs.toReversed().map((each) => rollbackStep(each, { mustBeThere: run !== undefined }));
    return runSteps(board, transport, steps, say, options);
  });
}

export interface DestroyOptions extends UndoOptions {
  /** Databases, messages, accounts: gone too. */
  readonly purgeData: boolean;
}

export async function destroyFleet(
  fleet: Fleet,
  options: DestroyOptions,
  progress: FleetProgress,
): Promise<readonly BoardOutcome<AppliedBoard>[]> {
  return undoEach(fleet, progress, async (board, transport, say) => {
    const { state } = await probe(transport, []);
    refuseWhileRunning(board, state.running?.run);
    const steps = revertAll(state.managed, { withData: options.purgeData });
    const result: BoardResult =
      steps.length === 0
        ? { board, outcome: "unchanged", waves: [] }
        : await runSteps(board, transport, steps, say, options);
    if (result.outcome !== "failed" && result.outcome !== "stopped")
      await tidyUp(transport, options.purgeData);
    return result;
  });
}

/** What is left is imcloud's own: journals, saved originals, artifacts; the ledger stays while it names kept data. */
async function tidyUp(transport: Transport, withData: boolean): Promise<void> {
  const gone = withData
    ? [STATE, RUNTIME]
    : [RUNS, `${STATE}/pending`, `${STATE}/confirmed`, `${STATE}/artifacts`];
  const script = sh`rm -rf ${[...gone, STORE]}
rmdir /opt/imcloud ${MANAGED} ${STATE} 2> /dev/null
:`;
  await transport.exec(script, { deadlineMs: TIDY_DEADLINE_MS });
}

async function undoEach(
  fleet: Fleet,
  progress: FleetProgress,
  undo: (board: string, transport: Transport, say: BoardProgress) => Promise<BoardResult>,
): Promise<readonly BoardOutcome<AppliedBoard>[]> {
  const outcomes = await onEachBoard(
    fleet,
    progress,
    async (board, transport, say): Promise<AppliedBoard> => {
      say.doing("reading what imcloud did there");
      const result = await undo(board.name, transport, say);
      say.ended(result.error?.message ?? summaryOf(result), result.outcome !== "failed");
      return { result, counts: transport.counts };
    },
  );
  await progress.end();
  return outcomes;
}

function refuseWhileRunning(board: string, run: string | undefined): void {
  if (run === undefined) return;
  throw new ImcloudError("board.locked", `a run is going on on \`${board}\``, {
    found: run,
    hint: "let `imcloud apply` follow it to its end first",
  });
}

const Record = z.object({
  command: z.string(),
  boards: z.record(
    z.string(),
    z.object({
      waves: z
        .array(
          z.object({
            run: z.string(),
            steps: z.array(z.object({ title: z.string(), outcome: z.string() })).optional(),
          }),
        )
        .optional(),
    }),
  ),
});
export type Record = z.infer<typeof Record>;

async function lastRuns(
  workspace: Workspace,
  board: string,
  lastOnBoard?: string,
): Promise<readonly string[]> {
  return runsToUndo(await readRuns(workspace, Record), board, lastOnBoard);
}

/**
 * The runs of the last apply. An apply is several runs on the board, one a wave; only the operator's record knows
 * which belong together. A run that no record knows, of an apply that was killed, is younger than all of them.
 *
 * One that was rolled back is passed over: the next rollback goes back one apply more.
 *
 * @param records the youngest first
 */
export function runsToUndo(
  records: readonly Record[],
  board: string,
  lastOnBoard: string | undefined,
): readonly string[] {
  const unknown = lastOnBoard === undefined ? [] : [lastOnBoard];
  const noted = new Set<string>();
  const undone = new Set<string>();
  for (const { command, boards } of records) {
    const waves = boards[board]?.waves ?? [];
    const runs = waves.map(({ run }) => run);
    for (const run of runs) noted.add(run);
    for (const { run, steps = [] } of waves) {
      for (const { title, outcome } of steps) {
        if (!title.startsWith(ROLLED_BACK)) continue;
        // What takes back is not taken back itself.
        undone.add(run);
        if (outcome === "done") undone.add(title.slice(ROLLED_BACK.length));
      }
    }
    const standing = runs.filter((run) => !undone.has(run));
    if (command !== "apply" || standing.length === 0) continue;
    const isKnown = unknown.every((run) => noted.has(run) || run < (runs.at(-1) ?? ""));
    return isKnown ? standing : unknown;
  }
  return unknown.filter((run) => !noted.has(run));
}
