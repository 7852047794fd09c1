import type { Command } from "commander";
import { sizeInWords } from "../board/disks.js";
import type { Facts } from "../board/facts.js";
import type { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { boardsToJson, codeOf, noteErrors } from "./report-boards.js";

export interface FactsOptions extends FleetFlags {
  readonly json?: boolean;
}

export function addFactsCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("facts")
      .summary("show what the boards are")
      .description(
        "Read each board's facts: model, system, memory, addresses, packages that playbooks decide by.",
      ),
  )
    .option("--json", "write the facts to stdout as one JSON document")
    .addHelpText("after", "\nExample:\n  imcloud facts --on attic --json")
    .action(async (options: FactsOptions) => {
      process.exitCode = await runFacts(options, context);
    });
}

export async function runFacts(options: FactsOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(options, context, terminal);
  const { readFacts } = await import("../fleet/read-facts.js");
  const outcomes = await readFacts(fleet, terminal.progress(fleet.boards.map(({ name }) => name)));

  if (terminal.json)
    terminal.data(JSON.stringify({ version: 1, boards: boardsToJson(outcomes, (facts) => facts) }, null, 2));
  else {
    for (const outcome of outcomes) {
      if (outcome.ok)
        terminal.data(`${terminal.dataPaint.bold(outcome.board.name)}\n${renderFacts(outcome.value)}`);
    }
  }
  noteErrors(outcomes, terminal);
  return codeOf(outcomes);
}

function renderDisk({ model, transport, sizeMb, serial, system, holds }: Facts["disks"][number]): string {
  const told = [
    transport,
    sizeInWords(sizeMb * 1024 ** 2),
    serial && `serial ${serial}`,
    system && "the system's",
  ];
  const on = holds.length === 0 ? "empty" : holds.join("; ");
  return `${model || "unnamed"}, ${told.filter((word) => word).join(", ")}: ${on}`;
}

function renderFacts(facts: Facts): string {
  const rows: readonly (readonly [string, string])[] = [
    ["model", facts.model || "unknown"],
    ["system", `${facts.os.prettyName} (${facts.arch}), kernel ${facts.kernel}`],
    ["memory", `${facts.ramMb} MiB, ${facts.cpus} processors, swap ${facts.swap}`],
    ["addresses", facts.addresses.join(", ") || "none"],
    ["time", facts.timeSync],
    [
      "systemd",
      `${facts.systemd}, cgroup v${facts.cgroup}${facts.container === "" ? "" : `, in a container (${facts.container})`}`,
    ],
    [
      "packages",
      Object.entries(facts.packages)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ") || "none of those that matter",
    ],
    ...facts.disks.map((disk): [string, string] => ["disk", renderDisk(disk)]),
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`).join("\n");
}
