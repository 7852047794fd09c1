/**
 * What holds for every resource type: registered, sampled, its scripts clean, its probe harmless and cheap.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { factsScript } from "../../../src/board/facts.js";
import type { Script } from "../../../src/board/script.js";
import { compileRun } from "../../../src/engine/compile.js";
import { revertStep, rollbackStep } from "../../../src/engine/revert.js";
import { runnerScript } from "../../../src/engine/runner.js";
import { RESOURCE_TYPES } from "../../../src/resources/registry.js";
import { Secret } from "../../../src/shared/secret.js";
import { FACTS } from "../facts.js";
import { SAMPLES, located } from "./samples.js";

const folder = mkdtempSync(join(tmpdir(), "imcloud-types-"));
afterAll(() => rmSync(folder, { recursive: true }));
const words = [...RESOURCE_TYPES.keys()];
const hasShellcheck = spawnSync("shellcheck", ["--version"]).status === 0;

/** SC2034: the engine reads some names; SC2329/SC2317: functions for later steps; SC2194: values are filled in. */
const LEFT_OUT = "SC2034,SC2317,SC2329,SC2194,SC2043,SC2016,SC2050,SC2154";

function shellcheck(name: string, { text }: Script): string {
  const file = join(folder, `${name.replaceAll(/[^\w-]/g, "_")}.sh`);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  return spawnSync("shellcheck", ["-s", "dash", "-S", "warning", "-e", LEFT_OUT, file], { encoding: "utf8" })
    .stdout;
}

/** The changes that each sample needs on a board that has none of it. */
const drafts = (word: string) => {
  const type = RESOURCE_TYPES.get(word);
  const empty = {
    "rabbitmq-plugins": "list ",
    "rabbitmq-definitions": "port 1628\n",
    firewall: "end|",
    sshd: "holds|port 22\n",
    shaper: "device|eth0\ndevice|eth1\n",
    "kafka-topic": "port 2384\n",
    command: "todo one\ntodo two",
    "kernel-argument": "line|/etc/imtest/cmdline.txt:console=tty1 root=LABEL=root\n",
    "data-move": "now 1\nunit inactive\nunit active",
    disk: 'NAME="sda" TYPE="disk" SIZE="1000000000" TRAN="usb" SERIAL="it\'s 1"\nend=',
  }[word];
  const absent = located(word)
    .map(({ desired }) => absentAnswer(word, desired as Record<string, unknown>))
    .join("\n");
  return [...(type?.judge(`${empty ?? absent}\nend\nend:`, located(word)).values() ?? [])];
};

/** Of some types there is only one on a board. */
const idsOf = (word: string) => [...new Set(located(word).map(({ id }) => id))];

function absentAnswer(word: string, desired: Record<string, unknown>): string {
  if (word === "sysctl") return `/proc/sys/${String(desired["key"]).replaceAll(".", "/")}:0`;
  if (word === "service") return "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n";
  const key = String(desired["path"] ?? desired["name"]);
  return word === "file" || word === "directory" || word === "line" ? `absent|${key}` : `absent ${key}`;
}

test("each file of the folder that defines a type is registered, and each type has two samples", () => {
  const files = readdirSync("src/resources").map((name) => name.replace(/\.ts$/, ""));
  expect(words.filter((word) => !files.includes(word))).toEqual([]);
  expect(Object.keys(SAMPLES).toSorted()).toEqual(words.toSorted());
});

describe.each(words)("%s", (word) => {
  const type = RESOURCE_TYPES.get(word);

  test("proposes changes for what is not there, with an undo that carries no files", () => {
    const judged = drafts(word);
    expect(judged.map(({ kind }) => kind)).toEqual(idsOf(word).map(() => "judged"));
    for (const judgement of judged) {
      const all = judgement.kind === "judged" ? judgement.drafts : [];
      for (const { undo } of all) expect(undo?.files.size ?? 0).toBe(0);
    }
  });

  test.runIf(hasShellcheck)("passes shellcheck: probe, check, apply and undo", () => {
    expect(
      shellcheck(`${word}-probe`, type?.probe(located(word), FACTS) ?? { text: "", files: new Map() }),
    ).toBe("");
    for (const [index, judgement] of drafts(word).entries()) {
      if (judgement.kind !== "judged") continue;
      for (const { check, apply, undo } of judgement.drafts) {
        for (const [part, script] of Object.entries({ check, apply, undo })) {
          if (script !== undefined) expect(shellcheck(`${word}-${index}-${part}`, script)).toBe("");
        }
      }
    }
  });

  test("says nothing of a secret in script text", () => {
    const texts = drafts(word).flatMap((judgement) =>
      judgement.kind === "judged"
        ? judgement.drafts.flatMap(({ apply, undo, before, after }) => [
            apply.text,
            undo?.text,
            before,
            after,
          ])
        : [],
    );
    expect(texts.join("\n")).not.toContain("hush");
  });

  test("a probe that prints nothing leaves everything unknowable", () => {
    const kinds = [...(type?.judge("", located(word)).values() ?? [])].map(({ kind }) => kind);
    expect(kinds).toEqual(idsOf(word).map(() => "unknowable"));
  });
});

test("a wider probe starts no more processes, but for guards of commands", () => {
  for (const word of words.filter((each) => each !== "command")) {
    const type = RESOURCE_TYPES.get(word);
    const one = processesOf(type?.probe(located(word).slice(0, 1), FACTS));
    const two = processesOf(type?.probe(located(word), FACTS));
    expect(two, word).toBeLessThanOrEqual(one + 1);
  }
});

test.runIf(hasShellcheck)("the engine's own scripts pass shellcheck", () => {
  const handle = { run: "20260101-000000-abcdef", nonce: "0".repeat(32) };
  const entry = {
    version: 1,
    id: "file:/x" as never,
    since: "r/1",
    title: "t",
    isData: false,
    revertible: true,
  };
  const all = {
    facts: factsScript(),
    runner: runnerScript(),
    start: compileRun([], handle),
    revert: revertStep(entry).apply,
    rollback: rollbackStep(handle.run).apply,
  };
  for (const [name, script] of Object.entries(all)) expect(shellcheck(name, script)).toBe("");
});

/** Programs that a script starts on this machine, counted by strace where there is one, else 0. */
function processesOf(script: Script | undefined): number {
  if (script === undefined || spawnSync("strace", ["-V"]).status !== 0) return 0;
  const files = join(folder, "files");
  execFileSync("mkdir", ["-p", files]);
  for (const [name, content] of script.files) {
    writeFileSync(join(files, name), content instanceof Secret ? content.reveal() : content);
  }
  const trace = join(folder, "trace");
  spawnSync("strace", ["-f", "-e", "trace=execve", "-o", trace, "/bin/dash", "-c", script.text], {
    env: { PATH: process.env["PATH"], IMCLOUD_FILES: files },
  });
  return execFileSync("grep", ["-c", "= 0", trace], { encoding: "utf8" }).trim() === ""
    ? 0
    : Number(execFileSync("grep", ["-c", "= 0", trace], { encoding: "utf8" }));
}
