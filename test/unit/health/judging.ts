/** A check, and what it makes of what a board printed. */
import type { HealthCheck, Judgement } from "../../../src/health/check.js";
import { CHECKS } from "../../../src/health/checks.js";

export type Case = readonly [
  title: string,
  id: string,
  stdout: string,
  verdict: Judgement["verdict"],
  summary: string | RegExp,
  exitCode?: number,
];

export const NOW = new Date("2026-11-23T12:00:00Z");
export const check = (id: string): HealthCheck => {
  const found = CHECKS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
};
export const judge = (id: string, stdout: string, exitCode = 0): Judgement =>
  check(id).judge(
    { stdout, exitCode },
    { playbooks: [], bad: new Set(), askedAt: new Date(NOW.getTime() - 2_000), now: NOW },
  );
