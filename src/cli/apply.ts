import { Option, type Command } from "commander";
import type { AppliedBoard } from "../fleet/apply.js";
import type { BoardOutcome } from "../fleet/each-board.js";
import type { Fleet } from "../fleet/fleet.js";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { boardsToJson, codeOf, noteErrors } from "./report-boards.js";
import { renderError, reportOf } from "./report-error.js";
import type { Terminal } from "./terminal.js";

export interface ApplyOptions extends FleetFlags {
  readonly yes?: boolean;
  readonly prune?: boolean;
  readonly json?: boolean;
  /** Not a flag: `init` says so of the cloud that it has just written. */
  readonly isNew?: boolean;
  /** Not a flag: where boards that were flashed a moment ago were found, by their names. */
  readonly at?: ReadonlyMap<string, string>;
}

export function addApplyCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("apply [plan]")
      .summary("bring the boards to the state that imcloud.yaml describes")
      .description(
        "Show the changes, ask, and make them; a saved PLAN is made as it was saved, or refused.\n" +
          "Exit code: 0 all boards are as described; else why one is not",
      ),
  )
    .addOption(new Option("-y, --yes", "do not ask").env("IMCLOUD_YES"))
    .option("--prune", "also revert what imcloud once did and nothing asks for any more")
    .option("--json", "write the result to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud apply --on attic\n  imcloud apply --yes --json > result.json",
    )
    .action(async (plan: string | undefined, options: ApplyOptions) => {
      process.exitCode = await runApply(plan, options, context);
    });
}

export async function runApply(
  planFile: string | undefined,
  options: ApplyOptions,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { exitCode, document } = await applyTo(planFile, options, context, terminal);
  if (terminal.json && document !== undefined) terminal.data(toText(document));
  return exitCode;
}

/** What `--json` prints of a command that changes boards. */
export interface ResultDocument {
  readonly version: 1;
  readonly boards: Readonly<Record<string, unknown>>;
  /** Path of the run record. */
  readonly record: string;
}

export interface Applied {
  readonly exitCode: ExitCode;
  /** Absent when somebody was asked, and said no. */
  readonly document?: ResultDocument;
}

/** Shows, asks, applies; `init` ends with it too. */
export async function applyTo(
  planFile: string | undefined,
  options: ApplyOptions,
  context: Context,
  terminal: Terminal,
): Promise<Applied> {
  const startedAt = new Date();
  const opened = await openFleetFor(options, context, terminal, options.isNew === true ? "new" : "needed");
  const fleet = {
    ...opened,
    boards: opened.boards.map((board) => ({
      ...board,
      address: options.at?.get(board.name) ?? board.address,
    })),
  };
  const agreed = await agree(planFile, fleet, options, terminal);
  if (agreed === "declined") {
    terminal.note("nothing was changed");
    return { exitCode: ExitCode.Ok };
  }
  const { applyFleet } = await import("../fleet/apply.js");
  const chosen = { ...fleet, boards: agreed.boards };
  const outcomes = await applyFleet(
    chosen,
    {
      prune: options.prune === true,
      signal: terminal.signal,
      ...(agreed.digests && { agreed: agreed.digests }),
    },
    terminal.progress(chosen.boards.map(({ name }) => name)),
  );
  return conclude("apply", [...agreed.failed, ...outcomes], fleet, terminal, startedAt);
}

interface Agreement {
  readonly boards: Fleet["boards"];
  /** Undefined: whatever the plan turns out to be. */
  readonly digests?: ReadonlyMap<string, string>;
  /** Boards that could not even be planned. */
  readonly failed: readonly BoardOutcome<AppliedBoard>[];
}

/** What may be done, and where: by a saved plan, by `--yes`, or by asking. */
async function agree(
  planFile: string | undefined,
  fleet: Fleet,
  { yes, prune }: ApplyOptions,
  terminal: Terminal,
): Promise<Agreement | "declined"> {
  if (planFile !== undefined) {
    const { loadPlan } = await import("./saved-plan.js");
    const digests = await loadPlan(
      planFile,
      fleet.config.boards.map(({ name }) => name),
    );
    const boards = fleet.boards.filter(({ name }) => digests.has(name));
    if (boards.length === 0) throw noneOfThese(planFile, fleet.boards, [...digests.keys()]);
    return { boards, digests, failed: [] };
  }
  if (yes === true) return { boards: fleet.boards, failed: [] };
  if (!terminal.canAsk) await terminal.confirm("Apply these changes?", "--yes"); // throws what is missing, before anything is probed

  const { isSettled, planFleet } = await import("../fleet/plan.js");
  const { renderPlan } = await import("./render-plan.js");
  const planned = await planFleet(fleet, terminal.progress(fleet.boards.map(({ name }) => name)));
  process.stderr.write(`${renderPlan(planned, terminal)}\n`);
  noteErrors(planned, terminal);
  const failed = planned.filter((outcome) => !outcome.ok);
  const toDo = planned.flatMap((outcome) => {
    if (!outcome.ok) return [];
    const { plan } = outcome.value;
    return isSettled(plan) && (prune !== true || plan.unmanaged.length === 0) ? [] : [outcome];
  });
  if (toDo.length > 0 && !(await terminal.confirm("Apply these changes?", "--yes"))) return "declined";
  return {
    boards: toDo.map(({ board }) => board),
    digests: new Map(toDo.map(({ board, value }) => [board.name, value.plan.digest])),
    failed,
  };
}

/** A board that could not be planned is in a saved plan without what was to be done. */
function noneOfThese(file: string, boards: Fleet["boards"], planned: readonly string[]): ImcloudError {
  return new ImcloudError("config.invalid", `\`${file}\` has a plan for none of these boards`, {
    origin: { file, line: 1 },
    found: planned.length === 0 ? "a plan for no board at all" : `plans for ${planned.join(", ")}`,
    expected: boards.map(({ name }) => name).join(", "),
    hint: "make a new plan, and see that it names them",
  });
}

/** Says how it went, to people, programs and the run record. */
export async function finish(...args: Parameters<typeof conclude>): Promise<ExitCode> {
  const [, , , terminal] = args;
  const { exitCode, document } = await conclude(...args);
  if (terminal.json) terminal.data(toText(document));
  return exitCode;
}

const toText = (document: ResultDocument): string => JSON.stringify(document, null, 2);

async function conclude(
  command: string,
  outcomes: readonly BoardOutcome<AppliedBoard>[],
  fleet: Fleet,
  terminal: Terminal,
  startedAt: Date,
): Promise<Required<Applied>> {
  const boards = fleet.redact(
    boardsToJson(outcomes, ({ result, counts }) => ({
      outcome: result.outcome,
      ...(result.error !== undefined && { error: reportOf(result.error) }),
      waves: result.waves,
      execs: counts.execs,
      handshakes: counts.handshakes,
    })),
  );
  const errors = outcomes.flatMap((outcome) =>
    outcome.ok && outcome.value.result.error !== undefined ? [outcome.value.result.error] : [],
  );
  for (const error of errors) process.stderr.write(`${fleet.redact(renderError(error, terminal))}\n`);
  noteErrors(outcomes, terminal);
  const isStopped = outcomes.some((outcome) => outcome.ok && outcome.value.result.outcome === "stopped");
  const exitCode = codeOf(outcomes, errors, isStopped ? ExitCode.StepFailed : ExitCode.Ok);

  const { recordRun } = await import("../fleet/run-record.js");
  const record = await recordRun(fleet.workspace, {
    version: 1,
    command,
    startedAt: startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    exitCode,
    boards,
  });
  if (!terminal.json) summarize(outcomes, terminal);
  return { exitCode, document: { version: 1, boards, record } };
}

function summarize(outcomes: readonly BoardOutcome<AppliedBoard>[], terminal: Terminal): void {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) {
    const word = outcome.ok ? outcome.value.result.outcome : "failed";
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
  const boards = outcomes.length === 1 ? "1 board" : `${outcomes.length} boards`;
  if (outcomes.length > 0) terminal.note(`${boards}: ${words}`);
}
