/**
 * Runs the machine's own programs for the lab. The one place in this room that starts a program and waits.
 */
import { execa, type Result } from "execa";
import { ImcloudError } from "../shared/errors.js";

export interface ToolOptions {
  readonly input?: string;
  /** Milliseconds after which the program is killed and counts as failed. */
  readonly deadlineMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Called for each line of output, of both streams, as it comes. */
  readonly onLine?: (line: string) => void;
}

const DEFAULT_DEADLINE_MS = 30_000;
const SHOWN_LINES = 20;

/**
 * @returns what the program wrote to stdout
 * @throws ImcloudError `lab.failed` with the last lines of its output
 */
export async function tool(
  command: readonly [string, ...string[]],
  options: ToolOptions = {},
): Promise<string> {
  const [program, ...parameters] = command;
  const running = execa(program, parameters, {
    reject: false,
    all: true,
    timeout: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
    input: options.input ?? "",
    ...(options.env !== undefined && { env: options.env }),
  });
  if (options.onLine !== undefined)
    for await (const line of running.iterable({ from: "all" })) options.onLine(line);
  const result = await running;
  if (!result.failed) return result.stdout;

  const output = result.all.split("\n").slice(-SHOWN_LINES).join("\n");
  throw new ImcloudError("lab.failed", `\`${program}\` ${ending(result)}`, {
    found: output === "" ? "no output" : output,
    hint: `try it by hand: ${command.join(" ")}`,
    cause: result,
  });
}

function ending(result: Pick<Result, "timedOut" | "exitCode" | "signal" | "originalMessage">): string {
  if (result.timedOut) return "did not end in time";
  if (result.exitCode !== undefined) return `ended with status ${result.exitCode}`;
  return result.signal === undefined
    ? `could not be started: ${result.originalMessage}`
    : `was ended by ${result.signal}`;
}
