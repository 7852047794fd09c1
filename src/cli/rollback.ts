import { Option, type Command } from "commander";
import { ExitCode } from "../shared/exit-code.js";
import { finish } from "./apply.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";

export interface RollbackOptions extends FleetFlags {
  readonly run?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function addRollbackCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("rollback")
      .summary("undo the last apply")
      .description(
        "Put back the files, units and kernel parameters that the last apply replaced.\n" +
          "Packages and data stay as they are.",
      ),
  )
    .option("--run <id>", "undo this run of the board instead (see /var/lib/imcloud/runs there)")
    .addOption(new Option("-y, --yes", "do not ask").env("IMCLOUD_YES"))
    .option("--json", "write the result to stdout as one JSON document")
    .addHelpText("after", "\nExample:\n  imcloud rollback --on attic")
    .action(async (options: RollbackOptions) => {
      process.exitCode = await runRollback(options, context);
    });
}

export async function runRollback(options: RollbackOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const startedAt = new Date();
  const fleet = await openFleetFor(options, context, terminal);
  const names = fleet.boards.map(({ name }) => name);
  const question = `Undo ${options.run === undefined ? "the last apply" : `run ${options.run}`} on ${names.join(", ")}?`;
  if (options.yes !== true && !(await terminal.confirm(question, "--yes"))) {
    terminal.note("nothing was changed");
    return ExitCode.Ok;
  }
  const { rollbackFleet } = await import("../fleet/undo.js");
  const outcomes = await rollbackFleet(
    fleet,
    options.run,
    { signal: terminal.signal },
    terminal.progress(names),
  );
  return finish("rollback", outcomes, fleet, terminal, startedAt);
}
