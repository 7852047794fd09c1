import { Option, type Command } from "commander";
import type { BoardOutcome } from "../fleet/each-board.js";
import type { Fleet } from "../fleet/fleet.js";
import type { Comparison, Figures } from "../fleet/measure.js";
import type { ExitCode } from "../shared/exit-code.js";
import { applyTo, runApply, type ApplyOptions } from "./apply.js";
import { addFleetOptions, openFleetFor } from "./fleet-options.js";
import type { Context } from "./program.js";
import { codeOf, noteErrors } from "./report-boards.js";
import type { Terminal } from "./terminal.js";

export interface TuneOptions extends ApplyOptions {
  readonly measure?: boolean;
}

export function addTuneCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("tune")
      .summary("apply, and measure what that has changed")
      .description(
        "The same as `apply`; with --measure, disk, broker and memory are measured on each board before and after.\n" +
          "Where there is nothing to apply, what was measured last time is the `before`. Half a minute of load each.",
      ),
  )
    .option("--measure", "measure before and after, and name what is worse")
    .addOption(new Option("-y, --yes", "do not ask").env("IMCLOUD_YES"))
    .option("--json", "write the result to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud tune --measure --on attic\n  imcloud tune --measure --yes --json",
    )
    .action(async (options: TuneOptions) => {
      process.exitCode = await runTune(options, context);
    });
}

/** What a board's tuning did to its figures. */
interface Tuned {
  readonly before: Figures;
  readonly after: Figures;
  readonly rows: readonly Comparison[];
  /** Titles of the steps in between. */
  readonly steps: readonly string[];
}

export async function runTune(options: TuneOptions, context: Context): Promise<ExitCode> {
  if (options.measure !== true) return runApply(undefined, options, context);
  const terminal = await context.terminal();
  const startedAt = new Date();
  const fleet = await openFleetFor(options, context, terminal);
  const { compareFigures, lastMeasurements } = await import("../fleet/measure.js");

  const first = await measured(fleet, terminal);
  const applied = await applyTo(undefined, options, context, terminal);
  const boards = applied.document?.boards ?? {};
  const changed = fleet.boards.filter(({ name }) => stepsOf(boards[name]).length > 0);
  const second = await measured({ ...fleet, boards: changed }, terminal);
  const last = await lastMeasurements(fleet.workspace);

  const tuned = new Map<string, Tuned>();
  for (const [name, now] of figures(first)) {
    const after = figures(second).get(name);
    const before = after === undefined ? (last.get(name) ?? {}) : now;
    const rows = compareFigures(before, after ?? now);
    tuned.set(name, { before, after: after ?? now, rows, steps: stepsOf(boards[name]) });
  }
  const exitCode = codeOf([...first, ...second], [], applied.exitCode);
  const document = {
    version: 1 as const,
    command: "tune",
    startedAt: startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    exitCode,
    boards: fleet.redact(
      Object.fromEntries(
        [...tuned].map(([name, { before, after, rows, steps }]) => [
          name,
          {
            before,
            after,
            worse: rows.filter(({ verdict }) => verdict === "worse").map(({ id }) => id),
            steps,
          },
        ]),
      ),
    ),
  };
  const { recordRun } = await import("../fleet/run-record.js");
  const record = await recordRun(fleet.workspace, document);
  const { boards: shown } = document;
  terminal.data(
    terminal.json
      ? JSON.stringify({ version: 1, boards: shown, record }, null, 2)
      : [...tuned].map(([name, board]) => renderTuned(name, board, terminal.dataPaint)).join("\n\n"),
  );
  return exitCode;
}

async function measured(fleet: Fleet, terminal: Terminal): Promise<readonly BoardOutcome<Figures>[]> {
  if (fleet.boards.length === 0) return [];
  const { measureFleet } = await import("../fleet/measure.js");
  const outcomes = await measureFleet(fleet, terminal.progress(fleet.boards.map(({ name }) => name)));
  noteErrors(outcomes, terminal);
  return outcomes;
}

const figures = (outcomes: readonly BoardOutcome<Figures>[]): ReadonlyMap<string, Figures> =>
  new Map(outcomes.flatMap((outcome) => (outcome.ok ? [[outcome.board.name, outcome.value] as const] : [])));

/** What `apply --json` says of a board, as far as it is of interest here. */
interface AppliedBoardJson {
  readonly waves?: readonly {
    readonly steps: readonly { readonly title: string; readonly outcome: string }[];
  }[];
}

function stepsOf(board: unknown): readonly string[] {
  const { waves = [] } = (board ?? {}) as AppliedBoardJson;
  return waves.flatMap(({ steps }) =>
    steps.flatMap(({ title, outcome }) => (outcome === "done" ? [title] : [])),
  );
}

/** Longer lists are in the record. */
const MOST_STEPS = 8;

function renderTuned(board: string, { rows, steps }: Tuned, paint: Terminal["dataPaint"]): string {
  const said = { better: paint.green("better"), worse: paint.red("worse"), same: "", unknown: "" };
  const cell = (value: number | undefined, unit: string) => (value === undefined ? "-" : `${value} ${unit}`);
  const table = [
    ["", "before", "after", ""],
    ...rows.map(({ title, before, after, unit, verdict }) => [
      title,
      cell(before, unit),
      cell(after, unit),
      said[verdict],
    ]),
  ];
  const width = (column: number) => Math.max(...table.map((row) => (row[column] ?? "").length)) + 2;
  const widths = [width(0), width(1), width(2)];
  const lines = table.map(([title = "", before = "", after = "", verdict = ""]) =>
    `  ${title.padEnd(widths[0] ?? 0)}${before.padEnd(widths[1] ?? 0)}${after.padEnd(widths[2] ?? 0)}${verdict}`.trimEnd(),
  );
  const worse = rows.filter(({ verdict }) => verdict === "worse");
  const more = steps.length > MOST_STEPS ? ` and ${steps.length - MOST_STEPS} more` : "";
  const blame =
    worse.length === 0
      ? []
      : steps.length === 0
        ? [
            "",
            "  Worse than last time, with nothing changed by imcloud in between: look at `imcloud health`.",
          ]
        : [
            "",
            `  Worse after: ${steps.slice(0, MOST_STEPS).join(", ")}${more}. \`imcloud rollback\` takes it back.`,
          ];
  return [paint.bold(board), ...lines, ...blame].join("\n");
}
