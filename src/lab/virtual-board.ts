/**
 * A virtual board in the hands of a test: real systemd, sshd, sudo and apt in about a second.
 *
 * What is real and what stands in for something is told in docs/lab.md.
 *
 * @example
 * await using kitchen = await virtualBoard("kitchen");
 * await using attic = await virtualBoard("attic", { user: "worker", memoryMb: 1024 });
 * await kitchen.sh("hostname"); // "kitchen"
 */
import { readFile } from "node:fs/promises";
import { ACCOUNTS, type AccountName } from "./accounts.js";
import type { BoardFile } from "./board-files.js";
import { VirtualBoard } from "./board.js";
import { DEFAULT_MEMORY_MB, DEFAULT_MODEL } from "./hardware.js";
import { labLayout, type LabLayout } from "./layout.js";
import { defaultSuite, type Suite } from "./mirror.js";
import { processIdentity, type ProcessIdentity } from "./processes.js";
import { makeBoards, removeBoards, type BoardRequest, type Progress } from "./setup.js";

export type { VirtualBoard } from "./board.js";

export interface VirtualBoardOptions {
  /** `debian-bookworm` unless given; on an Ubuntu machine, that machine's release. */
  readonly suite?: Suite;
  /** Further Debian packages that the board comes with; each set makes a base of its own, once. */
  readonly packages?: readonly string[];
  /** The account that imcloud logs in with; `pi` unless given. */
  readonly user?: AccountName;
  /** Such as `Raspberry Pi 3 Model B Plus Rev 1.3`. */
  readonly model?: string;
  /** What the board says it has, in MiB. */
  readonly memoryMb?: number;
  /** Makes the memory a limit as well. */
  readonly memoryLimited?: boolean;
  /** The whole of /etc/os-release. */
  readonly osRelease?: string;
  /** Files that the board has from its first boot on. */
  readonly files?: readonly BoardFile[];
}

/**
 * Makes a board and starts it; resolves when somebody can log in.
 *
 * The board's name need not be unique: tests that run at the same time may both have a `kitchen`. It ends with
 * `await using`, and at the latest when the next lab command finds its process gone.
 */
export async function virtualBoard(name: string, options: VirtualBoardOptions = {}): Promise<VirtualBoard> {
  const [board] = await virtualBoards([name], options);
  if (board === undefined) throw new Error("virtualBoards made none");
  return board;
}

/** Boards that end together. */
export type VirtualBoards = readonly VirtualBoard[] & AsyncDisposable;

/**
 * Several boards at once; they boot side by side.
 *
 * @example
 * await using boards = await virtualBoards(["kitchen", "attic"]);
 */
export async function virtualBoards(
  names: readonly string[],
  options: VirtualBoardOptions = {},
): Promise<VirtualBoards> {
  const lab = labLayout();
  const owner = (await processIdentity(process.pid)) ?? null;
  const requests = await Promise.all(names.map((name) => boardRequest(name, options, owner)));
  const boards = await startBoards(lab, requests, (line) => process.stderr.write(`lab: ${line}\n`));
  const numbers = boards.map(({ number }) => number);
  return Object.assign([...boards], { [Symbol.asyncDispose]: () => removeBoards(lab, numbers) });
}

export async function boardRequest(
  name: string,
  options: VirtualBoardOptions,
  owner: ProcessIdentity | null,
): Promise<BoardRequest> {
  return {
    name,
    suite: options.suite ?? defaultSuite(await readFile("/etc/os-release", "utf8")),
    packages: options.packages ?? [],
    user: options.user ?? ACCOUNTS.pi.name,
    model: options.model ?? DEFAULT_MODEL,
    memoryMb: options.memoryMb ?? DEFAULT_MEMORY_MB,
    memoryLimited: options.memoryLimited ?? false,
    files: options.files ?? [],
    owner,
    ...(options.osRelease !== undefined && { osRelease: options.osRelease }),
  };
}

/** Makes and starts boards; when one of them fails, none is left. */
export async function startBoards(
  lab: LabLayout,
  requests: readonly BoardRequest[],
  onProgress: Progress,
): Promise<readonly VirtualBoard[]> {
  const boards = (await makeBoards(lab, requests, onProgress)).map((record) => new VirtualBoard(lab, record));
  try {
    await Promise.all(boards.map((board) => board.restorePower()));
  } catch (error) {
    await removeBoards(
      lab,
      boards.map(({ number }) => number),
    );
    throw error;
  }
  return boards;
}
