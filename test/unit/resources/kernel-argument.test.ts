/** The kernel's command line, edited by the real scripts in a folder of this machine. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Script } from "../../../src/board/script.js";
import { kernelArgument } from "../../../src/resources/kernel-argument.js";
import { resourceId } from "../../../src/resources/resource.js";
import { FACTS } from "../facts.js";

const folder = mkdtempSync(join(tmpdir(), "imcloud-cmdline-"));
const path = join(folder, "cmdline.txt");
afterAll(() => rmSync(folder, { recursive: true }));

const LINE = "console=serial0,115200 root=PARTUUID=1234-02 rootfstype=ext4 fsck.repair=yes rootwait";
beforeEach(() => writeFileSync(path, `${LINE}\n`));
const now = (): string => readFileSync(path, "utf8");

/** /run is the machine's: the mark that a reboot is due goes beside the file. */
const run = ({ text }: Script): number | null =>
  spawnSync("dash", ["-euc", text.replaceAll("/run/reboot-required", join(folder, "reboot-required"))], {
    encoding: "utf8",
  }).status;

const wish = (argument: string, only = false) => {
  const desired = kernelArgument.schema.parse({ path, argument, only });
  return [
    {
      id: resourceId("kernel-argument", kernelArgument.key(desired)),
      desired,
      origin: { file: "x", line: 1 },
    },
  ];
};

const changes = (argument: string, only = false) => {
  const all = wish(argument, only);
  const { stdout } = spawnSync("dash", ["-c", kernelArgument.probe(all, FACTS).text], { encoding: "utf8" });
  const [seen] = kernelArgument.observe(stdout, all).values();
  const [first] = all;
  if (seen === undefined || first === undefined) throw new Error("nothing observed");
  return seen.kind === "unknowable" ? seen : kernelArgument.diff(first.desired, seen);
};

const drafts = (argument: string, only = false) => {
  const found = changes(argument, only);
  if ("kind" in found) throw new Error(found.because);
  return found;
};

describe("an argument", () => {
  test("is added behind the others, once, and taken back alone", () => {
    const [draft] = drafts("cgroup_enable=memory");
    if (draft?.undo === undefined) throw new Error("no change");
    expect([run(draft.apply), run(draft.apply)]).toEqual([0, 0]);
    expect(now()).toBe(`${LINE} cgroup_enable=memory\n`);
    expect(drafts("cgroup_enable=memory")).toEqual([]);
    writeFileSync(path, now().replace("rootwait", "rootwait quiet"));
    expect(run(draft.undo)).toBe(0);
    expect(now()).toBe(`${LINE} quiet\n`);
  });

  test("that the kernel takes once replaces its other values, and the undo brings them back", () => {
    writeFileSync(path, `${LINE} usb-storage.quirks=1:2:u\n`);
    const [draft] = drafts("usb-storage.quirks=152d:0578:u", true);
    if (draft?.undo === undefined) throw new Error("no change");
    expect(draft.before).toBe("usb-storage.quirks=1:2:u");
    expect(run(draft.apply)).toBe(0);
    expect(now()).toBe(`${LINE} usb-storage.quirks=152d:0578:u\n`);
    expect(run(draft.undo)).toBe(0);
    expect(now()).toBe(`${LINE} usb-storage.quirks=1:2:u\n`);
  });

  test("beside others of its name stays beside them", () => {
    writeFileSync(path, `${LINE} cgroup_enable=cpuset\n`);
    const [draft] = drafts("cgroup_enable=memory");
    expect(draft && run(draft.apply)).toBe(0);
    expect(now()).toBe(`${LINE} cgroup_enable=cpuset cgroup_enable=memory\n`);
  });

  test.each([
    ["two lines", `${LINE}\nquiet\n`],
    ["no file", undefined],
    ["an empty file", ""],
  ])("is left alone by %s, which would not boot", (_, text) => {
    if (text === undefined) rmSync(path);
    else writeFileSync(path, text);
    expect(changes("cgroup_enable=memory")).toMatchObject({
      kind: "unknowable",
      because: `${path} is not one line`,
    });
  });

  test("never costs another word, whatever the line holds", () => {
    const word = fc.string({
      unit: fc.constantFrom(..."abz019.=,_-:/\"'$*\\&".split("")),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
        writeFileSync(path, `${words.join(" ")}\n`);
        const [draft] = drafts("cgroup_enable=memory");
        expect(draft && run(draft.apply)).toBe(0);
        expect(now()).toBe(`${[...words, "cgroup_enable=memory"].join(" ")}\n`);
      }),
      { numRuns: 40 },
    );
  });
});

test("an argument with a space is refused, for it would be two", () => {
  const parsed = kernelArgument.schema.safeParse({ path, argument: "init=/bin/sh quiet" });
  expect(parsed.error?.issues[0]?.message).toContain("one word without spaces");
});
