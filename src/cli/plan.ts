import type { Command } from "commander";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { codeOf, noteErrors } from "./report-boards.js";

export interface PlanOptions extends FleetFlags {
  readonly out?: string;
  readonly json?: boolean;
}

export function addPlanCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("plan")
      .summary("show what `imcloud apply` would change")
      .description(
        "Probe the boards and show the changes; make none.\n" +
          "Exit code: 0 nothing to change, 2 changes; else why a board could not be planned",
      ),
  )
    .option("--out <file>", "save the plan, for `imcloud apply FILE`")
    .option("--json", "write the plan to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud plan --on classroom @ssd\n  imcloud plan --out plan.json && imcloud apply plan.json",
    )
    .action(async (options: PlanOptions) => {
      process.exitCode = await runPlan(options, context);
    });
}

/** The plan is data and goes to stdout; progress goes to stderr. */
export async function runPlan(options: PlanOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(options, context, terminal, "needed");
  const { isSettled, planFleet } = await import("../fleet/plan.js");
  const outcomes = await planFleet(fleet, terminal.progress(fleet.boards.map(({ name }) => name)));

  const { planToJson, renderPlan } = await import("./render-plan.js");
  const document = `${JSON.stringify(planToJson(outcomes), null, 2)}\n`;
  if (options.out !== undefined) {
    const { writePrivate } = await import("../files/operator-files.js");
    await writePrivate(options.out, document);
    terminal.note(`saved the plan to ${options.out}`);
  }
  if (terminal.json) terminal.data(document.trimEnd());
  else terminal.data(renderPlan(outcomes, { paint: terminal.dataPaint, width: terminal.width }));
  noteErrors(outcomes, terminal);

  const isChanging = outcomes.some((outcome) => outcome.ok && !isSettled(outcome.value.plan));
  return codeOf(outcomes, [], isChanging ? ExitCode.Changes : ExitCode.Ok);
}
