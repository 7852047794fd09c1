import fc from "fast-check";
import { expect, test } from "vitest";
import { isAlive, parseNamespacePids, parseStat, processIdentity } from "../../../src/lab/processes.js";

const line = (name: string) =>
  `17 (${name}) S 1 17 17 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 98765 1000 50\n`;

test("a program may be called anything", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 15 }), (name) => {
      expect(parseStat(line(name))).toEqual({ pid: 17, state: "S", startTicks: 98765 });
    }),
  );
  expect(parseStat(line("a) R 1 (b"))?.startTicks).toBe(98765);
});

test.each(["", "17", "17 (sh) S 1 2"])("%j is no stat line", (text) =>
  expect(parseStat(text)).toBeUndefined(),
);

test("numbers in each namespace, outermost first", () => {
  expect(parseNamespacePids("Name:\tsystemd\nNSpid:\t4242\t7\t1\nVmPeak:\t1 kB\n")).toEqual([4242, 7, 1]);
  expect(parseNamespacePids("Name:\tsystemd\n")).toEqual([]);
});

test("a process is itself, and its number alone is not", async () => {
  const self = await processIdentity(process.pid);
  if (self === undefined) throw new Error("this process has no stat line");
  expect(await isAlive(self)).toBe(true);
  expect(await isAlive({ ...self, startTicks: self.startTicks + 1 })).toBe(false);
  expect(await isAlive({ pid: 2 ** 22 + 1, startTicks: 1 })).toBe(false);
});
