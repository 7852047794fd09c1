import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { completionScript } from "../../../src/cli/completion.js";
import { makeProgram } from "../../../src/cli/program.js";

const run = promisify(execFile);
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-completion-"));
  await writeFile(
    join(folder, "imcloud.yaml"),
    "version: 1\nboards:\n  attic: {}\n  shed:\n    user: pi\ngroups:\n  cold: {}\nvars:\n  port: 1\n",
  );
  await writeFile(join(folder, "completion.bash"), completionScript("bash", makeProgram()));
});
afterAll(() => rm(folder, { recursive: true }));

/** What a real bash offers for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `. ./completion.bash; COMP_WORDS=(imcloud ${quoted}); COMP_CWORD=${words.length}; _imcloud; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run("bash", ["-c", script], { cwd: folder });
  return stdout.trim().split("\n");
}

test("commands", async () => {
  expect(await offered("ap")).toEqual(["apply"]);
  expect(await offered("")).toEqual(expect.arrayContaining(["init", "plan", "health", "--version"]));
});

test("options of a command, also behind other options", async () => {
  expect(await offered("plan", "--o")).toEqual(["--on", "--out"]);
  expect(await offered("plan", "--json", "--o")).toEqual(["--on", "--out"]);
});

test("commands below a command", async () => {
  expect(await offered("lab", "")).toEqual(["up", "list", "ssh", "down", "--help"]);
  expect(await offered("lab", "up", "--su")).toEqual(["--suite"]);
  expect(await offered("qos", "status", "--me")).toEqual(["--measure"]);
  expect(await offered("kit", "make", "--mi")).toEqual(["--mirror"]);
  expect(await offered("room", "")).toContain("shutdown");
});

test("boards and groups where one is wanted", async () => {
  expect(await offered("plan", "--on", "")).toEqual(["attic", "shed", "cold"]);
  expect(await offered("ssh", "s")).toEqual(["shed"]);
});

test("another configuration is no command, and its boards are the ones that are offered", async () => {
  await writeFile(join(folder, "school.yaml"), "version: 1\nboards:\n  library: {}\n");
  expect(await offered("--config", "school.yaml", "pl")).toEqual(["plan"]);
  expect(await offered("-c", "school.yaml", "plan", "--on", "")).toEqual(["library"]);
  expect(await offered("ssh", "-c", "school.yaml", "li")).toEqual(["library"]);
});

test("hidden commands stay hidden; every script holds every command", () => {
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const script = completionScript(shell, makeProgram());
    for (const name of ["init", "apply", "rollback", "destroy"]) expect(script).toContain(name);
  }
});
