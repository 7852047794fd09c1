/**
 * What is said of a run that is not done.
 */
import { expect, test } from "vitest";
import { whyEnded } from "../../../src/engine/why-ended.js";
import type { StepRecord } from "../../../src/engine/types.js";

const step = (outcome: StepRecord["outcome"], more: Partial<StepRecord> = {}): StepRecord => ({
  title: "revert file:/etc/motd",
  outcome,
  ...more,
});

test.each([
  ["locked", [], "board.locked", 75],
  ["interrupted", [step("unfinished")], "engine.interrupted", 4],
  ["interrupted", [], "engine.interrupted", 4],
  ["failed", [step("failed", { exitCode: 3, tail: ["no such file"] })], "engine.step-failed", 4],
  ["failed", [step("moved")], "engine.step-failed", 4],
] as const)("%s after %j is %s", (outcome, steps, code, exitCode) => {
  const error = whyEnded("pi", { outcome, steps, complaint: "" });
  expect([error.code, error.exitCode]).toEqual([code, exitCode]);
});

test("the last words of a failed step, and where it stands in a playbook, are told", () => {
  const steps = [step("failed", { exitCode: 3, tail: ["no such file"] })];
  const origin = { file: "base.yaml", line: 3 };
  const error = whyEnded("pi", { outcome: "failed", steps, complaint: "" }, () => origin);
  expect(error.details).toMatchObject({ origin, found: "exit code 3\nno such file" });
});
