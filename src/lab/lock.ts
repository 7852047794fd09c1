/**
 * One lab, many processes: tests in parallel, a person at a terminal.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { ImcloudError } from "../shared/errors.js";

/** Building a base takes the longest: about a minute on a laptop, more on a slow mirror. */
const DEFAULT_DEADLINE_S = 900;
const WORTH_SAYING_MS = 1_000;

/**
 * Runs `work` while holding the lock of `file`.
 *
 * flock(1) holds it and reads from us: the kernel lets go of the lock when we end, however we end, so there is
 * no such thing as a stale lock.
 *
 * @param onWait called with a line when the lock is not free
 * @param deadlineS seconds after which waiting ends
 * @throws ImcloudError `lab.failed` when another process keeps the lock for so long
 */
export async function withLock<T>(
  file: string,
  onWait: (line: string) => void,
  work: () => Promise<T>,
  deadlineS = DEFAULT_DEADLINE_S,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const holder = spawn(
    "flock",
    ["--exclusive", "--timeout", String(deadlineS), file, "sh", "-c", "echo held; exec cat >/dev/null"],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = once(holder, "exit");
  const waiting = setTimeout(
    () => onWait(`waiting for another lab command, at most ${deadlineS / 60} minutes`),
    WORTH_SAYING_MS,
  );
  const held = await Promise.race([once(holder.stdout, "data").then(() => true), ended.then(() => false)]);
  clearTimeout(waiting);
  if (!held) {
    throw new ImcloudError("lab.failed", `another process has held the lab for ${deadlineS / 60} minutes`, {
      found: file,
      hint: `see who holds it: fuser -v ${file}`,
    });
  }
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
