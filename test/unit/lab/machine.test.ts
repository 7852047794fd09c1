import { expect, test } from "vitest";
import { missing, type Machine } from "../../../src/lab/machine.js";

const debian: Machine = {
  platform: "linux",
  userId: 0,
  hasApt: true,
  families: ["debian"],
  hasOverlayfs: true,
  hasCgroup2: true,
};

test("a Debian machine with root lacks nothing", () => {
  expect(missing(debian)).toEqual([]);
  expect(missing({ ...debian, families: ["ubuntu", "debian"] })).toEqual([]);
});

test.each<[string, Partial<Machine>, RegExp]>([
  ["another system", { platform: "darwin" }, /need Linux/],
  ["no root", { userId: 1000 }, /root is needed/],
  ["another distribution", { families: ["fedora"] }, /Debian or Ubuntu/],
  ["no apt", { hasApt: false }, /Debian or Ubuntu/],
  ["no overlayfs", { hasOverlayfs: false }, /overlayfs/],
  ["no cgroup2", { hasCgroup2: false }, /cgroup2/],
])("%s is said", (_what, difference, sentence) => {
  const sentences = missing({ ...debian, ...difference });
  expect(sentences).toHaveLength(1);
  expect(sentences[0]).toMatch(sentence);
});
