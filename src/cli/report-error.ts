/**
 * The one place that renders errors.
 *
 * An `ImcloudError` is the operator's business and is shown with all it knows. Anything else is a bug in
 * imcloud: one clear message, and the stack for those who ask for it.
 */
import { ImcloudError, type ErrorCode, type Origin } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";

export interface ReportOptions {
  /** Adds the causes, and a bug's stack. */
  readonly verbose: boolean;
  readonly paint?: Paint;
}

/** How to make text stand out; the default leaves it as it is. */
export interface Paint {
  readonly red: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const PLAIN: Paint = { red: String, dim: String, cyan: String };

/** What `--json` says of an error; the same fields as the text. Described in docs/json.md. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at?: Origin;
  readonly found?: string;
  readonly expected?: string;
  readonly hint: string;
}

/** @returns lines without a final line end */
export function renderError(error: unknown, { verbose, paint = PLAIN }: ReportOptions): string {
  const report = reportOf(error);
  const field = (name: string, value: string | undefined): string[] =>
    value === undefined
      ? []
      : [`  ${paint.dim(name.padEnd(8))}  ${value.replaceAll("\n", `\n${" ".repeat(12)}`)}`];
  return [
    `${paint.red(`error[${report.code}]`)}: ${report.message}`,
    ...field("at", report.at && placeOf(report.at)),
    ...field("found", report.found),
    ...field("expected", report.expected),
    ...(verbose ? causesOf(error).flatMap((cause) => field("cause", cause)) : []),
    `${paint.cyan("hint")}: ${report.hint}`,
  ].join("\n");
}

export function reportOf(error: unknown): ErrorReport {
  if (!(error instanceof ImcloudError)) {
    return {
      code: "cli.internal",
      message: `imcloud met something it is not prepared for: ${messageOf(error)}`,
      hint: "this is a bug in imcloud: run the command again with `--verbose` and report what it prints",
    };
  }
  const { origin, found, expected, hint } = error.details;
  return {
    code: error.code,
    message: error.message,
    ...(origin !== undefined && { at: origin }),
    ...(found !== undefined && { found }),
    ...(expected !== undefined && { expected }),
    hint,
  };
}

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof ImcloudError ? error.exitCode : ExitCode.Mixed;
}

/** @example placeOf({ file: "imcloud.yaml", line: 14, key: "boards.attic" }) // "imcloud.yaml:14, boards.attic" */
function placeOf({ file, line, column, key }: Origin): string {
  return `${file}:${line}${column === undefined ? "" : `:${column}`}${key === undefined ? "" : `, ${key}`}`;
}

function causesOf(error: unknown): string[] {
  if (!(error instanceof ImcloudError))
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  const causes: string[] = [];
  for (
    let cause = error.cause;
    cause !== undefined && causes.length < 10;
    cause = cause instanceof Error ? cause.cause : undefined
  ) {
    causes.push(messageOf(cause));
  }
  return causes;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
