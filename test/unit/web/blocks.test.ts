import fc from "fast-check";
import type { MatrixEvent } from "matrix-js-sdk";
import { expect, test } from "vitest";
import { inBlocks, type Block, type Row } from "../../../src/web/chat/blocks.js";

const event = {} as MatrixEvent;
const row = (number: number, version = 0): Row => ({
  id: `$${number}`,
  event,
  version,
  kind: "message",
  isNewDay: false,
  isContinued: false,
  isFirstNew: false,
  readers: "",
});
const range = (first: number, end: number): Row[] =>
  Array.from({ length: end - first }, (_, index) => row(first + index));
const rowsOf = (blocks: readonly Block[]): readonly Row[] => blocks.flatMap(({ rows }) => rows);
const sizes = (blocks: readonly Block[]): readonly number[] => blocks.map(({ rows }) => rows.length);

test("a first screen is cut into blocks", () => {
  expect(sizes(inBlocks(range(0, 40), []))).toEqual([12, 12, 12, 4]);
});

test("what comes above fills the block there, and then others; the rest is left as it was", () => {
  const before = inBlocks(range(100, 140), []);
  const after = inBlocks(range(97, 140), before);
  expect(sizes(after)).toEqual([3, 12, 12, 12, 4]);
  expect(after.slice(1)).toEqual(before);
  expect(after.slice(1).every((block, index) => block === before[index])).toBe(true);
  expect(sizes(inBlocks(range(87, 140), after))).toEqual([1, 12, 12, 12, 12, 4]);
});

test("what comes below fills the block there, and then others", () => {
  const before = inBlocks(range(0, 40), []);
  const after = inBlocks(range(0, 50), before);
  expect(sizes(after)).toEqual([12, 12, 12, 12, 2]);
  expect(after.slice(0, 3).every((block, index) => block === before[index])).toBe(true);
});

test("a row that has changed changes its block alone", () => {
  const before = inBlocks(range(0, 40), []);
  const after = inBlocks([...range(0, 20), row(20, 1), ...range(21, 40)], before);
  expect(after.map((block, index) => block === before[index])).toEqual([true, false, true, true]);
  expect(after[1]?.rows[0]).toBe(before[1]?.rows[0]);
});

test("another place has nothing of this one's", () => {
  expect(rowsOf(inBlocks(range(500, 540), inBlocks(range(0, 40), [])))).toEqual(range(500, 540));
});

test("wherever rows come, go, change and change places: all of them are there once, in order", () => {
  const scene = fc.uniqueArray(fc.tuple(fc.nat(60), fc.nat(1)), {
    maxLength: 60,
    selector: ([number]) => number,
  });
  fc.assert(
    fc.property(fc.array(scene, { minLength: 1, maxLength: 6 }), (scenes) => {
      let blocks: readonly Block[] = [];
      for (const numbers of scenes) {
        const rows = numbers.map(([number, version]) => row(number, version));
        blocks = inBlocks(rows, blocks);
        expect(rowsOf(blocks)).toEqual(rows);
        const ids = blocks.map(({ id }) => id);
        expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));
        expect(blocks.every(({ rows: { length } }) => length > 0)).toBe(true);
      }
    }),
  );
});
