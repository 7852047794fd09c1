/** What boards print of a measurement, and what is made of two. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { compareFigures, FIGURES, figuresOf, measureScript } from "../../../src/bench/figures.js";

/** Recorded on a virtual board with RabbitMQ; the line of fio written after its documentation. */
const ANSWER = `write=0.174871
sync=0.0713
fio=4312.5
server={"fsync":{"medianMs":0.21,"p99Ms":1.87},"broker":{"medianMs":4.1,"p99Ms":11.02,"perSecond":9876}}
headroom=3321
`;

test("a board's answer in units that people know, three digits each", () => {
  expect(figuresOf(ANSWER)).toEqual({
    ...{ writeMbS: 384, syncMs: 0.356, randomReadIops: 4310, fsyncP99Ms: 1.87 },
    ...{ brokerPerS: 9880, brokerP99Ms: 11, headroomMb: 3320 },
  });
});

test.each([
  ["a full disk", "full=1000\nheadroom=100\n", { headroomMb: 100 }],
  [
    "a server that does not know how",
    "write=1\nsync=1\nserver=\nheadroom=100\n",
    { writeMbS: 67.1, syncMs: 5, headroomMb: 100 },
  ],
  ["a server without a broker", 'server={"fsync":{"medianMs":1,"p99Ms":2}}\n', { fsyncP99Ms: 2 }],
  ["a dd that was ended", "write=\nsync=\nheadroom=7\n", { headroomMb: 7 }],
  ["silence", "", {}],
])("%s leaves out what it could not measure", (_, stdout, figures) => {
  expect(figuresOf(stdout)).toEqual(figures);
});

test("more is better or worse, by what is measured; small differences are neither", () => {
  const before = { writeMbS: 100, syncMs: 10, brokerPerS: 1000, headroomMb: 500 };
  const after = { writeMbS: 130, syncMs: 13, brokerPerS: 1100, fsyncP99Ms: 3 };
  const verdicts = compareFigures(before, after).map(({ id, verdict }) => [id, verdict]);
  expect(verdicts).toEqual([
    ["writeMbS", "better"],
    ["syncMs", "worse"],
    ["fsyncP99Ms", "unknown"],
    ["brokerPerS", "same"],
    ["headroomMb", "unknown"],
  ]);
});

test("the script measures a real disk, says so, and leaves no file", () => {
  const { stdout, status } = spawnSync("dash", ["-euc", measureScript().text], { encoding: "utf8" });
  expect(status).toBe(0);
  const figures = figuresOf(stdout);
  for (const id of ["writeMbS", "syncMs", "headroomMb"]) expect(figures[id], stdout).toBeGreaterThan(0);
  expect(Object.keys(figures).filter((id) => !FIGURES.some((figure) => figure.id === id))).toEqual([]);
  expect(spawnSync("find", ["/var/tmp", "-name", ".imcloud-measure.*"], { encoding: "utf8" }).stdout).toBe(
    "",
  );
});
