/**
 * Virtual boards in the hands of a person: what stands behind `imcloud lab up|list|ssh|down`.
 *
 * Such boards belong to nobody's process: they run until `down` or the machine's end.
 */
import { join } from "node:path";
import { execa } from "execa";
import { ImcloudError } from "../shared/errors.js";
import type { AccountName } from "./accounts.js";
import { readRecords, type BoardRecord } from "./board-record.js";
import { VirtualBoard } from "./board.js";
import { boardPlace, labLayout, type LabLayout } from "./layout.js";
import { inspectMachine, missing } from "./machine.js";
import type { Suite } from "./mirror.js";
import { isOn, prepareLab, removeBoards, type Progress } from "./setup.js";
import { sshArguments } from "./ssh.js";
import { boardRequest, startBoards } from "./virtual-board.js";

export { ACCOUNTS } from "./accounts.js";
export { SUITES, type Suite } from "./mirror.js";

/** A board as the operator needs it, for a table and for `imcloud.yaml`. */
export interface LabBoard {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Path of the secret key that opens it. */
  readonly sshKeyPath: string;
  /** Algorithm and base64, as in known_hosts. */
  readonly hostKey: string;
  /** `SHA256:...` */
  readonly fingerprint: string;
  readonly suite: Suite;
  readonly model: string;
  readonly memoryMb: number;
  readonly state: "on" | "off";
  readonly createdAt: string;
}

export interface LabUpOptions {
  /** Boards to have; those that are there already are started if they are off. */
  readonly names: readonly string[];
  readonly suite?: Suite;
  readonly user?: AccountName;
  readonly model?: string;
  /** In MiB; a limit as well when given. */
  readonly memoryMb?: number;
}

/** `board1`, `board2` and so on: names for people who only say how many. */
export function defaultNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `board${index + 1}`);
}

/** What this machine lacks for virtual boards, a sentence each; none when `labUp` can work. */
export async function labMissing(): Promise<readonly string[]> {
  return missing(await inspectMachine());
}

/**
 * Makes and starts the boards that are named, and leaves those that run as they are.
 *
 * Takes about a second for a board; the very first time also what installing packages and building a base takes,
 * about a minute.
 *
 * @param onProgress called with a line before each step that takes long
 * @returns the named boards, in that order; they accept logins
 * @throws ImcloudError `lab.unavailable`, `lab.failed`, `lab.not-ready`
 */
export async function labUp(options: LabUpOptions, onProgress: Progress): Promise<readonly LabBoard[]> {
  const lab = labLayout();
  const present = await personsBoards(lab);
  const { names, ...rest } = options;
  const absent = names.filter((name) => !present.some((board) => board.name === name));

  const off: BoardRecord[] = [];
  for (const board of present) {
    if (names.includes(board.name) && !(await isOn(lab, board.number))) off.push(board);
  }
  if (off.length > 0) {
    onProgress(`starting ${off.map(({ name }) => name).join(", ")} again`);
    await prepareLab(lab, onProgress);
    await Promise.all(off.map((board) => new VirtualBoard(lab, board).restorePower()));
  }
  if (absent.length > 0) {
    const limited = { ...rest, memoryLimited: options.memoryMb !== undefined };
    const requests = await Promise.all(absent.map((name) => boardRequest(name, limited, null)));
    onProgress(`starting ${absent.join(", ")}`);
    await startBoards(lab, requests, onProgress);
  }
  const boards = await labList();
  return names.flatMap((name) => boards.find((board) => board.name === name) ?? []);
}

/** The boards of `labUp`, oldest address first; those of running tests are not among them. */
export async function labList(): Promise<readonly LabBoard[]> {
  const lab = labLayout();
  return Promise.all((await personsBoards(lab)).map((record) => describe(lab, record)));
}

/**
 * Opens a session on a board, with this process's terminal; or runs a command there.
 *
 * @param command none for a login shell
 * @returns the exit status of ssh
 * @throws ImcloudError `lab.unknown-board`
 */
export async function labSsh(name: string, command: readonly string[]): Promise<number> {
  const lab = labLayout();
  const [record] = await findBoards(lab, [name]);
  if (record === undefined) throw new Error("findBoards found none");
  const { folder, address } = boardPlace(lab, record.number);
  const target = {
    ...{ name, address, port: 22, user: record.user, sshKeyPath: lab.sshKeyPath },
    knownHostsPath: join(folder, "known_hosts"),
  };
  const session = await execa("ssh", [...sshArguments(target), ...command], {
    stdio: "inherit",
    reject: false,
  });
  return session.exitCode ?? 255;
}

/**
 * Ends boards and forgets their disks; with the last one, the lab's network and apt cache go too.
 *
 * @param names none for all boards of `labUp`
 * @returns the names of the boards that are gone
 * @throws ImcloudError `lab.unknown-board`, before anything is done
 */
export async function labDown(names: readonly string[]): Promise<readonly string[]> {
  const lab = labLayout();
  const boards = names.length === 0 ? await personsBoards(lab) : await findBoards(lab, names);
  await removeBoards(
    lab,
    boards.map(({ number }) => number),
  );
  return boards.map(({ name }) => name);
}

async function personsBoards(lab: LabLayout): Promise<readonly BoardRecord[]> {
  return (await readRecords(lab)).flatMap(({ record }) => (record?.owner === null ? [record] : []));
}

async function findBoards(lab: LabLayout, names: readonly string[]): Promise<readonly BoardRecord[]> {
  const boards = await personsBoards(lab);
  return names.map((name) => {
    const board = boards.find((candidate) => candidate.name === name);
    if (board !== undefined) return board;
    throw new ImcloudError("lab.unknown-board", `there is no virtual board \`${name}\``, {
      expected: boards.length === 0 ? "none is running" : boards.map((known) => known.name).join(", "),
      hint: `make it with \`imcloud lab up ${name}\``,
    });
  });
}

async function describe(lab: LabLayout, record: BoardRecord): Promise<LabBoard> {
  const { name, user, hostKey, fingerprint, suite, model, memoryMb, createdAt, number } = record;
  const state = (await isOn(lab, number)) ? "on" : "off";
  const { address } = boardPlace(lab, number);
  return {
    ...{ name, address, port: 22, user, sshKeyPath: lab.sshKeyPath, hostKey, fingerprint },
    ...{ suite, model, memoryMb, state, createdAt },
  };
}
