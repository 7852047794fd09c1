/**
 * After the cards are in their boards: finds each board, proves it by the key on its card, waits until it is through
 * with its first boot, and goes on with `apply`.
 */
import type { BoardConfig } from "../config/load.js";
import type { Fleet } from "../fleet/fleet.js";
import type { BoardProgress } from "../fleet/progress.js";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { applyTo } from "./apply.js";
import type { Context } from "./program.js";
import { codeOf, noteErrors } from "./report-boards.js";
import type { Terminal } from "./terminal.js";

export interface Expected {
  readonly board: BoardConfig;
  readonly fingerprints: readonly string[];
}

export interface Waited {
  readonly up: readonly Up[];
  /** {@link ExitCode.Ok} when all of them came up. */
  readonly exitCode: ExitCode;
}

/** Boards that came up are applied to; those that did not are told, and count for the exit code. */
export async function waitAndApply(
  fleet: Fleet,
  expected: readonly Expected[],
  minutes: number,
  context: Context,
  terminal: Terminal,
): Promise<ExitCode> {
  const { up, exitCode: waited } = await waitForBoards(fleet, expected, minutes, terminal);
  for (const { board, address } of up)
    if (address !== board.address)
      terminal.note(
        `${board.name} is at ${address}: put \`address: ${address}\` into imcloud.yaml, so that it is found there`,
      );
  if (up.length === 0) return waited;
  const on = up.map(({ board }) => board.name);
  const at = new Map(up.map(({ board, address }) => [board.name, address]));
  const { exitCode } = await applyTo(undefined, { yes: true, on, at }, context, terminal);
  return waited === ExitCode.Ok ? exitCode : waited;
}

/** Errors are told here. */
export async function waitForBoards(
  fleet: Fleet,
  expected: readonly Expected[],
  minutes: number,
  terminal: Terminal,
): Promise<Waited> {
  const { eachBoard } = await import("../fleet/each-board.js");
  const boards = expected.map(({ board }) => board);
  const progress = terminal.progress(boards.map(({ name }) => name));
  const deadlineMs = minutes * 60_000;
  // All at once: they boot at once, and waiting costs nothing.
  const outcomes = await eachBoard(boards, Math.max(1, boards.length), async (board) => {
    const say = progress.board(board.name);
    const fingerprints = expected.find((one) => one.board === board)?.fingerprints ?? [];
    try {
      return await ready(fleet, board, fingerprints, deadlineMs, say);
    } catch (error) {
      say.ended(error instanceof Error ? error.message : String(error), false);
      throw error;
    }
  });
  await progress.end();
  noteErrors(outcomes, terminal);
  return {
    up: outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : [])),
    exitCode: codeOf(outcomes),
  };
}

interface Up {
  readonly board: BoardConfig;
  readonly address: string;
}

/** A board may restart once more in the middle: then it is looked for again. */
async function ready(
  { connecting, workspace }: Fleet,
  board: BoardConfig,
  fingerprints: readonly string[],
  deadlineMs: number,
  say: BoardProgress,
): Promise<Up> {
  const { awaitBoard } = await import("../fleet/await-board.js");
  const { awaitReadiness } = await import("../fleet/readiness.js");
  const { withBoard } = await import("../fleet/connect.js");
  const { keptIdentity, pinIdentity } = await import("../fleet/identities.js");
  const until = Date.now() + deadlineMs;
  for (;;) {
    const awaited = {
      board,
      fingerprints,
      deadlineMs: until - Date.now(),
      doing: (what: string) => say.doing(what),
    };
    const address = await awaitBoard(awaited, connecting);
    // From here on it is known at this address too, by the records that every command reads.
    await pinIdentity(board, workspace, await keptIdentity(workspace, board.name), [address]);
    say.doing(`found at ${address}, by its host key; waiting for the end of its first boot`);
    try {
      const remarks = await withBoard(
        { ...board, address, hostKeys: fingerprints },
        connecting,
        awaitReadiness,
      );
      for (const remark of remarks) say.output(remark);
      say.ended(
        remarks.length === 0 ? `ready at ${address}` : `up at ${address}: ${remarks.join("; ")}`,
        true,
      );
      return { board, address };
    } catch (error) {
      const isPassing =
        error instanceof ImcloudError &&
        ["board.lost", "board.unreachable", "board.login-refused"].includes(error.code);
      if (!isPassing || Date.now() >= until) throw error;
      say.doing(`${error.message}: looking for it again`);
    }
  }
}
