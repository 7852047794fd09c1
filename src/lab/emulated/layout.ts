/**
 * Where the emulated boards of a lab are: a lab within the lab, on loopback.
 *
 * The network is the lab's own with the first byte 127, so every board has an address of its own that needs no
 * bridge, and two labs on one machine do not meet. Records, locks and the apt cache are those of the virtual boards.
 */
import { join } from "node:path";
import type { BoardPlace, LabLayout } from "../layout.js";
import type { Suite } from "../mirror.js";

/** {@link LabLayout} whose `basesFolder` holds frozen boards. */
export interface EmulatedLab extends LabLayout {
  readonly imagesFolder: string;
  /** Files named as in /etc/ssh: copies of one frozen board have one host key. */
  readonly hostKeysFolder: string;
}

/** The machine's end of a board's SSH port: 22 is taken where a server listens on all addresses. */
export const SSH_PORT = 2200;

/** What emulated boards are made of: the release of Raspberry Pi OS 12. */
export const SUITE: Suite = "debian-bookworm";

export function emulatedLab(lab: LabLayout): EmulatedLab {
  const folder = join(lab.folder, "emulated");
  return {
    ...lab,
    gateway: lab.gateway.replace(/^\d+/, "127"),
    lockFile: join(folder, "lock"),
    boardsFolder: join(folder, "boards"),
    basesFolder: join(folder, "templates"),
    imagesFolder: join(folder, "images"),
    hostKeysFolder: join(folder, "host-keys"),
    aptCacheFolder: join(folder, "apt-cache"),
  };
}

/** What a machine has on the disk, by file. */
export interface MachineFiles {
  readonly folder: string;
  /** The boot disk, qcow2. */
  readonly sd: string;
  readonly ssd: string;
  /** What the firmware found on the boot partition. */
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly console: string;
  /** Where QEMU finds the lab: a Unix socket. */
  readonly control: string;
}

export function machineFiles({
  folder,
  consoleLog,
}: Pick<BoardPlace, "folder" | "consoleLog">): MachineFiles {
  return {
    folder,
    sd: join(folder, "sd.qcow2"),
    ssd: join(folder, "ssd.qcow2"),
    kernel: join(folder, "kernel8.img"),
    initrd: join(folder, "initramfs8"),
    commandLine: join(folder, "cmdline.txt"),
    console: consoleLog,
    control: join(folder, "control"),
  };
}
