import { Option, type Command } from "commander";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, count, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { boardsToJson, codeOf, noteErrors } from "./report-boards.js";
import type { TerminalPaint } from "./terminal.js";

export interface ExecOptions extends FleetFlags {
  readonly timeout: number;
  readonly json?: boolean;
}

export function addExecCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("exec <command...>")
      .summary("run a command on the boards, as root")
      .description(
        "Run one shell command on each board, as root and without input. Write `--` before it.\n" +
          "Exit code: 0 it ended with 0 everywhere, 4 it did not; else why a board could not be reached",
      ),
  )
    .addOption(
      new Option("--timeout <seconds>", "longest time the command may take").default(600).argParser(count),
    )
    .option("--json", "write output and exit codes to stdout as one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud exec -- uptime\n  imcloud exec --on @ssd -- 'df -h / | tail -1'",
    )
    .action(async (words: readonly string[], options: ExecOptions) => {
      process.exitCode = await runExec(words, options, context);
    });
}

/** Each line of output is data; with several boards it says whose. */
export async function runExec(
  words: readonly string[],
  options: ExecOptions,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(options, context, terminal);
  const { execFleet } = await import("../fleet/exec.js");
  const isAlone = fleet.boards.length === 1;
  const outcomes = await execFleet(fleet, words.join(" "), {
    deadlineMs: options.timeout * 1_000,
    signal: terminal.signal,
    onLine: (board, line, stream) => {
      if (terminal.json) return;
      const from = (paint: TerminalPaint): string => (isAlone ? line : `${paint.cyan(board)} | ${line}`);
      if (stream === "stdout") terminal.data(from(terminal.dataPaint));
      else process.stderr.write(`${from(terminal.paint)}\n`);
    },
  });

  if (terminal.json) {
    const boards = boardsToJson(outcomes, ({ stdout, stderr, exitCode }) => ({
      outcome: exitCode === 0 ? "ok" : "failed",
      exitCode,
      stdout,
      stderr,
    }));
    terminal.data(JSON.stringify({ version: 1, boards }, null, 2));
  }
  noteErrors(outcomes, terminal);
  for (const outcome of outcomes) {
    if (outcome.ok && outcome.value.exitCode !== 0)
      terminal.note(
        `${outcome.board.name}: ${terminal.signal.aborted ? "stopped by the operator" : `ended with exit code ${outcome.value.exitCode}`}`,
      );
  }
  const isFailed = outcomes.some((outcome) => outcome.ok && outcome.value.exitCode !== 0);
  return codeOf(outcomes, [], isFailed ? ExitCode.StepFailed : ExitCode.Ok);
}
