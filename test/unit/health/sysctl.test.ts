/**
 * Which file has the last word on a kernel setting, on folders laid out as the releases lay them out; where
 * systemd is there to be asked, its own reading of them is the judge of ours.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Judgement } from "../../../src/health/check.js";
import { sysctl } from "../../../src/health/checks/sysctl.js";

const OURS = "/etc/sysctl.d/60-imcloud.conf";
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "imcloud-sysctl-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** A text, or where a link leads. */
type Layout = Readonly<Record<string, string | { readonly to: string }>>;

function lay(files: Layout): void {
  for (const [path, what] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (typeof what === "string") writeFileSync(join(root, path), what);
    else symlinkSync(what.to, join(root, path));
  }
}

/** The check's own probe, on that folder instead of on the whole machine. */
function judge(): Judgement {
  const folders = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];
  const text = sysctl
    .probe()
    .text.replace(folders.join(" "), folders.map((folder) => root + folder).join(" "));
  const stdout = execFileSync("sh", ["-c", text], { encoding: "utf8" }).replaceAll(root, "");
  return sysctl.judge(
    { stdout, exitCode: 0 },
    { playbooks: ["tuning"], bad: new Set(), askedAt: new Date(), now: new Date() },
  );
}

/** The value that systemd would set: the last one it reads. */
function bySystemd(key: string): string | undefined {
  const read = execFileSync("systemd-analyze", ["cat-config", "--no-pager", `--root=${root}`, "sysctl.d"], {
    encoding: "utf8",
  });
  return [...read.matchAll(/^([\w./-]+)\s*=\s*(.*)$/gm)].filter(([, name]) => name === key).at(-1)?.[2];
}

const OWN = "# why\nvm.swappiness = 10\n# why (or more)\nnet.core.somaxconn = 4096\n";
/** Debian 11 and 12 and Ubuntu; trixie has neither the link nor a reader of the file. */
const LINK = { "/etc/sysctl.d/99-sysctl.conf": { to: "../sysctl.conf" } };

const CASES: readonly (readonly [title: string, files: Layout, summary: string, winner: string])[] = [
  [
    "bookworm as it comes",
    { ...LINK, "/etc/sysctl.conf": "#vm.swappiness=60\n" },
    "the next boot keeps them",
    "10",
  ],
  [
    "bookworm with the old habit of editing sysctl.conf",
    { ...LINK, "/etc/sysctl.conf": "vm.swappiness=60\n" },
    "at the next boot /etc/sysctl.d/99-sysctl.conf makes vm.swappiness 60, not 10",
    "60",
  ],
  [
    "trixie, where nobody reads it",
    { "/etc/sysctl.conf": "vm.swappiness=60\n" },
    "the next boot keeps them",
    "10",
  ],
  [
    "an earlier name loses",
    { "/usr/lib/sysctl.d/50-default.conf": "vm.swappiness = 30\n" },
    "the next boot keeps them",
    "10",
  ],
  [
    "a later name wins from any folder",
    { "/lib/sysctl.d/70-vendor.conf": "vm.swappiness = 30\n" },
    "at the next boot /lib/sysctl.d/70-vendor.conf makes vm.swappiness 30, not 10",
    "30",
  ],
  [
    "of one name the first folder counts",
    {
      "/etc/sysctl.d/70-vendor.conf": "# nothing\n",
      "/run/sysctl.d/70-vendor.conf": "vm.swappiness = 20\n",
      "/usr/lib/sysctl.d/70-vendor.conf": "vm.swappiness = 30\n",
    },
    "the next boot keeps them",
    "10",
  ],
  [
    "a file that was switched off",
    {
      "/etc/sysctl.d/70-vendor.conf": { to: "/dev/null" },
      "/usr/lib/sysctl.d/70-vendor.conf": "vm.swappiness = 30\n",
    },
    "the next boot keeps them",
    "10",
  ],
  [
    "the same value is no conflict",
    { "/etc/sysctl.d/99-own.conf": "vm.swappiness=10\n" },
    "the next boot keeps them",
    "10",
  ],
  [
    "more is as good where the table says so",
    { "/etc/sysctl.d/99-own.conf": "net.core.somaxconn = 65535\n" },
    "the next boot keeps them",
    "10",
  ],
  [
    "and is not to be lowered",
    { "/etc/sysctl.d/10-own.conf": "net.core.somaxconn = 65535\n" },
    `at the next boot ${OURS} makes net.core.somaxconn 4096, less than 65535 of /etc/sysctl.d/10-own.conf`,
    "10",
  ],
  [
    "two at once",
    { "/etc/sysctl.d/99-own.conf": "vm.swappiness = 1\nnet.core.somaxconn = 128\n" },
    "at the next boot /etc/sysctl.d/99-own.conf makes vm.swappiness 1, not 10; /etc/sysctl.d/99-own.conf makes net.core.somaxconn 128, not 4096",
    "1",
  ],
];

test.each(CASES.map(([title, files, summary, winner]) => ({ title, files, summary, winner })))(
  "$title",
  ({ files, summary, winner }) => {
    lay({ [OURS]: OWN, ...files });
    const judgement = judge();
    expect(judgement.summary).toBe(summary);
    expect(judgement.verdict).toBe(summary.startsWith("the next boot") ? "ok" : "warning");
    if (hasSystemd) expect(bySystemd("vm.swappiness")).toBe(winner);
  },
);

test("it says where the line is to be changed, and how to agree with it", () => {
  lay({ [OURS]: OWN, ...LINK, "/etc/sysctl.conf": "; old\n  vm.swappiness\t=  60  \n" });
  expect(judge().hint).toBe(
    "take the key out of /etc/sysctl.conf, or agree with it in imcloud.yaml: `vars: { sysctl: { vm.swappiness: 60 } }`",
  );
});

test("keys with slashes, patterns and lines that are none", () => {
  lay({
    [OURS]: OWN,
    "/etc/sysctl.d/99-own.conf":
      "-vm/swappiness = 5\nnet.core.* = 1\nkernel.hostname\n-net.ipv4.conf.eth0.rp_filter\n",
  });
  expect(judge().summary).toBe("at the next boot /etc/sysctl.d/99-own.conf makes vm.swappiness 5, not 10");
});
