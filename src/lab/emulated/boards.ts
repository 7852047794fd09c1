/**
 * The records of emulated boards: those of the virtual ones, in a folder of their own.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startAptCache, stopAptCache } from "../apt-cache.js";
import {
  claimNumber,
  readRecords,
  removeBoardFolder,
  writeRecord,
  type BoardRecord,
} from "../board-record.js";
import { boardPlace } from "../layout.js";
import { withLock } from "../lock.js";
import { runningLauncher } from "../power.js";
import { isAlive, killAndWait, processIdentity } from "../processes.js";
import { tool } from "../tool.js";
import { SSH_PORT, SUITE, type EmulatedLab } from "./layout.js";
import type { ImageIngredients } from "./root.js";

/** What /proc/device-tree/model says of QEMU's generic board. */
const MODEL = "linux,dummy-virt";

export interface EmulatedRequest {
  readonly name: string;
  readonly user: string;
  readonly memoryMb: number;
  /** The folder of the template that it is a copy of. */
  readonly template: string;
}

/** Takes a number and an address for a board of this process, and clears away what dead processes left. */
export async function claimBoard(
  lab: EmulatedLab,
  { mirror, hostKey }: Pick<ImageIngredients, "mirror" | "hostKey">,
  { name, user, memoryMb, template }: EmulatedRequest,
  onProgress: (line: string) => void,
): Promise<BoardRecord> {
  const owner = await processIdentity(process.pid);
  if (owner === undefined) throw new Error("no entry in /proc for this process");
  return withLock(lab.lockFile, onProgress, async () => {
    await removeLitter(lab);
    await startAptCache(lab, mirror.sources);
    const number = await claimNumber(lab);
    const { folder, address } = boardPlace(lab, number);
    await writeFile(join(folder, "known_hosts"), `[${address}]:${SSH_PORT} ${hostKey}\n`);
    const record: BoardRecord = {
      ...{ number, name, user, memoryMb, hostKey, owner },
      suite: SUITE,
      base: template,
      model: MODEL,
      memoryLimited: true,
      fingerprint: await fingerprintOf(hostKey),
      createdAt: new Date().toISOString(),
    };
    await writeRecord(lab, record);
    return record;
  });
}

/** Cuts a board's power and forgets it; with the last one goes the apt cache. */
export async function releaseBoard(lab: EmulatedLab, number: number): Promise<void> {
  await withLock(
    lab.lockFile,
    () => undefined,
    async () => {
      await removeBoard(lab, number);
      await removeLitter(lab);
      if ((await readRecords(lab)).length === 0) await stopAptCache(lab);
    },
  );
}

async function removeLitter(lab: EmulatedLab): Promise<void> {
  for (const { number, record } of await readRecords(lab)) {
    const owner = record?.owner ?? undefined;
    if (owner === undefined || !(await isAlive(owner))) await removeBoard(lab, number);
  }
}

async function removeBoard(lab: EmulatedLab, number: number): Promise<void> {
  const emulator = await runningLauncher(lab, number);
  if (emulator !== undefined) await killAndWait(emulator);
  await removeBoardFolder(lab, number);
}

async function fingerprintOf(publicKey: string): Promise<string> {
  return (await tool(["ssh-keygen", "-l", "-f", "-"], { input: `${publicKey}\n` })).split(" ")[1] ?? "";
}
