import { describe, expect, test } from "vitest";
import type { Facts } from "../../../src/board/facts.js";
import { planToJson, renderPlan } from "../../../src/cli/render-plan.js";
import { nothing } from "../../../src/board/script.js";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import type { BoardPlan, Change } from "../../../src/engine/types.js";
import type { BoardOutcome } from "../../../src/fleet/each-board.js";
import type { PlannedBoard } from "../../../src/fleet/plan.js";
import { resourceId } from "../../../src/resources/resource.js";
import { ImcloudError } from "../../../src/shared/errors.js";

const [attic] = readConfig(
  parseYaml("version: 1\ncloud: { name: home }\nboards: { attic: }", "imcloud.yaml"),
).boards;
if (attic === undefined) throw new Error("no board");

const facts = {
  os: { id: "debian", versionId: "12", prettyName: "Debian 12" },
  model: "Raspberry Pi 4",
  arch: "arm64",
} as Facts;
const NOW = new Date("2026-11-23T12:00:00Z");
const change = (type: string, key: string, more: Partial<Change>): Change => ({
  id: `${type}:${key}`,
  resource: resourceId(type, key),
  origin: { file: "base.yaml", line: 3 },
  playbook: "base",
  kind: "update",
  risk: "none",
  before: "60",
  after: "10",
  apply: nothing,
  ...more,
});
const planned = (plan: Partial<BoardPlan>): BoardOutcome<PlannedBoard> => ({
  board: attic,
  ok: true,
  value: {
    plan: {
      board: "attic",
      facts,
      state: { managed: [], owing: [] },
      changes: [],
      waiting: [],
      unmanaged: [],
      resourceCount: 7,
      digest: "d",
      ...plan,
    },
    counts: { execs: 2, handshakes: 1 },
  },
});
const plain = { red: String, dim: String, cyan: String, green: String, yellow: String, bold: String };
const render = (plan: Partial<BoardPlan>, width = 80) =>
  renderPlan([planned(plan)], { paint: plain, width }, NOW);

describe("for people", () => {
  test("nothing to change", () => {
    expect(render({})).toBe("attic Debian 12, Raspberry Pi 4\n  nothing to change (7 resources)");
  });

  test("a restart that no playbook asks for now", () => {
    const owed = { id: "restart:x.service", resource: resourceId("restart", "x.service") };
    const { origin: _, playbook: __, ...rest } = change("restart", "x.service", { risk: "restart" });
    expect(render({ changes: [{ ...rest, ...owed }] })).toContain(
      "\n  owed since an earlier run\n    ~ restart:x.service [restart]",
    );
  });

  test("a release without free security updates is said to be so, and which have them", () => {
    const os = { ...facts.os, versionId: "11", prettyName: "Debian 11" };
    expect(render({ facts: { ...facts, os } })).toBe(`attic Debian 11, Raspberry Pi 4
  ! no free security updates since 2026-08-31; supported: Ubuntu 22.04, Raspberry Pi OS bookworm, Ubuntu 24.04, Raspberry Pi OS trixie
  nothing to change (7 resources)`);
  });

  test("short values side by side, the playbook above them, a risk beside them", () => {
    const changes = [
      change("sysctl", "vm.swappiness", {}),
      change("service", "ssh.service", { risk: "restart", before: "old", after: "new", playbook: "tuning" }),
    ];
    expect(render({ changes })).toBe(`attic Debian 12, Raspberry Pi 4
  base
    ~ sysctl:vm.swappiness  60 -> 10
  tuning
    ~ service:ssh.service [restart]  old -> new`);
  });

  test("of a file only the lines that differ, and not too many of them", () => {
    const lines = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => `line ${from + n}`).join("\n");
    const before = `head\nold\ntail`;
    const after = `head\nnew\ntail`;
    expect(render({ changes: [change("file", "/etc/x", { before, after })] })).toContain(
      "~ file:/etc/x\n        - old\n        + new",
    );
    const long = render({
      changes: [change("file", "/etc/x", { kind: "create", before: "", after: lines(0, 40) })],
    });
    expect(long).toContain("        + line 11\n        … 28 more lines");
    expect(long).not.toContain("line 12\n");
  });

  test("what must wait says why; what nobody asks for any more is named", () => {
    const plan = render({
      waiting: [
        {
          title: "rabbitmq.conf",
          origin: { file: "rabbitmq.yaml", line: 9 },
          because: "rabbitmq-server is not installed yet",
        },
      ],
      unmanaged: [
        {
          version: 1,
          id: resourceId("file", "/etc/old"),
          since: "r/1",
          title: "old",
          isData: false,
          revertible: true,
        },
      ],
    });
    expect(plan).toContain("judged after that\n    ? rabbitmq.conf  rabbitmq-server is not installed yet");
    expect(plan).toContain("no longer managed (`apply --prune` reverts them)\n    - file:/etc/old");
  });

  test("no line is wider than the terminal", () => {
    const changes = [
      change("file", "/etc/x", { before: "", after: `${"x".repeat(300)}\n` }),
      change("sysctl", "a", { after: "9".repeat(300) }),
    ];
    for (const line of render({ changes }, 60).split("\n")) expect(line.length).toBeLessThanOrEqual(60);
  });
});

test("for programs: every board, those that failed too, and no scripts", () => {
  const error = new ImcloudError("board.unreachable", "it does not answer", { hint: "look" });
  const outcomes = [
    planned({ changes: [change("sysctl", "a", {})] }),
    { board: { ...attic, name: "shed" }, ok: false as const, error },
  ];
  const document = planToJson(outcomes, NOW);
  expect(document).toMatchObject({
    version: 1,
    boards: {
      attic: {
        outcome: "changes",
        digest: "d",
        execs: 2,
        handshakes: 1,
        changes: [{ resource: "sysctl:a", before: "60", after: "10" }],
      },
      shed: { outcome: "failed", error: { code: "board.unreachable" } },
    },
  });
  expect(JSON.stringify(document)).not.toContain('"apply"');
  expect(JSON.stringify(document)).not.toContain('"unsupported"');
  const old = planned({ facts: { ...facts, os: { ...facts.os, versionId: "10" } } });
  expect(planToJson([old], NOW)).toMatchObject({
    boards: {
      attic: { unsupported: expect.stringContaining("no free security updates since 2024-06-30") as string },
    },
  });
});
