import fc from "fast-check";
import { expect, test } from "vitest";
import { compared, inTurns, measured } from "../../bench/metric.js";

const heading = { bench: "b", metric: "m", unit: "ms" };
const pairs = (...ratios: number[]) => ratios.map((ratio) => ({ value: ratio * 10, baseline: 10 }));

test("the median ratio is compared with the goal", () => {
  expect(compared({ ...heading, goal: { atMost: 2.5 } }, pairs(1, 1.1, 1.2, 1.1, 1.3))).toMatchObject({
    value: 11,
    baseline: 10,
    ratio: 1.1,
    spread: 0.3,
    samples: 5,
    holds: true,
  });
  expect(compared({ ...heading, goal: { atMost: 1 } }, pairs(2, 2, 2.1)).holds).toBe(false);
  expect(compared({ ...heading, goal: { atLeast: 0.4 } }, pairs(0.5, 0.51)).holds).toBe(true);
  expect(compared({ ...heading, goal: { atLeast: 0.4 } }, pairs(0.1, 0.11)).holds).toBe(false);
});

test("pairs that lie further apart than the goal is away decide nothing", () => {
  expect(compared({ ...heading, goal: { atMost: 2.5 } }, pairs(1, 2.4, 3)).holds).toBeNull();
  expect(compared(heading, pairs(1)).holds).toBeNull();
});

test("a value can have a goal of its own", () => {
  expect(measured({ ...heading, goal: { atMost: 200 } }, [100, 102])).toMatchObject({
    value: 101,
    baseline: null,
    holds: true,
  });
  expect(() => measured(heading, [])).toThrow(RangeError);
});

test("the verdict does not depend on the order of the samples", () => {
  const samples = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(samples, (values) => {
      const goal = { atMost: 3 };
      expect(measured({ ...heading, goal }, values)).toEqual(
        measured({ ...heading, goal }, values.toReversed()),
      );
    }),
  );
});

test("ours and the baseline take turns at being first", async () => {
  const calls: string[] = [];
  const side = (name: string, result: number) => () => (calls.push(name), Promise.resolve(result));
  expect(await inTurns(2, side("ours", 1), side("theirs", 2))).toEqual([
    { value: 1, baseline: 2 },
    { value: 1, baseline: 2 },
  ]);
  expect(calls).toEqual(["ours", "theirs", "theirs", "ours"]);
});
