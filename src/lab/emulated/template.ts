/**
 * A board that was booted once and frozen: its copies are there in seconds, where booting takes more than a minute.
 */
import { createHash } from "node:crypto";
import { copyFile, rename, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { readRecords } from "../board-record.js";
import { removeOldBases } from "../rootfs.js";
import { boardPlace } from "../layout.js";
import { tool } from "../tool.js";
import { claimBoard, releaseBoard } from "./boards.js";
import { cachedFolder } from "./cache.js";
import { freeze } from "./freeze.js";
import { loadBootFiles } from "./firmware.js";
import { ensureImage, imageIngredients } from "./image-cache.js";
import { machineFiles, type EmulatedLab, type MachineFiles } from "./layout.js";
import { labAccess, powerOn, untilLogin } from "./power.js";
import { emulatorVersion } from "./programs.js";
import { qemuArguments, type Hardware } from "./qemu.js";
import { runAsRoot } from "./shell.js";
import type { ImageIngredients } from "./root.js";

export interface Template {
  readonly folder: string;
  readonly ingredients: ImageIngredients;
}

const MEMORY = "memory";
const STATE = "state";

export const memoryOf = (template: string) => join(template, MEMORY);
export const stateOf = (template: string) => join(template, STATE);

/**
 * The frozen board with this hardware and these packages: from the cache, or made in ten minutes.
 *
 * @param packages further Debian packages; their services run in each copy
 */
export async function ensureTemplate(
  lab: EmulatedLab,
  hardware: Hardware,
  packages: readonly string[],
  onProgress: (line: string) => void,
): Promise<Template> {
  const ingredients = await imageIngredients(lab, packages);
  const image = await ensureImage(lab, ingredients, onProgress);
  const name = templateName(basename(image), hardware, await emulatorVersion());
  const folder = await cachedFolder(lab.basesFolder, name, onProgress, async (building) => {
    onProgress("booting the image once, to freeze it: about two minutes, once");
    await makeTemplate(lab, hardware, ingredients, image, building, onProgress);
  });
  const inUse = (await readRecords(lab)).flatMap(({ record }) => record?.base ?? []);
  await removeOldBases(lab, new Set([folder, ...inUse]));
  await removeOldBases({ ...lab, basesFolder: lab.imagesFolder }, new Set([image]));
  return { folder, ingredients };
}

/** The name holds all that a frozen state depends on: the disk, the devices, the emulator. */
export function templateName(image: string, hardware: Hardware, emulator: string): string {
  const files = machineFiles({ folder: "/board", consoleLog: "/board/console.log" });
  const wiring = {
    address: "127.0.0.1",
    forwards: [],
    aptCache: { inBoard: { host: "", port: 0 }, onMachine: { host: "", port: 0 } },
  };
  const machine = qemuArguments(hardware, files, "", wiring, { kind: "own" });
  const hash = createHash("sha256").update(JSON.stringify([machine, emulator]));
  return `${image}-${hardware.memoryMb}m-${hardware.sd}-${hash.digest("hex").slice(0, 12)}`;
}

/** A board's disks and boot files, as they were when the template was frozen. */
export async function copyTemplate(template: string, files: MachineFiles): Promise<void> {
  const from = machineFiles({ folder: template, consoleLog: "" });
  await overlayDisk(from.sd, "qcow2", files.sd);
  await copyFile(from.commandLine, files.commandLine);
  await symlink(from.kernel, files.kernel);
  await symlink(from.initrd, files.initrd);
}

async function makeTemplate(
  lab: EmulatedLab,
  hardware: Hardware,
  ingredients: ImageIngredients,
  image: string,
  building: string,
  onProgress: (line: string) => void,
): Promise<void> {
  const { memoryMb } = hardware;
  const request = { name: "template", user: "pi", memoryMb, template: building };
  const record = await claimBoard(lab, ingredients, request, onProgress);
  const place = boardPlace(lab, record.number);
  const files = machineFiles(place);
  try {
    await overlayDisk(join(image, "sd.img"), "raw", files.sd);
    const memory = { kind: "into-file", path: memoryOf(building) } as const;
    const commandLine = await loadBootFiles(files);
    const machine = await powerOn(lab, record, { hardware, forwards: [] }, commandLine, memory);
    await machine.control.execute("cont");
    await untilLogin(lab, record, () => machine.isOn());
    // Not before the last service has started: each copy would start it again.
    await runAsRoot(labAccess(lab, record), "systemctl is-system-running --wait || systemctl --failed; sync");
    await freeze(machine.control, stateOf(building));
    await machine.kill();
    const to = machineFiles({ folder: building, consoleLog: "" });
    for (const file of ["sd", "kernel", "initrd", "commandLine"] as const)
      await rename(files[file], to[file]);
  } finally {
    await releaseBoard(lab, record.number);
  }
}

/** A disk whose writes go beside the image that it begins as. */
export async function overlayDisk(below: string, format: "raw" | "qcow2", path: string): Promise<void> {
  await tool(["qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", format, path]);
}
