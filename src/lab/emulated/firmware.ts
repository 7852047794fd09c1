/**
 * Plays the Pi's firmware: kernel, initrd and command line come from the board's own boot partition at every start,
 * so a change of cmdline.txt counts from the next boot on.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { tool } from "../tool.js";
import { bootPartition, BOOT_FILES, CARD } from "./image.js";
import type { MachineFiles } from "./layout.js";

const MIB = 1024 * 1024;

/** Reads the boot partition of a board that is off. @returns the kernel's command line */
export async function loadBootFiles(files: MachineFiles): Promise<string> {
  const raw = join(files.folder, "boot.img");
  const count = (CARD.bootStart + CARD.bootSize) / MIB;
  await tool([
    ...(["qemu-img", "dd", "-f", "qcow2", "-O", "raw", "bs=1M"] as const),
    ...[`count=${count}`, `if=${files.sd}`, `of=${raw}`],
  ]);
  for (const [name, path] of [
    [BOOT_FILES.kernel, files.kernel],
    [BOOT_FILES.initrd, files.initrd],
    [BOOT_FILES.commandLine, files.commandLine],
  ] as const) {
    // Of a thawed board these are links into its template, and mcopy would write through them.
    await rm(path, { force: true });
    await tool(["mcopy", "-n", "-i", bootPartition(raw), `::${name}`, path]);
  }
  await rm(raw);
  return (await readFile(files.commandLine, "utf8")).trim();
}
