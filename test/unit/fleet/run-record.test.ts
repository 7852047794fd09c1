/** What is noted of runs, and read again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { readRuns, recordRun } from "../../../src/fleet/run-record.js";
import { workspaceAt } from "../../../src/fleet/workspace.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-runs-"));
});
afterEach(() => rm(folder, { recursive: true }));

const Applied = z.object({ command: z.literal("apply"), startedAt: z.string() });
const record = (command: string, minute: number) =>
  recordRun(workspaceAt(folder), {
    ...{ version: 1, command, exitCode: 0, boards: {} },
    startedAt: `2026-01-01T00:0${minute}:00.000Z`,
    endedAt: "2026-01-01T01:00:00.000Z",
  });

test("none are read where there was no run", async () => {
  expect(await readRuns(workspaceAt(folder), Applied)).toEqual([]);
});

test("the youngest comes first, and only what was asked for", async () => {
  await record("apply", 1);
  await record("tune", 2);
  await record("apply", 3);
  const runs = await readRuns(workspaceAt(folder), Applied);
  expect(runs.map(({ startedAt }) => startedAt)).toEqual([
    "2026-01-01T00:03:00.000Z",
    "2026-01-01T00:01:00.000Z",
  ]);
});

test("a damaged one is named, and what to do", async () => {
  const path = await record("apply", 1);
  await writeFile(path, '{"version": 1, "comm');
  // Nobody else's business: what was measured can be told all the same.
  await record("tune", 2);
  expect(await readRuns(workspaceAt(folder), z.object({ command: z.string() }), "tune")).toHaveLength(1);
  await expect(readRuns(workspaceAt(folder), Applied)).rejects.toMatchObject({
    code: "config.invalid",
    message: `\`${path}\` is not what imcloud wrote there`,
    details: { origin: { file: path, line: 1 } },
  });
});
