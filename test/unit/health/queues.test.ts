/**
 * tc's text by version. `-6.1` was recorded on an emulated board (iproute2 6.1, Linux 6.1, aarch64); `-4.15` was
 * written after iproute2's sources of that version, and says what a multi-queue board would.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseQueues } from "../../../src/health/queues.js";

const read = (name: string) => parseQueues(readFileSync(join(import.meta.dirname, "tc", name), "utf8"));

test("cake: a class for each tin, outward and inward", () => {
  expect(read("cake-6.1.txt")).toEqual({
    isConfigured: true,
    isMarked: true,
    outward: {
      ...{ device: "eth0", kind: "cake", isOurs: true, rateKbit: 19_000 },
      classes: [
        { name: "bulk", sentBytes: 0, sentPackets: 0, dropped: 0, backlogBytes: 0 },
        { name: "best effort", sentBytes: 48_778, sentPackets: 344, dropped: 0, backlogBytes: 0 },
        { name: "video", sentBytes: 0, sentPackets: 0, dropped: 0, backlogBytes: 0 },
        { name: "voice", sentBytes: 383, sentPackets: 2, dropped: 0, backlogBytes: 0 },
      ],
    },
    inward: {
      ...{ device: "ifb-imcloud", kind: "cake", isOurs: true, rateKbit: 38_000 },
      classes: [{ name: "tin 0", sentBytes: 62_032, sentPackets: 423, dropped: 0, backlogBytes: 0 }],
    },
  });
});

test("cake: what waits and what was dropped, with their units", () => {
  const text = readFileSync(join(import.meta.dirname, "tc", "cake-6.1.txt"), "utf8")
    .replace(
      /(qdisc\| {2}backlog +)0b( +)0b/,
      (_all, one: string, other: string) => `${one}12Kb${other}1514b`,
    )
    .replace(/(qdisc\| {2}drops +)0( +)0/, (_all, one: string, other: string) => `${one}7${other}3`);
  expect(parseQueues(text)?.outward?.classes.slice(0, 2)).toMatchObject([
    { dropped: 7, backlogBytes: 12_288 },
    { dropped: 3, backlogBytes: 1_514 },
  ]);
});

test("htb: classes by what they are for; drops are those of their leaves", () => {
  const report = read("htb-6.1.txt");
  expect(report?.outward).toMatchObject({ kind: "htb", isOurs: true, rateKbit: 19_000 });
  expect(report?.outward?.classes.map(({ name }) => name)).toEqual(["chat", "everything else", "bulk"]);
  expect(report?.inward).toMatchObject({ device: "ifb-imcloud", kind: "htb", rateKbit: 38_000 });

  expect(read("htb-4.15.txt")).toEqual({
    isConfigured: true,
    isMarked: true,
    inward: null,
    outward: {
      ...{ device: "eth0", kind: "htb", isOurs: true, rateKbit: 950 },
      classes: [
        { name: "chat", sentBytes: 120_345, sentPackets: 210, dropped: 0, backlogBytes: 0 },
        {
          name: "everything else",
          sentBytes: 5_000_000,
          sentPackets: 4_000,
          dropped: 17,
          backlogBytes: 3_028,
        },
      ],
    },
  });
});

test("a board without it: the kernel's own queue, and nothing is marked", () => {
  expect(read("unset-6.1.txt")).toMatchObject({
    isMarked: false,
    inward: null,
    outward: { device: "eth0", kind: "fq_codel", isOurs: false, rateKbit: null, classes: [{ name: "all" }] },
  });
});

test("half an answer is none", () => {
  expect(parseQueues("device|eth0\nqdisc|qdisc cake 1c1: root refcnt 2")).toBeUndefined();
  expect(parseQueues("")).toBeUndefined();
});
