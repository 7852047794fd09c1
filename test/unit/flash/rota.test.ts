/** Whose card is next, where there are more boards than readers. */
import { expect, test } from "vitest";
import { Rota } from "../../../src/flash/rota.js";

const rest = (rota: Rota): readonly number[] => {
  const places: number[] = [];
  for (let place = rota.next(); place !== undefined; place = rota.next()) places.push(place);
  return places;
};

test("in the order of the list", () => {
  expect(rest(new Rota(3))).toEqual([0, 1, 2]);
});

test("a spoilt card's board comes again after the others, and once only", () => {
  const rota = new Rota(3);
  expect(rota.next()).toBe(0);
  expect(rota.spoil(0)).toBe(true);
  expect([rota.next(), rota.next(), rota.next()]).toEqual([1, 2, 0]);
  expect(rota.spoil(0)).toBe(false);
  expect(rota.next()).toBe(undefined);
});

test("a board whose card never came keeps its two cards", () => {
  const rota = new Rota(2);
  expect(rota.next()).toBe(0);
  rota.giveBack(0);
  expect([rota.next(), rota.next()]).toEqual([1, 0]);
  expect(rota.spoil(0)).toBe(true);
});
