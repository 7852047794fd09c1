/**
 * The same for many boards: several at a time, each with its own end. One board's failure stops no other.
 */
import pLimit from "p-limit";
import type { BoardConfig } from "../config/load.js";

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
