/**
 * Processes, told apart beyond their number.
 *
 * A number is given to another process sooner or later; number and start time together are not. So a record on
 * disk never leads to a kill of somebody else's process.
 *
 * Source: proc_pid_stat(5), proc_pid_status(5).
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the machine's boot. */
  readonly startTicks: number;
}

/** Reads a line of proc_pid_stat(5). The program's name, in parentheses, may itself hold spaces and parentheses. */
export function parseStat(stat: string): (ProcessIdentity & { readonly state: string }) | undefined {
  const fields = /^(\d+) \(.*\) (.+)$/s.exec(stat.trim());
  const rest = fields?.[2]?.split(" ") ?? [];
  const [state, startTicks] = [rest[0], rest[19]];
  if (fields?.[1] === undefined || state === undefined || startTicks === undefined) return undefined;
  return { pid: Number(fields[1]), startTicks: Number(startTicks), state };
}

/** The process's number in each of the namespaces that it is in, outermost first. */
export function parseNamespacePids(status: string): readonly number[] {
  return /^NSpid:\s*(.+)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [];
}

export async function processIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = parseStat(await readOrNothing(`/proc/${pid}/stat`));
  return stat === undefined ? undefined : { pid: stat.pid, startTicks: stat.startTicks };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = parseStat(await readOrNothing(`/proc/${identity.pid}/stat`));
  return (
    now !== undefined && now.startTicks === identity.startTicks && now.state !== "Z" && now.state !== "X"
  );
}

/** Sends SIGKILL and waits until the process is gone. Safe for one that has already ended. */
export async function killAndWait(identity: ProcessIdentity): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  // The kernel offers no event for the end of somebody else's child; SIGKILL takes milliseconds.
  while (await isAlive(identity)) await delay(5);
}

/** All processes below this one, nearest first. */
export async function descendants(pid: number): Promise<readonly number[]> {
  const found: number[] = [];
  const queue = [pid];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    const children = (await readOrNothing(`/proc/${parent}/task/${parent}/children`)).trim();
    if (children === "") continue;
    const pids = children.split(" ").map(Number);
    found.push(...pids);
    queue.push(...pids);
  }
  return found;
}

export async function namespacePids(pid: number): Promise<readonly number[]> {
  return parseNamespacePids(await readOrNothing(`/proc/${pid}/status`));
}

/** A process may end between any two looks at it: then there is nothing to read. */
async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}
