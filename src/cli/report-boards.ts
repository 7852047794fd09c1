/**
 * How a command over several boards reports: one entry a board, errors as values.
 */
import type { BoardOutcome } from "../fleet/each-board.js";
import { failureCode } from "../fleet/failure-code.js";
import { ExitCode } from "../shared/exit-code.js";
import { renderError, reportOf, type ErrorReport } from "./report-error.js";
import type { Terminal } from "./terminal.js";

export type BoardReport =
  Readonly<Record<string, unknown>> | { readonly outcome: "failed"; readonly error: ErrorReport };

/** `{ "boards": { NAME: … } }`, the shape of every document over boards. */
export function boardsToJson<T>(
  outcomes: readonly BoardOutcome<T>[],
  describe: (value: T) => Readonly<Record<string, unknown>>,
): Record<string, BoardReport> {
  return Object.fromEntries(
    outcomes.map((outcome) => [
      outcome.board.name,
      outcome.ok ? describe(outcome.value) : { outcome: "failed", error: reportOf(outcome.error) },
    ]),
  );
}

/** Errors of boards that did not come to a result, on stderr. */
export function noteErrors(outcomes: readonly BoardOutcome<unknown>[], terminal: Terminal): void {
  for (const outcome of outcomes) {
    if (!outcome.ok) process.stderr.write(`${renderError(outcome.error, terminal)}\n`);
  }
}

/** One cause for all failed boards: its own code. Several: 1. */
export function codeOf(
  outcomes: readonly BoardOutcome<unknown>[],
  further: readonly unknown[] = [],
  otherwise: ExitCode = ExitCode.Ok,
): ExitCode {
  const errors = [...outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error])), ...further];
  return failureCode(errors) ?? otherwise;
}
