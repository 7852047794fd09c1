/**
 * What imcloud has in memory while it writes an image and reads it back, with one a quarter of its size beside it.
 *
 * Of imcloud's two processes, the command and the one that writes: the larger one's peak, and both together as often as
 * somebody looks, where a page that they share counts once. xz is the machine's, and not counted.
 */
import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { byImcloud } from "./flash/commands.js";
import { benchDrives, installFlashTools } from "./flash/drives.js";
import { benchImage, IMAGE_MIB } from "./flash/image.js";
import { usageOf, type Command } from "./flash/usage.js";
import { workFolder } from "./flash/work-folder.js";
import { compared, inTurns, measured, type Bench } from "./metric.js";

const TURNS = 3;
const LOOK_EVERY_MS = 50;

export const memory: Bench = {
  name: "memory",
  summary: `imcloud's memory while it flashes ${IMAGE_MIB} MiB, and against a quarter of that`,

  async run(report, say) {
    await installFlashTools(say);
    using folder = workFolder();
    const large = await benchImage(folder.path, IMAGE_MIB, say);
    const small = await benchImage(folder.path, IMAGE_MIB / 4, say);
    const drives = await benchDrives(folder.path, "disk", 1, large.sizeBytes);
    const heading = { bench: "memory", unit: "MB" };
    const goal = { atMost: 150 };

    const peaks: number[] = [];
    for (let turn = 0; turn < TURNS; turn += 1)
      peaks.push((await usageOf(byImcloud(large, drives), folder.path)).peakMb);
    report(measured({ ...heading, metric: "largest process", goal }, peaks));

    const pairs = await inTurns(
      TURNS,
      () => peakMbOf(byImcloud(large, drives)),
      () => peakMbOf(byImcloud(small, drives)),
    );
    const together = pairs.map(({ value }) => value);
    report(measured({ ...heading, metric: "both processes", goal }, together));
    report(compared({ ...heading, metric: "four times the image", goal: { atMost: 1.1 } }, pairs));
  },
};

/** Of all that is Node.js in the command. */
async function peakMbOf({ words, env = {} }: Command): Promise<number> {
  const [program = "", ...parameters] = words;
  const running = execa(program, parameters, { env });
  const ended = running.then(() => true);
  const node = await realpath(process.execPath);
  let peak = 0;
  do {
    const all = await Promise.all((await familyOf(running.pid)).map((pid) => shareOf(pid, node)));
    peak = Math.max(
      peak,
      all.reduce((sum, kib) => sum + kib, 0),
    );
  } while (!(await Promise.race([ended, delay(LOOK_EVERY_MS, false)])));
  return peak / 1024;
}

/** The process and what it has started. Source: proc(5), `/proc/PID/task/TID/children`. */
async function familyOf(pid: number | undefined): Promise<readonly number[]> {
  if (pid === undefined) return [];
  const threads = await ofLiving(readdir(`/proc/${pid}/task`), []);
  const children = await Promise.all(
    threads.map((thread) => ofLiving(readFile(`/proc/${pid}/task/${thread}/children`, "utf8"), "")),
  );
  const pids = children.flatMap((text) => text.split(" ").filter((word) => word !== ""));
  return [pid, ...(await Promise.all(pids.map((child) => familyOf(Number(child))))).flat()];
}

/** In KiB; nothing of other programs. Source: proc(5), `Pss` of `/proc/PID/smaps_rollup`. */
async function shareOf(pid: number, program: string): Promise<number> {
  if ((await ofLiving(readlink(`/proc/${pid}/exe`), "")) !== program) return 0;
  const rollup = await ofLiving(readFile(`/proc/${pid}/smaps_rollup`, "utf8"), "Pss: 0");
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]);
}

/** Processes end while they are looked at. */
async function ofLiving<T>(look: Promise<T>, gone: T): Promise<T> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof Error && "code" in error && ["ENOENT", "ESRCH"].includes(String(error.code)))
      return gone;
    throw error;
  }
}
