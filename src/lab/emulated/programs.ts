/**
 * What emulation takes of the machine, beyond what the virtual boards take.
 */
import { access, readFile, writeFile } from "node:fs/promises";
import { installPrograms, requireMachine } from "../machine.js";
import { tool } from "../tool.js";

/** Programs with their Debian packages. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-img": "qemu-utils",
  "qemu-aarch64-static": "qemu-user-static",
  mmdebstrap: "mmdebstrap",
  "arch-test": "arch-test",
  mcopy: "mtools",
  "mkfs.vfat": "dosfstools",
  mke2fs: "e2fsprogs",
  sfdisk: "fdisk",
  socat: "socat",
  "apt-cacher-ng": "apt-cacher-ng",
  ssh: "openssh-client",
  setpriv: "util-linux",
};

const BINFMT = "/proc/sys/fs/binfmt_misc";
const RULE = "/usr/lib/binfmt.d/qemu-aarch64.conf";

/** @throws ImcloudError `lab.unavailable`, `lab.failed` */
export async function prepareMachine(onProgress: (line: string) => void): Promise<void> {
  await requireMachine();
  await installPrograms(onProgress, PROGRAMS);
}

/**
 * Lets the machine run aarch64 programs, as building an image does. The rule stays until the machine's end, as it
 * does where systemd-binfmt sets it.
 *
 * Source: the kernel's admin-guide/binfmt-misc; flag F opens the interpreter now, so no root needs a copy of it.
 */
export async function allowArm64Programs(): Promise<void> {
  if (process.arch === "arm64") return;
  if (!(await exists(`${BINFMT}/register`)))
    await tool(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT]);
  if (await exists(`${BINFMT}/qemu-aarch64`)) return;
  const rule = (await readFile(RULE, "utf8")).split("\n").find((line) => line.startsWith(":")) ?? "";
  await writeFile(`${BINFMT}/register`, rule);
}

/** What QEMU calls itself: a frozen board thaws only in the program that froze it. */
export async function emulatorVersion(): Promise<string> {
  return (await tool(["qemu-system-aarch64", "--version"])).split("\n")[0] ?? "";
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
