import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withLock } from "../../../src/lab/lock.js";

const silent = () => undefined;

test("one at a time, and the next one when the first has failed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-test-"));
  const file = join(folder, "deep", "lock");
  const events: string[] = [];
  const hold = (name: string) =>
    withLock(file, silent, async () => {
      events.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      events.push(`${name} out`);
      throw new Error(name);
    });

  const both = await Promise.allSettled([hold("a"), hold("b")]);

  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const [first] = events[0]?.split(" ") ?? [];
  const second = first === "a" ? "b" : "a";
  expect(events).toEqual([`${first} in`, `${first} out`, `${second} in`, `${second} out`]);
  await rm(folder, { recursive: true });
});
