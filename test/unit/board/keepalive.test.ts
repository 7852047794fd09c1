import { expect, test } from "vitest";
import { deadAfterMs } from "../../../src/board/keepalive.js";

test("the probes that stay unanswered, and the silence before the first", () => {
  expect(deadAfterMs(5_000, 3)).toBe(20_000);
  expect(deadAfterMs(100, 0)).toBe(100);
});

test.each([
  [0, 3],
  [-1, 3],
  [Number.NaN, 3],
  [5_000, -1],
])("deadAfterMs(%d, %d) is refused", (intervalMs, maxUnanswered) => {
  expect(() => deadAfterMs(intervalMs, maxUnanswered)).toThrow(RangeError);
});
