import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { sh } from "../../../src/board/script.js";
import { fail, ok, type HealthCheck } from "../../../src/health/check.js";
import {
  checksFor,
  checksOfPlaybooks,
  healthScript,
  judgeAll,
  splitAnswers,
} from "../../../src/health/probe.js";
import {
  healthToJson,
  healthToJunit,
  healthToPrometheus,
  worstOf,
  type BoardHealth,
} from "../../../src/health/report.js";

const NONCE = "0123456789abcdef0123456789abcdef";
const context = { playbooks: [], askedAt: new Date(), now: new Date() };

const asking = (id: string, script: ReturnType<typeof sh>, more: Partial<HealthCheck> = {}): HealthCheck => ({
  id,
  title: id,
  probe: () => script,
  judge: ({ stdout, exitCode }) => (exitCode === 0 ? ok(stdout) : fail(stdout, { hint: "mend it" })),
  ...more,
});

async function run(checks: readonly HealthCheck[]) {
  const { stdout } = await promisify(execFile)("sh", ["-c", healthScript(checks, NONCE).text]);
  return judgeAll(checks, splitAnswers(stdout, NONCE), context);
}

test("each probe has its own answer, whatever the others print or how they end", async () => {
  const findings = await run([
    asking("plain", sh`echo one; echo two`),
    asking("no-line-end", sh`printf three`),
    asking("failing", sh`echo four; exit 3`),
    asking("silent", sh`:`),
    asking("breaking", sh`exit 1; }`),
    asking("forging", sh`echo "0000 plain 0"`),
    asking("reading", sh`cat`),
  ]);
  expect(findings.map(({ check, verdict, summary }) => [check, verdict, summary])).toEqual([
    ["plain", "ok", "one\ntwo\n"],
    ["no-line-end", "ok", "three"],
    ["failing", "critical", "four\n"],
    ["silent", "ok", ""],
    ["breaking", "critical", ""],
    ["forging", "ok", "0000 plain 0\n"],
    ["reading", "ok", ""],
  ]);
});

test("one cause gives one finding", async () => {
  const findings = await run([
    asking("service", sh`exit 1`),
    asking("port", sh`exit 1`, { after: ["service"] }),
    asking("queues", sh`exit 1`, { after: ["port"] }),
    asking("disk", sh`:`),
  ]);
  expect(findings.map(({ check }) => check)).toEqual(["service", "disk"]);
});

test("a probe that did not answer is unknown, not healthy", () => {
  const [finding] = judgeAll([asking("lost", sh`:`)], new Map(), context);
  expect(finding).toMatchObject({ verdict: "unknown", summary: "the probe did not run" });
  const [late] = judgeAll(
    [asking("late", sh`:`)],
    new Map([["late", { stdout: "", exitCode: 124 }]]),
    context,
  );
  expect(late).toMatchObject({ verdict: "unknown", summary: "no answer in 40 s" });
});

test("a broker that is down is one finding: the IM server's probe meets it too", () => {
  const checks = checksFor(["rabbitmq", "imserver"]).filter(({ id }) =>
    ["rabbitmq-service", "imserver"].includes(id),
  );
  const probed = JSON.stringify({
    ok: false,
    steps: [
      { name: "login", ms: 1, ok: true },
      { name: "broker", ms: 2, ok: false, error: "ECONNREFUSED" },
    ],
  });
  const verdicts = (state: string) =>
    judgeAll(
      checks,
      new Map([
        ["rabbitmq-service", { stdout: `ActiveState=${state}\n`, exitCode: 0 }],
        ["imserver", { stdout: probed, exitCode: 1 }],
      ]),
      context,
    ).map(({ check, verdict }) => `${check} ${verdict}`);
  expect(verdicts("failed")).toEqual(["rabbitmq-service critical", "imserver ok"]);
  // Nobody else says why.
  expect(verdicts("active")).toEqual(["rabbitmq-service ok", "imserver critical"]);
});

test("only what a board is for is looked at", () => {
  const ids = checksFor(["base"]).map(({ id }) => id);
  expect(ids).toContain("disk-space");
  expect(ids).not.toContain("rabbitmq-port");
  expect(checksFor(["rabbitmq"]).map(({ id }) => id)).toContain("rabbitmq-port");
});

const HEALTH: readonly BoardHealth[] = [
  {
    board: "attic",
    verdict: "critical",
    findings: [
      {
        check: "load",
        title: "Load",
        verdict: "ok",
        summary: "five-minute load",
        measured: "0.10 a processor",
        value: 0.1,
        unit: "ratio",
      },
      {
        check: "power",
        title: "Power supply",
        verdict: "critical",
        summary: 'under-voltage <now> & "here"',
        hint: "use a better one",
      },
      { check: "reboot", title: "Reboot", verdict: "warning", summary: "pending", hint: "reboot" },
    ],
  },
];

test("the worst verdict counts; not knowing is worse than a warning", () => {
  expect(worstOf([])).toBe("ok");
  expect(worstOf(["ok", "warning"])).toBe("warning");
  expect(worstOf(["warning", "unknown", "ok"])).toBe("unknown");
  expect(worstOf(["critical", "unknown"])).toBe("critical");
  expect(worstOf(["not-applicable"])).toBe("ok");
});

test("as JSON", () => {
  expect(healthToJson(HEALTH, new Date("2026-11-23T12:00:00Z"))).toMatchObject({
    version: 1,
    at: "2026-11-23T12:00:00.000Z",
    verdict: "critical",
    boards: { attic: { verdict: "critical", findings: [{ check: "load" }, {}, {}] } },
  });
});

test("as Prometheus text", () => {
  const lines = healthToPrometheus(HEALTH).split("\n");
  expect(lines).toContain('imcloud_health_verdict{board="attic",check="power",verdict="critical"} 1');
  expect(lines).toContain('imcloud_health_verdict{board="attic",check="power",verdict="ok"} 0');
  expect(lines).toContain('imcloud_health_value{board="attic",check="load",unit="ratio"} 0.1');
  for (const line of lines)
    expect(line).toMatch(/^$|^# (HELP|TYPE) imcloud_health_\w+ .+|^imcloud_health_\w+\{[^}]+\} \S+$/);
});

test("as JUnit XML: warnings fail only when asked to", () => {
  expect(healthToJunit(HEALTH, "critical")).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="imcloud health">
  <testsuite name="attic" tests="3" failures="1">
    <testcase classname="attic" name="load"/>
    <testcase classname="attic" name="power">
      <failure type="critical" message="under-voltage &lt;now&gt; &amp; &quot;here&quot;">use a better one</failure>
    </testcase>
    <testcase classname="attic" name="reboot">
      <system-out>warning: pending; reboot</system-out>
    </testcase>
  </testsuite>
</testsuites>`);
  expect(healthToJunit(HEALTH, "warning")).toContain('failures="2"');
});

test("what playbooks bring is looked at with its causes, and nothing else", () => {
  const ids = checksOfPlaybooks(["rabbitmq", "imserver"]).map(({ id }) => id);
  expect(ids).toEqual(
    expect.arrayContaining(["rabbitmq-port", "rabbitmq-service", "imserver", "certificate"]),
  );
  for (const id of ["updates", "support", "reboot"]) expect(ids).not.toContain(id);
  const causes = checksFor(["rabbitmq", "imserver"])
    .filter(({ id }) => ids.includes(id))
    .flatMap(({ after = [] }) => after);
  const known = checksFor(["rabbitmq", "imserver"]).map(({ id }) => id);
  for (const cause of causes.filter((id) => known.includes(id))) expect(ids).toContain(cause);
  expect(checksOfPlaybooks(["base"])).toEqual([]);
});
