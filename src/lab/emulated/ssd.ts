/**
 * A disk behind a USB adapter, plugged in as by hand: UAS cannot be frozen, so no template has one.
 *
 * Source: QEMU's "USB emulation" (`usb-storage`, `usb-uas`), reference manual (`blockdev-add`, `device_add`).
 */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tool } from "../tool.js";
import type { Control } from "./control.js";
import type { MachineFiles } from "./layout.js";

export interface Ssd {
  /** `usb-storage` is what old adapters speak: it looks like a spinning disk, and discard is off. */
  readonly adapter: "uas" | "usb-storage";
  readonly sizeMb: number;
}

export async function makeSsd({ sizeMb }: Ssd, files: MachineFiles): Promise<void> {
  if (existsSync(files.ssd)) return;
  await tool(["qemu-img", "create", "-q", "-f", "qcow2", files.ssd, `${sizeMb}M`]);
}

/** It is /dev/sda. */
export async function plugSsd({ adapter }: Ssd, files: MachineFiles, control: Control): Promise<void> {
  await control.execute("blockdev-add", {
    ...{ driver: "qcow2", "node-name": "ssd", discard: "unmap" },
    file: { driver: "file", filename: files.ssd },
  });
  if (adapter === "usb-storage") {
    await control.execute("device_add", { driver: "usb-storage", id: "ssd", drive: "ssd" });
    return;
  }
  await control.execute("device_add", { driver: "usb-uas", id: "uas" });
  await control.execute("device_add", {
    ...{ driver: "scsi-hd", id: "ssd", bus: "uas.0", drive: "ssd", rotation_rate: 1 },
  });
  // An adapter whose disks are plugged in later shows itself when it is told to.
  await control.execute("qom-set", { path: "/machine/peripheral/uas", property: "attached", value: true });
}

const UNPLUG_DEADLINE_MS = 60_000;

/** Pulls the disk as by hand; resolves when the board has let go of it. */
export async function unplugSsd({ adapter }: Ssd, control: Control): Promise<void> {
  const signal = AbortSignal.timeout(UNPLUG_DEADLINE_MS);
  const gone = once(control.events, "DEVICE_DELETED", { signal });
  await control.execute("device_del", { id: adapter === "uas" ? "uas" : "ssd" });
  await gone;
  await control.execute("blockdev-del", { "node-name": "ssd" });
}
