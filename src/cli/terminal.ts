/**
 * The operator's terminal, or whatever stands in its place: a pipe, a CI job.
 *
 * Data goes to stdout, everything else to stderr, the same piped or not but for colour, animation and
 * prompts. Without a terminal nothing is ever asked.
 */
import type * as PromptLibrary from "@inquirer/prompts";
import type { FleetProgress } from "../fleet/progress.js";
import type { Secret } from "../shared/secret.js";
import { ImcloudError } from "../shared/errors.js";
import type { Paint } from "./report-error.js";

export interface TerminalOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** One document on stdout; progress as JSON lines on stderr. */
  readonly json: boolean;
}

export interface Terminal extends TerminalOptions {
  /** Columns; 80 when nobody knows. */
  readonly width: number;
  readonly canAsk: boolean;
  /** Progress is drawn anew in its place, not logged line by line. */
  readonly isAnimated: boolean;
  /** For stderr. */
  readonly paint: TerminalPaint;
  /** For {@link Terminal.data}: stdout may be a file while stderr is a terminal. */
  readonly dataPaint: TerminalPaint;
  /** What stdout can show when it is a terminal: 16 colours, 256 or more; a file or pipe shows none. */
  readonly dataColours: "none" | "few" | "many";
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** To stdout, with a line end. */
  data(text: string): void;
  /** To stderr, with a line end; silent with `--quiet` or `--json`. */
  note(text: string): void;
  progress(boards: readonly string[]): FleetProgress;
  /** @throws ImcloudError `cli.missing-answer` without a terminal; `instead` is the flag to name */
  confirm(question: string, instead: string): Promise<boolean>;
  input(question: string, instead: string, options?: InputOptions): Promise<string>;
  select<T extends string>(
    question: string,
    instead: string,
    choices: readonly Choice<T>[],
    preset?: T,
  ): Promise<T>;
  /** Hidden. @returns undefined without a terminal, or when nothing was typed */
  secret(question: string): Promise<Secret | undefined>;
}

export type TerminalPaint = Paint & {
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly bold: (text: string) => string;
};

export interface InputOptions {
  readonly preset?: string;
  /** @returns what is wrong with the answer, or true */
  readonly validate?: (answer: string) => string | true;
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly name: string;
  readonly description?: string;
}

const DEFAULT_WIDTH = 80;
/** What a shell reports for a program that SIGINT ended. */
const INTERRUPTED = 130;

export async function openTerminal(options: TerminalOptions): Promise<Terminal> {
  const { Chalk, supportsColor, supportsColorStderr } = await import("chalk");
  const noColor = process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== "";
  const paintFor = (support: typeof supportsColor) =>
    new Chalk({ level: noColor || support === false ? 0 : support.level });
  const paint = paintFor(supportsColorStderr);
  const isCi = process.env.CI !== undefined && process.env.CI !== "" && process.env.CI !== "false";
  const isAnimated =
    process.stderr.isTTY && !isCi && !options.quiet && !options.json && process.env.TERM !== "dumb";
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && !isCi && !options.json;

  const stopping = new AbortController();
  const note = (text: string): void => {
    if (!options.quiet && !options.json) process.stderr.write(`${text}\n`);
  };
  onInterrupt(stopping, note);

  let current: (FleetProgress & { suspend?(): Promise<void> }) | undefined;
  const asked = async <T>(
    question: string,
    instead: string,
    ask: (prompts: Prompts, context: PromptContext) => Promise<T>,
  ): Promise<T> => {
    if (!canAsk) throw nobodyToAsk(question, instead);
    await current?.suspend?.();
    return ask(await import("@inquirer/prompts"), { output: process.stderr });
  };

  return {
    ...options,
    get width() {
      return process.stdout.columns ?? process.stderr.columns ?? DEFAULT_WIDTH;
    },
    canAsk,
    isAnimated,
    paint,
    dataPaint: paintFor(supportsColor),
    dataColours:
      noColor || !process.stdout.isTTY || supportsColor === false
        ? "none"
        : supportsColor.has256
          ? "many"
          : "few",
    signal: stopping.signal,
    data: (text) => process.stdout.write(`${text}\n`),
    note,
    progress(boards) {
      current = lazily(async () => {
        if (options.quiet) return (await import("../fleet/progress.js")).silent;
        if (options.json) return (await import("./json-progress.js")).jsonProgress();
        if (!isAnimated) return (await import("./line-progress.js")).lineProgress(note, options.verbose);
        return (await import("./tree-progress.js")).treeProgress(boards, paint);
      });
      return current;
    },
    confirm: (message, instead) =>
      asked(message, instead, ({ confirm }, context) => confirm({ message, default: true }, context)),
    input: (message, instead, { preset, validate } = {}) =>
      asked(message, instead, ({ input }, context) =>
        input(
          {
            message,
            ...(preset !== undefined && { default: preset }),
            ...(validate !== undefined && { validate }),
          },
          context,
        ),
      ),
    select: (message, instead, choices, preset) =>
      asked(message, instead, ({ select }, context) =>
        select({ message, choices: [...choices], ...(preset !== undefined && { default: preset }) }, context),
      ),
    async secret(question) {
      if (!canAsk) return undefined;
      const answer = await asked(question, "", ({ password }, context) =>
        password({ message: question, mask: "*" }, context),
      );
      return answer === "" ? undefined : new (await import("../shared/secret.js")).Secret(answer);
    },
  };
}

type Prompts = typeof PromptLibrary;
interface PromptContext {
  readonly output: NodeJS.WriteStream;
}

function nobodyToAsk(question: string, instead: string): ImcloudError {
  return new ImcloudError("cli.missing-answer", `nobody is there to be asked: ${question}`, {
    expected: instead,
    hint: `give ${instead}`,
  });
}

let listening: (() => void) | undefined;

/** The first Ctrl-C lets the running step end; the second leaves at once, and what runs on a board goes on. */
function onInterrupt(stopping: AbortController, note: (text: string) => void): void {
  if (listening !== undefined) process.off("SIGINT", listening);
  listening = () => {
    if (stopping.signal.aborted) process.exit(INTERRUPTED);
    stopping.abort();
    note(
      "stopping after the current step; Ctrl-C again leaves at once, and what runs on a board goes on there",
    );
  };
  process.on("SIGINT", listening);
}

/** Renderers load their libraries when the first event comes; until then events wait in order. */
function lazily(
  load: () => Promise<FleetProgress & { suspend?(): Promise<void> }>,
): FleetProgress & { suspend(): Promise<void> } {
  const loaded = load();
  const later = (act: (progress: FleetProgress) => void): void => void loaded.then(act);
  return {
    board: (name) => ({
      doing: (what) => later((progress) => progress.board(name).doing(what)),
      measured: (amount) => later((progress) => progress.board(name).measured(amount)),
      stepStarted: (...step) => later((progress) => progress.board(name).stepStarted(...step)),
      output: (line) => later((progress) => progress.board(name).output(line)),
      stepEnded: (...step) => later((progress) => progress.board(name).stepEnded(...step)),
      ended: (...end) => later((progress) => progress.board(name).ended(...end)),
    }),
    end: async () => (await loaded).end(),
    suspend: async () => (await loaded).suspend?.(),
  };
}
