/**
 * All commands, and how one of them ends: its exit code, or an error that is rendered here and nowhere else.
 */
import { Command, CommanderError, Option } from "commander";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { COMMANDS } from "./commands.js";
import { exitCodeOf, renderError, reportOf } from "./report-error.js";
import type { Terminal } from "./terminal.js";
import { version } from "./version.js";

/** What every command gets besides its own options. */
export interface Context {
  /** Opened when a command runs, so that help needs no terminal. */
  readonly terminal: () => Promise<Terminal>;
  /** Path of imcloud.yaml, if one was named. */
  readonly config: () => string | undefined;
}

interface GlobalOptions {
  readonly config?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** @param args without node's and the script's path */
export async function runProgram(args: readonly string[]): Promise<number> {
  const program = makeProgram(args);
  forgetUnset(program);
  process.exitCode = ExitCode.Ok;
  try {
    await program.parseAsync([...args], { from: "user" });
    return Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.Ok; // help was asked for
    if (error instanceof CommanderError && error.code === "commander.help") return ExitCode.Usage; // or it is the answer
    return await report(error instanceof CommanderError ? usageError(error) : error, args);
  }
}

/** @param args what the program is going to read; help needs none */
export function makeProgram(args: readonly string[] = []): Command {
  const program = new Command("imcloud")
    .description("Turns Raspberry Pi boards into a private instant-messaging cloud.")
    .version(version(), "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .addOption(
      new Option("-c, --config <file>", "configuration file")
        .env("IMCLOUD_CONFIG")
        .default(undefined, "imcloud.yaml"),
    )
    .option("-q, --quiet", "print results and errors only")
    .option("-v, --verbose", "print what steps say, and the causes of errors")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ outputError: () => undefined })
    .addHelpText("after", EXAMPLES)
    .exitOverride();

  const context: Context = {
    config: () => program.opts<GlobalOptions>().config,
    terminal: async () => {
      const { quiet = false, verbose = false } = program.opts<GlobalOptions>();
      const { openTerminal } = await import("./terminal.js");
      return openTerminal({ quiet, verbose, json: wantsJson(args) });
    },
  };
  for (const add of COMMANDS) add(program, context);
  for (const command of program.commands) quietly(command);
  return program;
}

const EXAMPLES = `
Examples:
  imcloud init                     set up a cloud, step by step
  imcloud plan                     see what would change
  imcloud apply                    change it
  imcloud health --watch           see how the boards are

Exit codes: 0 ok, 1 boards failed differently, 2 changes pending (plan), 3 unhealthy, 4 a step failed,
  64 usage, 65 configuration, 69 unreachable, 75 locked by another run, 76 host key, 77 login or sudo refused`;

/** Errors of subcommands come to us as well. */
function quietly(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  for (const inner of command.commands) quietly(inner);
}

/** CI systems set what a job leaves empty: that is not set. A switch may also be `0`, `false` or `no`. */
function forgetUnset(command: Command): void {
  for (const option of command.options) {
    const value = option.envVar === undefined ? undefined : process.env[option.envVar];
    const isOff = option.isBoolean() && /^(?:0|false|no)$/i.test(value ?? "");
    if (value === "" || isOff) delete option.envVar;
  }
  for (const inner of command.commands) forgetUnset(inner);
}

/** commander's sentence, in our form. */
function usageError(error: CommanderError): ImcloudError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const meant = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(rest.join(" "))?.[1];
  return new ImcloudError("cli.usage", first.replaceAll("'", "`"), {
    hint: meant === undefined ? "run `imcloud help` to see what there is" : `did you mean \`${meant}\`?`,
  });
}

/** Even an error before any option was understood is a JSON document for those who asked for JSON. */
async function report(error: unknown, args: readonly string[]): Promise<ExitCode> {
  if (isPromptLeft(error)) return ExitCode.Mixed;
  if (wantsJson(args)) process.stdout.write(`${JSON.stringify({ error: reportOf(error) }, null, 2)}\n`);
  const verbose = args.includes("--verbose") || args.includes("-v");
  const { Chalk, supportsColorStderr } = await import("chalk");
  const isPlain = (process.env.NO_COLOR ?? "") !== "" || supportsColorStderr === false;
  process.stderr.write(`${renderError(error, { verbose, paint: new Chalk({ level: isPlain ? 0 : 1 }) })}\n`);
  return exitCodeOf(error);
}

/** Ctrl-C at a question is an answer. */
function isPromptLeft(error: unknown): boolean {
  return error instanceof Error && error.name === "ExitPromptError";
}

function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return (
    options.includes("--json") ||
    options.some(
      (word, index) => word === "--format=json" || (word === "--format" && options[index + 1] === "json"),
    )
  );
}
