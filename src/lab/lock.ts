/**
 * One lab, many processes: tests in parallel, a person at a terminal.
 */
import { holdLock } from "../files/lock.js";
import { ImcloudError } from "../shared/errors.js";

/** Building a base takes the longest: about a minute on a laptop, more on a slow mirror. */
const DEFAULT_DEADLINE_S = 900;

/**
 * Runs `work` while holding the lock of `file`.
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
  await using lock = await holdLock(file, deadlineS, () =>
    onWait(`waiting for another lab command, at most ${deadlineS / 60} minutes`),
  );
  if (lock === undefined) {
    throw new ImcloudError("lab.failed", `another process has held the lab for ${deadlineS / 60} minutes`, {
      found: file,
      hint: `see who holds it: fuser -v ${file}`,
    });
  }
  return await work();
}
