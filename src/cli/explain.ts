import type { Command } from "commander";
import type { BoardOutcome } from "../fleet/each-board.js";
import type { Explained } from "../playbook/explain.js";
import type { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { boardsToJson, codeOf, noteErrors } from "./report-boards.js";
import type { Terminal } from "./terminal.js";
import { nothingCalled } from "./usage.js";

export interface ExplainOptions extends FleetFlags {
  readonly json?: boolean;
}

export function addExplainCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("explain [what]")
      .summary("show what imcloud sets, why, and how to have it otherwise")
      .description(
        "Show every value that the playbooks set on each board; or all about one: a key, a file, a unit.\n" +
          "Works from the facts that the last run remembered; a board without any is asked. Changes nothing.",
      ),
  )
    .option("--json", "write it to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud explain\n  imcloud explain vm.swappiness --on attic\n  imcloud explain /etc/rabbitmq/rabbitmq.conf",
    )
    .action(async (what: string | undefined, options: ExplainOptions) => {
      process.exitCode = await runExplain(what, options, context);
    });
}

export async function runExplain(
  what: string | undefined,
  options: ExplainOptions,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(options, context, terminal);
  const { explainFleet } = await import("../fleet/explain.js");
  const all = await explainFleet(fleet, ({ name }) => terminal.note(`${name}: reading facts`));
  const chosen = all.map((outcome) =>
    outcome.ok && what !== undefined ? { ...outcome, value: about(what, outcome.value) } : outcome,
  );
  const subjects = all.flatMap((outcome) => (outcome.ok ? outcome.value.map(({ subject }) => subject) : []));
  const isFound = chosen.some((outcome) => outcome.ok && outcome.value.length > 0);
  if (what !== undefined && subjects.length > 0 && !isFound) throw nothingCalled(what, subjects);

  if (terminal.json)
    terminal.data(
      JSON.stringify({ version: 1, boards: boardsToJson(chosen, (values) => ({ values })) }, null, 2),
    );
  else terminal.data(render(chosen, what !== undefined, terminal));
  noteErrors(all, terminal);
  return codeOf(all);
}

/** What is called exactly so; a file's lines with it. Else what has it in its name. */
function about(what: string, all: readonly Explained[]): readonly Explained[] {
  const exact = all.filter(
    ({ subject, resource, file }) => subject === what || resource === what || file === what,
  );
  return exact.length > 0 ? exact : all.filter(({ subject }) => subject.includes(what));
}

function render(
  outcomes: readonly BoardOutcome<readonly Explained[]>[],
  inFull: boolean,
  { paint, width }: Pick<Terminal, "paint" | "width">,
): string {
  return outcomes
    .flatMap((outcome) => {
      if (!outcome.ok || outcome.value.length === 0) return [];
      const byLine = new Set(outcome.value.map(({ file }) => file));
      const lines = outcome.value.flatMap((one) => {
        if (!inFull) return [`  ${inShort(one, width - 2)}`];
        // Where the lines are explained one by one, the file itself need not say it again.
        return inDetail(byLine.has(one.subject) ? { ...one, uses: [] } : one, paint);
      });
      return [[paint.bold(outcome.board.name), ...lines].join("\n")];
    })
    .join("\n\n");
}

function inShort({ subject, value, why }: Explained, width: number): string {
  const shown = value === undefined ? "not known yet" : value.includes("\n") ? "" : value;
  const line = [
    subject,
    ...(shown === "" ? [] : [`= ${shown}`]),
    ...(why === undefined ? [] : [`(${why})`]),
  ].join(" ");
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

function inDetail(
  { subject, value, why, source, from, file, uses }: Explained,
  paint: Terminal["paint"],
): string[] {
  const isLong = value?.includes("\n") === true;
  const rules = uses.filter(({ rule }) => rule !== "");
  const rows: readonly (readonly [string, string | undefined])[] = [
    [value === undefined ? "not yet" : "why", why],
    ["source", source],
    ["in", file],
    ["from", `${from.file}:${from.line}`],
    ...rules.map(({ variable, rule }) => ["formula", `${variable}: ${rule}`] as const),
    ...uses.map(({ override }) => ["override", override] as const),
  ];
  const title = value === undefined || isLong ? subject : `${subject} = ${value}`;
  return [
    `  ${paint.cyan(title)}`,
    ...rows.flatMap(([name, text]) => (text === undefined ? [] : [`    ${name.padEnd(9)} ${text}`])),
    ...(isLong ? (value ?? "").split("\n").map((line) => paint.dim(`    | ${line}`)) : []),
  ];
}
