/**
 * Commands that ask the cloud's IM server one thing: `imcloud user`, `room`, `media` and `token` are lists of these.
 */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { ServerRequest } from "../fleet/ask-server.js";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor } from "./fleet-options.js";
import type { Context } from "./program.js";
import type { Terminal } from "./terminal.js";

/** What the server's JSON may hold. */
export type Value =
  string | number | boolean | null | undefined | readonly Value[] | { readonly [key: string]: Value };
export type Answer = Readonly<Record<string, Value>>;
export type VerbFlags = Readonly<Record<string, unknown>>;

export interface ServerVerb {
  /** As commander takes it: `lock <name>`. */
  readonly words: string;
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly options?: readonly Option[];
  /** What is asked before something goes that nobody brings back. */
  readonly question?: (words: readonly string[]) => string;
  ask(words: readonly string[], flags: VerbFlags, terminal: Terminal): ServerRequest | Promise<ServerRequest>;
  /** What goes to stdout; an empty text is left out. */
  render?(answer: Answer): string;
  /** What is said on stderr once it is done. */
  done?(words: readonly string[], answer: Answer): string;
}

export function addServerVerb(parent: Command, context: Context, verb: ServerVerb): void {
  const command = addFleetOptions(
    parent.command(verb.words).summary(verb.summary).description(verb.description),
  );
  for (const option of verb.options ?? []) command.addOption(option);
  if (verb.question !== undefined)
    command.addOption(new Option("-y, --yes", "do it without asking").env("IMCLOUD_YES"));
  command
    .option("--json", "write the server's answer to stdout as one JSON document")
    .addHelpText(
      "after",
      `\nExample${verb.examples.length > 1 ? "s" : ""}:\n${verb.examples.map((line) => `  ${line}`).join("\n")}`,
    )
    .action(async (...given: readonly unknown[]) => {
      const words = given.slice(0, -2).filter((word) => typeof word === "string");
      process.exitCode = await runServerVerb(verb, words, given.at(-2) as VerbFlags, context);
    });
}

async function runServerVerb(
  verb: ServerVerb,
  words: readonly string[],
  flags: VerbFlags,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor(flags, context, terminal);
  const request = await verb.ask(words, flags, terminal);
  if (verb.question !== undefined && flags["yes"] !== true) {
    if (!(await terminal.confirm(verb.question(words), "--yes"))) {
      terminal.note("nothing was done");
      return ExitCode.Ok;
    }
  }
  const { askServer } = await import("../fleet/ask-server.js");
  const answer = (await askServer(fleet, request)) as Answer;
  const shown = verb.render?.(answer) ?? "";
  if (terminal.json) terminal.data(JSON.stringify({ version: 1, ...answer }, null, 2));
  else if (shown !== "") terminal.data(shown);
  if (verb.done !== undefined) terminal.note(verb.done(words, answer));
  return ExitCode.Ok;
}

/** One segment of a path. */
export const segment = (word: string | undefined): string => encodeURIComponent(word ?? "");

/** The query of those that were given. @returns with its question mark, or an empty text */
export function queryOf(parameters: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return query === "" ? "" : `?${query}`;
}

/** The objects of a list in an answer. */
export const listOf = (answer: Answer, key: string): readonly Answer[] =>
  (answer[key] ?? []) as readonly Answer[];

/** Columns as wide as their widest cell. */
export function columns(rows: readonly (readonly Value[])[]): string {
  const cells = rows.map((row) => row.map(textOf));
  const widths = (cells[0] ?? []).map((_, index) =>
    Math.max(...cells.map((row) => (row[index] ?? "").length)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A text or number as it is; nothing for what is not there. */
export const textOf = (value: Value): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

/** @returns what the list goes on with, in words, when it is longer than a page */
export const more = (answer: Answer): string =>
  answer["next"] === undefined ? "" : `\nmore: --from ${textOf(answer["next"])}`;

export const LIST_OPTIONS: readonly Option[] = [
  new Option("--search <text>", "only what contains this"),
  new Option("--from <place>", "go on where the page before ended"),
  new Option("--limit <count>", "how many at most (default: 100)").argParser(wholeNumber),
];

export function wholeNumber(word: string): number {
  if (!/^[1-9]\d{0,8}$/.test(word)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(word);
}

/** Milliseconds since 1970, of a day or a moment as ISO 8601 writes them. */
export function moment(word: string): number {
  const time = /^\d{4}-\d{2}-\d{2}/.test(word) ? Date.parse(word) : NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError("It must be a date: 2026-11-24, or 2026-11-24T18:00Z.");
  return time;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** Bytes. @example size("2G") // 2_147_483_648 */
export function size(word: string): number {
  const [, number, unit = ""] = /^(\d{1,9})([KMG]?)$/.exec(word) ?? [];
  if (number === undefined) throw new InvalidArgumentError("It must be a size: 500M, 2G.");
  return Number(number) * (UNITS[unit] ?? 1);
}

/** A day, as people write it; empty for none. */
export const day = (ms: unknown): string =>
  typeof ms === "number" ? new Date(ms).toISOString().slice(0, 10) : "";
