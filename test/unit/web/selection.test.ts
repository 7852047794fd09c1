import { expect, test } from "vitest";
import { wrap } from "../../../src/web/chat/selection.js";

/** What is selected stands between bars. */
function wrapped(text: string, sign: string): string {
  const [left = "", middle = "", right = ""] = text.split("|");
  const it = wrap(
    { text: left + middle + right, start: left.length, end: left.length + middle.length },
    sign,
  );
  return `${it.text.slice(0, it.start)}|${it.text.slice(it.start, it.end)}|${it.text.slice(it.end)}`;
}

test.each([
  ["a |word| b", "**", "a **|word|** b"],
  ["a **|word|** b", "**", "a |word| b"],
  ["a |word| b", "*", "a *|word|* b"],
  ["a *|word|* b", "*", "a |word| b"],
  ["a **|word|** b", "*", "a ***|word|*** b"],
  ["a ***|word|*** b", "**", "a *|word|* b"],
  ["a| word |b", "**", "a **|word|** b"],
  ["a || b", "**", "a **||** b"],
  ["a **||** b", "**", "a || b"],
])("%j and %j", (text, sign, wanted) => {
  expect(wrapped(text, sign)).toBe(wanted);
});
