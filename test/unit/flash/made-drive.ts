/** A drive as the machine would tell it. */
import type { Drive } from "../../../src/flash/drives.js";

export const GB = 1e9;

/** A card in a USB reader whose kernel counts disks; without `sequence`, in one whose kernel does not. */
export function madeDrive(more: Partial<Drive> = {}): Drive {
  return {
    ...{ id: "usb-Reader-0:0", isStable: true, path: "/dev/sdb", slot: "usb-0:2", sizeBytes: 32 * GB },
    ...{ model: "MassStorage", serial: "058F", transport: "usb", isRemovable: true, isReadOnly: false },
    ...{ contents: [], mounts: [], number: "8:16" },
    ...more,
  };
}
