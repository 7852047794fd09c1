/**
 * The emulator as a process: one that ends with the process that started it, however that ends.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ImcloudError } from "../../shared/errors.js";
import type { BoardPlace } from "../layout.js";
import { killAndWait, processIdentity } from "../processes.js";
import { listenForEmulator, type Control } from "./control.js";

const CONNECT_DEADLINE_MS = 30_000;

export interface RunningMachine {
  readonly control: Control;
  isOn(): boolean;
  /** SIGKILL. What the board has not flushed is gone: its page cache, and what the emulator held back. */
  kill(): Promise<void>;
}

/**
 * Starts QEMU; the board's CPU stands still until `cont`.
 *
 * @param args from `qemuArguments`
 * @throws ImcloudError `lab.failed` with the emulator's words
 */
export async function startMachine(
  place: BoardPlace,
  control: string,
  args: readonly string[],
): Promise<RunningMachine> {
  await rm(control, { force: true });
  const listening = await listenForEmulator(control);
  const logPath = join(place.folder, "emulator.log");
  const log = await open(logPath, "a");
  // The death signal comes when the thread that forked is gone: nothing is left after a crash of ours.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-aarch64", ...args], {
    detached: true, // a Ctrl-C at the terminal is not meant for the boards
    stdio: ["ignore", log.fd, log.fd],
    cwd: place.folder,
  });
  await log.close();
  const ended = once(child, "exit").then(() => "ended" as const);
  const pid = child.pid;
  const identity = pid === undefined ? undefined : await processIdentity(pid);
  try {
    if (identity !== undefined) await writeFile(place.launcherFile, await readFile(`/proc/${pid}/stat`));
    const connected = await Promise.race([
      listening.connected,
      ended,
      delay(CONNECT_DEADLINE_MS, "silent" as const, { ref: false }),
    ]);
    if (typeof connected === "string") throw await didNotStart(connected, logPath);
    return {
      control: connected,
      isOn: () => child.exitCode === null && child.signalCode === null,
      kill: async () => {
        if (identity !== undefined) await killAndWait(identity);
        await ended;
      },
    };
  } catch (error) {
    if (identity !== undefined) await killAndWait(identity);
    throw error;
  } finally {
    listening.close();
  }
}

async function didNotStart(how: "ended" | "silent", logPath: string): Promise<ImcloudError> {
  return new ImcloudError("lab.failed", "the emulator did not start", {
    found: `${how}; its log: ${(await readFile(logPath, "utf8")).trimEnd()}`,
    hint: "free memory and disk space, and see whether another program uses the board's ports",
  });
}
