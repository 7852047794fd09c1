import { expect, test } from "vitest";
import { ALL_THERE, judge } from "../../fault/traffic.js";

const stored = [
  { id: "$a", body: "0:0" },
  { id: "$b", body: "1:0" },
  { id: "$c", body: "0:1" },
];

test("all there, with one more that was on its way", () => {
  expect(judge([["$a", "$c"], ["$b"]], stored)).toEqual(ALL_THERE);
  expect(judge([["$a"], ["$b"]], stored)).toEqual(ALL_THERE);
});

test("an acknowledged event that is not there", () => {
  expect(judge([["$a", "$c", "$d"], ["$b"]], stored)).toMatchObject({ lost: ["$d"], disordered: [0] });
});

test("a message that is there twice, under two ids or one", () => {
  expect(judge([[], []], [...stored, { id: "$d", body: "0:1" }])).toMatchObject({ repeated: ["0:1"] });
  expect(judge([[], []], [...stored, { id: "$c", body: "0:2" }])).toMatchObject({ repeated: ["$c"] });
});

test("messages of a sender in another order, or with a gap", () => {
  const [first, other, last] = stored as [never, never, never];
  expect(judge([["$a", "$c"], []], [last, other, first])).toMatchObject({ lost: [], disordered: [0] });
  expect(judge([["$c"], ["$b"]], [other, last])).toMatchObject({ lost: [], disordered: [0] });
});
