import { Option, type Command } from "commander";
import type { LabBoard } from "../lab/lab.js";
import { ExitCode } from "../shared/exit-code.js";
import { count } from "./fleet-options.js";
import type { Context } from "./program.js";
import { notOneOf } from "./usage.js";

export interface LabUpFlags {
  readonly count: number;
  readonly suite?: string;
  readonly user?: string;
  readonly model?: string;
  readonly memory?: number;
  readonly json?: boolean;
}

export function addLabCommand(program: Command, context: Context): void {
  const lab = program
    .command("lab")
    .summary("virtual boards, for trying without hardware")
    .description(
      "Make virtual boards on this machine (systemd-nspawn): Debian or Ubuntu, and root, are needed.",
    );

  lab
    .command("up [name...]")
    .summary("make and start virtual boards")
    .addOption(new Option("--count <count>", "how many, when no names are given").default(1).argParser(count))
    .option(
      "--suite <suite>",
      "system of the boards: debian-bookworm, debian-trixie, ubuntu-jammy, ubuntu-noble",
    )
    .option(
      "--user <name>",
      "account to log in as: pi, worker (sudo with password), nosudo, fresh (no key yet)",
    )
    .option("--model <text>", "what the board says it is")
    .addOption(new Option("--memory <MiB>", "memory of each board").argParser(count))
    .option("--json", "write the boards to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud lab up attic cellar\n  imcloud lab up --count 3 --suite debian-trixie",
    )
    .action(async (names: readonly string[], flags: LabUpFlags) => {
      process.exitCode = await runLabUp(names, flags, context);
    });
  lab
    .command("list")
    .summary("show the virtual boards")
    .option("--json", "write the boards to stdout as one JSON document")
    .action(async () => {
      const terminal = await context.terminal();
      const { labList } = await import("../lab/lab.js");
      const boards = await labList();
      terminal.data(terminal.json ? JSON.stringify({ version: 1, boards }, null, 2) : renderLab(boards));
    });
  lab
    .command("ssh <name> [command...]")
    .summary("open a shell on a virtual board")
    .action(async (name: string, command: readonly string[]) => {
      const { labSsh } = await import("../lab/lab.js");
      process.exitCode = await labSsh(name, command);
    });
  lab
    .command("down [name...]")
    .summary("end virtual boards and forget their disks (default: all)")
    .action(async (names: readonly string[]) => {
      const terminal = await context.terminal();
      const { labDown } = await import("../lab/lab.js");
      const gone = await labDown(names);
      terminal.note(gone.length === 0 ? "there was no virtual board" : `gone: ${gone.join(", ")}`);
    });
}

export async function runLabUp(
  names: readonly string[],
  flags: LabUpFlags,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { ACCOUNTS, SUITES, defaultNames, labUp } = await import("../lab/lab.js");
  const suite = oneOf("--suite", flags.suite, SUITES);
  const user = oneOf("--user", flags.user, Object.keys(ACCOUNTS) as (keyof typeof ACCOUNTS)[]);
  const boards = await labUp(
    {
      names: names.length > 0 ? names : defaultNames(flags.count),
      ...(suite !== undefined && { suite }),
      ...(user !== undefined && { user }),
      ...(flags.model !== undefined && { model: flags.model }),
      ...(flags.memory !== undefined && { memoryMb: flags.memory }),
    },
    (line) => terminal.note(line),
  );
  terminal.data(terminal.json ? JSON.stringify({ version: 1, boards }, null, 2) : renderLab(boards));
  return ExitCode.Ok;
}

/** What to write into imcloud.yaml, as far as a line can hold it. */
function renderLab(boards: readonly LabBoard[]): string {
  if (boards.length === 0) return "no virtual boards; make one with `imcloud lab up`";
  const width = Math.max(...boards.map(({ name }) => name.length));
  return boards
    .map(
      ({ name, state, user, address, suite, fingerprint }) =>
        `${name.padEnd(width)}  ${state.padEnd(3)}  ${user}@${address}  ${suite}  ${fingerprint}`,
    )
    .join("\n");
}

function oneOf<T extends string>(
  flag: string,
  word: string | undefined,
  allowed: readonly T[],
): T | undefined {
  const found = allowed.find((one) => one === word);
  if (word === undefined || found !== undefined) return found;
  throw notOneOf(flag, word, allowed);
}
