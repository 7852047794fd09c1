/** What counts as another card in a reader, by what the kernel tells look by look. */
import { expect, test } from "vitest";
import { CardWatch } from "../../../src/flash/card-watch.js";
import type { Drive } from "../../../src/flash/drives.js";
import { GB, madeDrive } from "./made-drive.js";

const done = madeDrive({ sequence: "17" });
const next = madeDrive({ sequence: "19" });
const uncounted = madeDrive();

const cases: readonly (readonly [
  title: string,
  last: Drive,
  looks: readonly (Drive | undefined)[],
  seenAt: number | undefined,
])[] = [
  ["the card that is done", done, [done, done, done], undefined],
  ["an empty reader", done, [undefined, undefined], undefined],
  ["another card", done, [done, undefined, next, next], 3],
  ["another card of the same size and reader, without an empty look between", done, [done, next, next], 2],
  [
    "a card that is just being taken out",
    done,
    [madeDrive({ sequence: "18" }), undefined, undefined],
    undefined,
  ],
  [
    "a card that is put in with a bad contact at first",
    done,
    [madeDrive({ sequence: "18" }), next, madeDrive({ sequence: "20" }), madeDrive({ sequence: "20" })],
    3,
  ],
  ["the same card, put in again: the kernel counts it anew", done, [undefined, next, next], 2],
  ["a card in another reader", done, [madeDrive({ sequence: "19", slot: "usb-0:3" })], undefined],
  ["a kernel that does not count, and nothing new", uncounted, [uncounted, uncounted], undefined],
  [
    "a kernel that does not count, and an empty look between",
    uncounted,
    [undefined, uncounted, uncounted],
    2,
  ],
  [
    "a kernel that does not count, and another size",
    uncounted,
    [madeDrive({ sizeBytes: 64 * GB }), madeDrive({ sizeBytes: 64 * GB })],
    1,
  ],
  [
    "a stick in the same port",
    uncounted,
    [madeDrive({ id: "usb-Stick-0:0", serial: "4C53" }), madeDrive({ id: "usb-Stick-0:0", serial: "4C53" })],
    1,
  ],
];

test.each(cases)("%s", (_, last, looks, seenAt) => {
  const watch = new CardWatch(last);
  const other = madeDrive({ id: "other", slot: "usb-0:9", sequence: "40" });
  const found = looks.map((drive) => watch.look(drive === undefined ? [other] : [other, drive]));
  const first = found.findIndex((drive) => drive !== undefined);
  expect(first < 0 ? undefined : first).toBe(seenAt);
  if (seenAt !== undefined) expect(found[seenAt]).toEqual(looks[seenAt]);
});

test("of two cards in one reader none is taken: nobody knows which one is meant", () => {
  const watch = new CardWatch(done);
  const both = [next, madeDrive({ id: "usb-Reader-0:1", sequence: "20" })];
  expect([watch.look(both), watch.look(both), watch.look([next]), watch.look([next])]).toEqual([
    ...[undefined, undefined, undefined, next],
  ]);
});
