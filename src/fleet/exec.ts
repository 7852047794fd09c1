/** One shell command on each board, as root. */
import { sh } from "../board/script.js";
import type { ExecResult } from "../board/transport.js";
import type { BoardOutcome } from "./each-board.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import { silent } from "./progress.js";

export interface FleetExecOptions {
  readonly deadlineMs: number;
  readonly onLine: (board: string, line: string, stream: "stdout" | "stderr") => void;
  readonly signal?: AbortSignal;
}

export async function execFleet(
  fleet: Fleet,
  command: string,
  options: FleetExecOptions,
): Promise<readonly BoardOutcome<ExecResult>[]> {
  const { deadlineMs, onLine, signal } = options;
  return onEachBoard(fleet, silent, (board, transport) =>
    // Payloads are unpacked for root alone; what a command makes is for whom it would be at a terminal.
    transport.exec(sh`umask 022; sh -c ${command}`, {
      deadlineMs,
      onLine: (line, stream) => onLine(board.name, line, stream),
      ...(signal !== undefined && { signal }),
    }),
  );
}
