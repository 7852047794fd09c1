/**
 * A lock that cannot become stale: the kernel lets go of it when its holder ends, however it ends.
 *
 * On Linux flock(1) holds it and reads from us. Elsewhere open(2) itself takes it, by a flag that BSD systems have.
 *
 * Sources: flock(1); open(2) of macOS, `O_EXLOCK`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const WORTH_SAYING_MS = 1_000;
const O_EXLOCK = 0x20;
const RETRY_MS = 200;

/**
 * @param deadlineS seconds to wait for it; 0: not at all
 * @param onWait called once when the lock is not free for a second
 * @returns what lets go of it, or undefined when somebody else kept it
 */
export async function holdLock(
  file: string,
  deadlineS: number,
  onWait: () => void = () => undefined,
): Promise<AsyncDisposable | undefined> {
  await mkdir(dirname(file), { recursive: true });
  const waiting = setTimeout(onWait, WORTH_SAYING_MS);
  try {
    return await (process.platform === "linux" ? heldByFlock(file, deadlineS) : heldByOpen(file, deadlineS));
  } finally {
    clearTimeout(waiting);
  }
}

async function heldByFlock(file: string, deadlineS: number): Promise<AsyncDisposable | undefined> {
  const patience = deadlineS === 0 ? ["--nonblock"] : ["--timeout", String(deadlineS)];
  const holder = spawn(
    "flock",
    ["--exclusive", ...patience, file, "sh", "-c", "echo held; exec cat >/dev/null"],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const ended = once(holder, "exit");
  const isHeld = await Promise.race([once(holder.stdout, "data").then(() => true), ended.then(() => false)]);
  if (!isHeld) return undefined;
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}

async function heldByOpen(file: string, deadlineS: number): Promise<AsyncDisposable | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK;
  for (const end = Date.now() + deadlineS * 1000; ; await delay(RETRY_MS)) {
    try {
      const handle = await open(file, flags, 0o600);
      return { [Symbol.asyncDispose]: () => handle.close() };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      if (Date.now() >= end) return undefined;
    }
  }
}
