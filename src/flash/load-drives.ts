/** Asks the machine for its drives. */
import { access, readFile, readdir, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { LSBLK, parseDrives, type Drive } from "./drives.js";
import { drivesUnknown, filesAlone } from "./errors.js";
import type { Ask } from "./mac-drives.js";

const LINKS = "/dev/disk";

/** @throws ImcloudError `flash.target-refused` where the system does not tell, or imcloud writes to no drives on it */
export async function loadDrives(
  system: NodeJS.Platform = process.platform,
  ask: Ask = answerOf,
): Promise<readonly Drive[]> {
  if (system === "linux") return loadLinuxDrives(ask);
  if (system !== "darwin") throw filesAlone(system);
  const { loadMacDrives } = await import("./mac-drives.js");
  return loadMacDrives(ask);
}

async function answerOf(program: string, parameters: readonly string[]): Promise<string> {
  const { stdout, stderr, failed } = await execa(program, parameters, { reject: false });
  if (failed) throw drivesUnknown(program, stderr ?? "");
  return stdout;
}

async function loadLinuxDrives(ask: Ask): Promise<readonly Drive[]> {
  const [program, ...parameters] = LSBLK;
  const stdout = await ask(program, parameters);
  const [ids, slots] = [await linksOf("by-id"), await linksOf("by-path")];
  const sequences = new Map<string, string>();
  for (const name of await names("/sys/block")) {
    const sequence = await readFile(`/sys/block/${name}/diskseq`, "utf8").catch(() => undefined);
    if (sequence !== undefined) sequences.set(name, sequence.trim());
  }
  const drives = parseDrives(stdout, { ids, slots, sequences });
  // A container sees its machine's disks in sysfs and has no nodes of them: they are none of its own.
  const isThere = await Promise.all(
    drives.map(({ path }) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return drives.filter((_, index) => isThere[index]);
}

/** By the name of the whole device that they point to. */
async function linksOf(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const links = new Map<string, string[]>();
  for (const link of await names(join(LINKS, folder))) {
    if (/-part\d+$/.test(link)) continue;
    const name = basename(await readlink(join(LINKS, folder, link)));
    links.set(name, [...(links.get(name) ?? []), link]);
  }
  return links;
}

/** Systems without udev have no such folder, and then no links. */
const names = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
