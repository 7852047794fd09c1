/**
 * The same for many boards: several at a time, each with its own end. One board's failure stops no other.
 */
import pLimit from "p-limit";
import type { BoardConfig } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";

/** Enough to hide the network, few enough for a laptop: a connection and its payload stay below 10 MB. */
export const DEFAULT_PARALLEL = 10;

export type BoardOutcome<T> =
  | { readonly board: BoardConfig; readonly ok: true; readonly value: T }
  | { readonly board: BoardConfig; readonly ok: false; readonly error: unknown };

/** @returns in the order of the boards */
export async function eachBoard<T>(
  boards: readonly BoardConfig[],
  parallel: number,
  task: (board: BoardConfig) => Promise<T>,
): Promise<readonly BoardOutcome<T>[]> {
  const limit = pLimit(parallel);
  return Promise.all(
    boards.map((board) =>
      limit(async (): Promise<BoardOutcome<T>> => {
        try {
          return { board, ok: true, value: await task(board) };
        } catch (error) {
          return { board, ok: false, error };
        }
      }),
    ),
  );
}

/**
 * What the process tells its caller when boards failed: their common cause, or that there were several.
 *
 * @returns undefined when none failed
 */
export function failureCode(errors: readonly unknown[]): ExitCode | undefined {
  const codes = new Set(
    errors.map((error) => (error instanceof ImcloudError ? error.exitCode : ExitCode.Mixed)),
  );
  const [first, ...others] = codes;
  return others.length > 0 ? ExitCode.Mixed : first;
}
