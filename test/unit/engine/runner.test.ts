/** The program that carries out a wave, run by this machine's shell in a folder of its own. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runnerScript } from "../../../src/engine/runner.js";

const root = mkdtempSync(join(tmpdir(), "imcloud-runner-"));
afterAll(() => rmSync(root, { recursive: true }));
const RUNS = join(root, "var/lib/imcloud/runs");

/** @returns the last line of its journal */
function run(name: string, apply: string, parts: Readonly<Record<string, string>> = {}): string {
  const dir = join(root, "payload");
  const step = join(dir, "files/steps/0001");
  for (const folder of [step, join(RUNS, name), join(root, "run/imcloud")])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(step, "title"), "a step");
  for (const [part, text] of Object.entries({ apply, ...parts })) writeFileSync(join(step, part), text);
  const text = runnerScript().text.replaceAll(/\/(?=(?:var\/lib|run|opt)\/imcloud)/g, `${root}/`);
  spawnSync("dash", ["-c", text, "runner", name, "nonce"], {
    env: { ...process.env, IMCLOUD_DIR: dir, IMCLOUD_FILES: join(dir, "files"), IMCLOUD_SAVED: "" },
  });
  return (
    readFileSync(join(RUNS, name, "journal"), "utf8")
      .trimEnd()
      .split("\n")
      .at(-1) ?? ""
  );
}

test("a run keeps its own record beside the newest ten, also when its operator's clock is behind", () => {
  const others = Array.from({ length: 12 }, (_, index) => `20261130-1200${10 + index}-abcdef`);
  for (const other of others) mkdirSync(join(RUNS, other), { recursive: true });
  const ours = "20200101-000000-abcdef";
  expect(run(ours, "echo done by us")).toMatch(/^@imcloud nonce \d+ end done$/);
  expect(readdirSync(RUNS).sort()).toEqual([ours, ...others.slice(2)]);
});

test.each([
  ["forgotten", false, false],
  ["forgotten, what was left of it included", true, false],
  ["known as long as there are data of it", true, true],
])("what was taken back is %s", (_title, isData, isKept) => {
  const entry = join(root, "var/lib/imcloud/managed/abc/entry");
  mkdirSync(dirname(entry), { recursive: true });
  writeFileSync(entry, JSON.stringify({ isData }));
  const parts = { forget: "abc", ...((isKept || !isData) && { "unless-data": "x" }) };
  expect(run(`20261201-0000${Number(isData)}${Number(isKept)}-abcdef`, ":", parts)).toContain(" end done");
  expect(existsSync(entry)).toBe(isKept);
});
