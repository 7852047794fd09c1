/**
 * A running board on the disk, and back: what makes a board in seconds out of one that took a minute to boot.
 *
 * The memory stays in the file in which the board had it. QEMU saves the rest: registers and devices.
 *
 * Source: QEMU's "Migration framework", capability `x-ignore-shared`.
 */
import { on } from "node:events";
import { quote } from "../../board/script.js";
import { ImcloudError } from "../../shared/errors.js";
import type { Control } from "./control.js";

const DEADLINE_MS = 120_000;

/** Stops the board and writes its state. Its memory must be in a file. */
export async function freeze(control: Control, statePath: string): Promise<void> {
  await control.execute("stop");
  await migrate(control, "migrate", `exec:cat >${quote(statePath)}`);
}

/** Fills a machine that was started with memory from a file; it stands still until `cont`. */
export async function thaw(control: Control, statePath: string): Promise<void> {
  await migrate(control, "migrate-incoming", `exec:cat ${quote(statePath)}`);
}

async function migrate(control: Control, command: string, uri: string): Promise<void> {
  const capabilities = ["events", "x-ignore-shared"].map((capability) => ({ capability, state: true }));
  await control.execute("migrate-set-capabilities", { capabilities });
  const ended = migrationEnd(control);
  const [status] = await Promise.all([ended, control.execute(command, { uri })]);
  if (status !== "completed") {
    throw new ImcloudError("lab.failed", `the emulator could not ${command}`, {
      found: status,
      hint: "free disk space, remove the lab's folder `emulated/templates`, and try again",
    });
  }
}

async function migrationEnd(control: Control): Promise<string> {
  // Not `once` in a loop: two events that come at once would be one.
  const events = on(control.events, "MIGRATION", { signal: AbortSignal.timeout(DEADLINE_MS) });
  for await (const [{ status }] of events as AsyncIterable<[{ status: string }]>)
    if (status === "completed" || status === "failed") return status;
  return "ended";
}
