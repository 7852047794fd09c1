import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { labDown, labList, labUp } from "../../src/lab/lab.js";
import { boardPlace, labLayout } from "../../src/lab/layout.js";
import { runningLauncher } from "../../src/lab/power.js";
import { killAndWait, parseStat } from "../../src/lab/processes.js";
import { readRecords, writeRecord } from "../../src/lab/board-record.js";
import { virtualBoard } from "../../src/lab/virtual-board.js";

// A lab of its own beside the one that other tests use: from no folder at all to no trace at all.
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-lab-"));
  await chmod(folder, 0o755); // the apt cache is not root
  vi.stubEnv("IMCLOUD_LAB_FOLDER", folder);
  vi.stubEnv("IMCLOUD_LAB_NETWORK", "10.98.43.0/24");
});
afterEach(async () => {
  await labDown([]);
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const silent = () => undefined;

test("a lab comes from nothing, survives a crash, and goes without a trace", async () => {
  const lab = labLayout();
  const [kitchen, attic] = await labUp({ names: ["kitchen", "attic"], memoryMb: 512 }, silent);
  expect(kitchen).toMatchObject({ name: "kitchen", address: "10.98.43.11", state: "on", memoryMb: 512 });
  expect(attic).toMatchObject({ name: "attic", address: "10.98.43.12", state: "on" });
  const cache = parseStat(await readFile(join(lab.aptCacheFolder, "process"), "utf8"));

  // Asking again changes nothing.
  expect(await labUp({ names: ["attic"] }, silent)).toEqual([attic]);

  // A board that crashed is shown as off, and `up` starts that very board.
  const launcher = await runningLauncher(lab, 11);
  if (launcher === undefined) throw new Error("the first board has the first number");
  await killAndWait(launcher);
  expect((await labList()).map(({ name, state }) => [name, state])).toEqual([
    ["kitchen", "off"],
    ["attic", "on"],
  ]);
  expect(await labUp({ names: ["kitchen"] }, silent)).toEqual([kitchen]);

  await expect(labDown(["cellar"])).rejects.toThrow(/no virtual board `cellar`/);
  expect(await labDown([])).toEqual(["kitchen", "attic"]);

  expect(await readdir(lab.boardsFolder)).toEqual([]);
  expect(existsSync(`/sys/class/net/${lab.bridge}`)).toBe(false);
  expect(await readFile("/proc/self/mounts", "utf8")).not.toContain(folder);
  expect(parseStat(await readFile(`/proc/${cache?.pid}/stat`, "utf8").catch(() => ""))?.state ?? "Z").toBe(
    "Z",
  );

  // What a process that died left behind goes with the next one's board.
  const orphan = await virtualBoard("orphan");
  const record = (await readRecords(lab))[0]?.record;
  if (record === undefined) throw new Error("the orphan has a record");
  await writeRecord(lab, { ...record, owner: { pid: process.pid, startTicks: 1 } });
  await using next = await virtualBoard("next");
  expect((await readRecords(lab)).map((board) => board.record?.name)).toEqual(["next"]);
  expect(existsSync(boardPlace(lab, orphan.number).folder) && orphan.number !== next.number).toBe(false);
});
