/**
 * Each check by what a board printed: recorded on boards and virtual boards, or, where marked, written after
 * the documentation of the program.
 */
import { expect, test } from "vitest";
import { CHECKS } from "../../../src/health/checks.js";
import { BOARD_CASES } from "./board-cases.js";
import { check, judge, NOW } from "./judging.js";
import { SERVICE_CASES } from "./service-cases.js";

const CASES = [...BOARD_CASES, ...SERVICE_CASES];

const named = CASES.map(([title, id, stdout, verdict, summary, exitCode = 0]) => ({
  title,
  id,
  stdout,
  verdict,
  summary,
  exitCode,
}));

test.each(named)("$title ($id)", ({ id, stdout, verdict, summary, exitCode }) => {
  const judgement = judge(id, stdout, exitCode);
  expect(judgement.verdict).toBe(verdict);
  if (typeof summary === "string") expect(judgement.summary).toBe(summary);
  else expect(judgement.summary).toMatch(summary);
  // Whoever reads of something bad must be told what to do.
  if (verdict !== "ok" && verdict !== "not-applicable") expect(judgement.hint).toMatch(/\S/);
});

test("every check has a case, and its id is unique", () => {
  const tested = new Set([...CASES.map(([, id]) => id), "certificate"]);
  expect(CHECKS.map(({ id }) => id).filter((id) => !tested.has(id))).toEqual([]);
  expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
});

test("a check comes after its causes", () => {
  const ids = CHECKS.map(({ id }) => id);
  for (const { id, after = [] } of CHECKS) {
    for (const cause of after) expect(ids.indexOf(cause)).toBeLessThan(ids.indexOf(id));
    for (const cause of after) expect(ids).toContain(cause);
  }
});

test("a broker over a radio is warned of", () => {
  const { verdict, summary } = check("link").judge(
    { stdout: "device=wlan0\nthere=yes\nwifi=yes\nroot=mq 0:", exitCode: 0 },
    { playbooks: ["base", "rabbitmq"], bad: new Set(), askedAt: NOW, now: NOW },
  );
  expect({ verdict, summary }).toEqual({
    verdict: "warning",
    summary: "wlan0 is a radio, and the board has a broker",
  });
});

test("the temperature's way is told with it", () => {
  const measured = (rows: string) => judge("temperature", `temperature=68000\n${rows}`).measured;
  expect(measured("was 100 60000\nwas 1000 68000\n")).toBe("68 °C, +8 °C in 15 min");
  expect(measured("was 100 70500\nwas 1000 68000\n")).toBe("68 °C, -3 °C in 15 min");
  expect(measured("was 950 60000\nwas 1000 68000\n")).toBe("68 °C");
});
