/** Which runs a rollback takes back. */
import { expect, test } from "vitest";
import { runsToUndo, type Record } from "../../../src/fleet/undo.js";

const record = (command: string, ...runs: string[]): Record => ({
  command,
  boards: { pi: { waves: runs.map((run) => ({ run })) } },
});
const rolledBack = (run: string, of: readonly string[], outcome = "done"): Record => ({
  command: "rollback",
  boards: {
    pi: { waves: [{ run, steps: of.map((each) => ({ title: `roll back run ${each}`, outcome })) }] },
  },
});
const reverted: Record = {
  command: "apply",
  boards: {
    pi: {
      waves: [
        { run: "3", steps: [{ title: "update file:/etc/hosts", outcome: "done" }] },
        { run: "4", steps: [{ title: "roll back run 3", outcome: "done" }] },
      ],
    },
  },
};

test.each<[string, readonly Record[], string | undefined, readonly string[]]>([
  ["the waves of the last apply", [record("apply", "3", "4"), record("apply", "1", "2")], "4", ["3", "4"]],
  ["an apply that changed nothing is passed over", [record("apply"), record("apply", "1")], "1", ["1"]],
  ["an apply that was killed left no record", [record("apply", "1", "2")], "3", ["3"]],
  ["a rollback is no apply", [record("rollback", "3"), record("apply", "1", "2")], "3", ["1", "2"]],
  [
    "one more back",
    [rolledBack("5", ["3", "4"]), record("apply", "3", "4"), record("apply", "1")],
    "5",
    ["1"],
  ],
  ["nothing is left to go back to", [rolledBack("3", ["2", "1"]), record("apply", "1", "2")], "3", []],
  ["what failed is tried again", [rolledBack("3", ["2"], "failed"), record("apply", "2")], "3", ["2"]],
  ["an apply that took itself back", [reverted, record("apply", "1")], "4", ["1"]],
  ["a wave that never began", [record("apply", "1", "2")], "1", ["1", "2"]],
  ["no record at all", [], "7", ["7"]],
  ["nothing anywhere", [], undefined, []],
])("%s", (_title, records, lastOnBoard, runs) => {
  expect(runsToUndo(records, "pi", lastOnBoard)).toEqual(runs);
});
