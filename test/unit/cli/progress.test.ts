import { expect, test } from "vitest";
import { jsonProgress } from "../../../src/cli/json-progress.js";
import { lineProgress } from "../../../src/cli/line-progress.js";
import type { FleetProgress } from "../../../src/fleet/progress.js";

function tell(progress: FleetProgress): void {
  const attic = progress.board("attic");
  attic.doing("probing");
  attic.measured({ phase: "writing", bytes: 5, ofBytes: 10, bytesPerSecond: 2, secondsLeft: 3 });
  attic.stepStarted("install cups", 1, 2);
  attic.output("Unpacking cups ...");
  attic.stepEnded("install cups", "done", 12_345, 1, 2);
  attic.stepEnded("start cups", "failed", undefined, 2, 2);
  attic.ended("start cups failed", false);
}

test("as a log: a line an event", () => {
  const lines: string[] = [];
  tell(lineProgress((line) => lines.push(line), false));
  expect(lines).toEqual([
    "attic: probing",
    "attic: [1/2] install cups: done (12.3 s)",
    "attic: [2/2] start cups: failed",
    "attic: failed: start cups failed",
  ]);
});

test("--verbose adds what the steps print", () => {
  const lines: string[] = [];
  tell(lineProgress((line) => lines.push(line), true));
  expect(lines).toContain("attic: [1/2] install cups ...");
  expect(lines).toContain("attic | Unpacking cups ...");
});

test("as JSON lines", () => {
  const lines: string[] = [];
  tell(jsonProgress((line) => lines.push(line)));
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.map(({ event }) => event)).toEqual([
    "doing",
    "measured",
    "step-started",
    "output",
    "step-ended",
    "step-ended",
    "ended",
  ]);
  expect(events[1]).toMatchObject({
    ...{ board: "attic", phase: "writing", bytes: 5, ofBytes: 10, bytesPerSecond: 2, secondsLeft: 3 },
  });
  expect(events[4]).toMatchObject({
    board: "attic",
    title: "install cups",
    outcome: "done",
    durationMs: 12_345,
    index: 1,
    count: 2,
  });
  for (const { time } of events) expect(time).toMatch(/^\d{4}-\d\d-\d\dT/);
});
