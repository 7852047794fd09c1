import { expect, test } from "vitest";
import { clockStep } from "../../../src/engine/clock.js";
import { parseState } from "../../../src/engine/probe.js";

const NOW_S = 1_800_000_000;
const steps = (answer: string) => clockStep(parseState(`${answer}\n`), NOW_S);

test("a board that woke up in the past gets the operator's time", () => {
  const [step] = steps(`clock ${NOW_S - 86_400}`);
  expect(step?.title).toBe("set the clock, which is 86400 s behind and not synchronised");
  expect(step?.apply.text).toContain(`@${NOW_S}`);
});

test("a clock that is synchronised, ahead or nearly right is left alone", () => {
  expect(steps(`clock ${NOW_S - 86_400} synchronized`)).toEqual([]);
  expect(steps(`clock ${NOW_S + 86_400}`)).toEqual([]);
  expect(steps(`clock ${NOW_S - 60}`)).toEqual([]);
  expect(steps("")).toEqual([]);
});
