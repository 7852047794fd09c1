import { Option, type Command } from "commander";
import { ImcloudError } from "../shared/errors.js";
import type { ExitCode } from "../shared/exit-code.js";
import { finish } from "./apply.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import type { Terminal } from "./terminal.js";

export interface DestroyFlags extends FleetFlags {
  /** Names of boards, in place of typing them. */
  readonly yes?: readonly string[];
  readonly purgeData?: boolean;
  readonly json?: boolean;
}

export function addDestroyCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("destroy [selector...]")
      .summary("undo all that imcloud did to boards")
      .description(
        "Bring boards back to what they were before imcloud: its files, units, users and packages go.\n" +
          "Data (messages, accounts, databases) stay unless --purge-data is given. Each board's name must be typed.",
      ),
  )
    .addOption(
      new Option("--yes <name...>", "the boards' names, in place of typing them").env("IMCLOUD_DESTROY"),
    )
    .option("--purge-data", "delete the data too; there is no way back")
    .option("--json", "write the result to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud destroy attic\n  imcloud destroy attic --yes attic --purge-data",
    )
    .action(async (selectors: readonly string[], options: DestroyFlags) => {
      process.exitCode = await runDestroy(selectors, options, context);
    });
}

export async function runDestroy(
  selectors: readonly string[],
  options: DestroyFlags,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const startedAt = new Date();
  const on = [...selectors, ...(options.on ?? [])];
  if (on.length === 0) {
    throw new ImcloudError("cli.missing-answer", "which boards are to be destroyed?", {
      expected: "a board, a group or an @tag",
      hint: "name them: `imcloud destroy NAME`",
    });
  }
  const fleet = await openFleetFor({ ...options, on }, context, terminal);
  const purgeData = options.purgeData === true;
  for (const { name } of fleet.boards)
    await confirmName(name, [options.yes ?? []].flat(), purgeData, terminal);

  const { destroyFleet } = await import("../fleet/undo.js");
  const progress = terminal.progress(fleet.boards.map(({ name }) => name));
  const outcomes = await destroyFleet(fleet, { purgeData, signal: terminal.signal }, progress);
  return finish("destroy", outcomes, fleet, terminal, startedAt);
}

/** A name is more to type than `y`, which is the point. */
async function confirmName(
  name: string,
  given: readonly string[],
  purgeData: boolean,
  terminal: Terminal,
): Promise<void> {
  if (given.includes(name)) return;
  const what = purgeData
    ? "Everything imcloud did AND ALL DATA go"
    : "Everything imcloud did goes, data stay";
  const typed = await terminal.input(`${what}. Type the board's name (${name}) to go on:`, `--yes ${name}`);
  if (typed === name) return;
  throw new ImcloudError("cli.usage", `that is not the name of the board`, {
    found: typed,
    expected: name,
    hint: "nothing was changed; type the name as imcloud.yaml has it",
  });
}
