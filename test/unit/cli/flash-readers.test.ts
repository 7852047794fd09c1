/** What is asked before a class is flashed by few readers. */
import { expect, test } from "vitest";
import { readersOf } from "../../../src/cli/flash-readers.js";
import { madeDrive } from "../flash/made-drive.js";

const target = (name: string, slot: string) => ({
  ...{ name, path: `/dev/${name}`, kind: "drive" as const },
  drive: madeDrive({ id: name, slot }),
});
const two = [target("sdb", "usb-0:2"), target("sdc", "usb-0:3")];
const drives = two.map(({ drive }) => drive);

test("at a terminal a reader waits for an hour, or as long as it is told", () => {
  expect(readersOf(two, drives, {}, { canAsk: true })).toMatchObject({ minutes: 60, first: two });
  expect(readersOf(two, drives, { cardMinutes: 5 }, { canAsk: true }).minutes).toBe(5);
  expect(readersOf(two, drives, { cardMinutes: 5 }, { canAsk: false }).minutes).toBe(5);
});

test("without a terminal it does not wait unbidden", () => {
  expect(() => readersOf(two, drives, {}, { canAsk: false })).toThrow(
    expect.objectContaining({
      code: "cli.missing-answer",
      message: "nobody is there to be told whose card is next",
    }),
  );
});

test("a reader that the machine does not tell from another one is refused, also when only one is named", () => {
  const alike = [target("disk4", "usb-1140000"), target("disk5", "usb-1140000")];
  const all = alike.map(({ drive }) => drive);
  for (const named of [alike, alike.slice(0, 1)])
    expect(() => readersOf(named, all, {}, { canAsk: true })).toThrow(
      expect.objectContaining({
        code: "flash.target-refused",
        message: "this machine does not tell these readers apart",
      }),
    );
});
