/**
 * A board's power switch.
 *
 * `templates/lab/launch.sh` runs the board in namespaces of its own, so cutting its power is to kill one process.
 */
import { spawn } from "node:child_process";
import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { BoardRecord } from "./board-record.js";
import { boardPlace, type LabLayout } from "./layout.js";
import { removeLink, setLink } from "./network.js";
import {
  descendants,
  isAlive,
  killAndWait,
  namespacePids,
  parseStat,
  processIdentity,
  type ProcessIdentity,
} from "./processes.js";

/** Starts the board. It is on as soon as its launcher is recorded; SSH answers about a second later. */
export async function powerOn(lab: LabLayout, board: BoardRecord): Promise<void> {
  const place = boardPlace(lab, board.number);
  for (const folder of ["upper", "work", "root"])
    await mkdir(join(place.folder, folder), { recursive: true });
  await rm(place.launcherFile, { force: true });
  const console = await open(place.consoleLog, "a");
  const launcher = spawn("sh", [place.launchScript], {
    detached: true, // a Ctrl-C at the terminal is not meant for the boards
    stdio: ["ignore", console.fd, console.fd],
    cwd: "/",
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      BOARD_FOLDER: place.folder,
      BASE: board.base,
      MACHINE: place.link,
      LINK: place.link,
      BRIDGE: lab.bridge,
      ADDRESS: place.address,
      GATEWAY: lab.gateway,
      MAC: place.mac,
      CGROUP: place.cgroup,
      MEMORY_BYTES: board.memoryLimited ? String(board.memoryMb * 1024 * 1024) : "",
    },
  });
  launcher.unref();
  await console.close();
}

/**
 * Cuts the power: the board says goodbye to nobody. Safe for a board that is off.
 *
 * The cable first: a dying kernel would close the board's connections in order, and a board without power cannot.
 */
export async function cutPower(lab: LabLayout, number: number): Promise<void> {
  const place = boardPlace(lab, number);
  const launcher = await runningLauncher(lab, number);
  if (launcher !== undefined) {
    await setLink(place.link, "down").catch(() => undefined); // not plugged in yet
    const below = await Promise.all((await descendants(launcher.pid)).map(processIdentity));
    await killAndWait(launcher);
    for (const process of below) if (process !== undefined) await killAndWait(process);
  }
  await rm(place.launcherFile, { force: true });
  await removeLink(place.link);
}

/** Removes the cgroups of a board that is off. */
export async function removeCgroups(group: string): Promise<void> {
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  const hierarchies = mounts.filter(
    ([, , type, options]) => type === "cgroup2" || (type === "cgroup" && /\bmemory\b/.test(options ?? "")),
  );
  for (const [, path] of hierarchies) if (path !== undefined) await removeTree(join(path, group));
}

export async function runningLauncher(lab: LabLayout, number: number): Promise<ProcessIdentity | undefined> {
  const stat = parseStat(await readFile(boardPlace(lab, number).launcherFile, "utf8").catch(() => ""));
  return stat !== undefined && (await isAlive(stat)) ? stat : undefined;
}

/** The board's process 1, by its number on the machine; undefined while the board is off or between two boots. */
export async function boardInit(lab: LabLayout, number: number): Promise<number | undefined> {
  const launcher = await runningLauncher(lab, number);
  if (launcher === undefined) return undefined;
  // The launcher's own namespace is one level below the machine's, the board's another one.
  const depth = (await namespacePids(launcher.pid)).length + 2;
  for (const pid of await descendants(launcher.pid)) {
    const numbers = await namespacePids(pid);
    if (numbers.length === depth && numbers.at(-1) === 1 && (await programOf(pid)) === "systemd") return pid;
  }
  return undefined;
}

async function programOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
}

/** Cgroup folders cannot be emptied, only removed from the leaves up. */
async function removeTree(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(path, entry.name));
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}
