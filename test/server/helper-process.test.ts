/** A process beside the server: whatever becomes of it, its question is answered or refused, and the next one is served. */
import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import {
  HelperBusyError,
  HelperEndedError,
  HelperProcess,
  type HelperLimits,
} from "../../src/server/runtime/helper-process.js";

const FILE = new URL("./odd-helper.ts", import.meta.url);
const LIMITS: HelperLimits = { timeoutMs: 20_000, memoryBytes: 400_000_000, idleMs: 60_000, mostWaiting: 2 };
const started: HelperProcess<{ kind: string }, { pid: number }>[] = [];
function start(limits: Partial<HelperLimits> = {}) {
  const helper = new HelperProcess<{ kind: string }, { pid: number }>(FILE, { ...LIMITS, ...limits });
  started.push(helper);
  return { ask: (kind: string) => helper.ask({ kind }), stop: () => helper.stop() };
}
afterAll(() => Promise.all(started.map((helper) => helper.stop())));

const isRunning = (pid: number) => existsSync(`/proc/${pid}`);
const failure = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: unknown) => error,
  );

test("one process answers them all, until nobody asks any more", async () => {
  const { ask } = start();
  const { pid } = await ask("pid");
  expect([(await ask("pid")).pid, isRunning(pid)]).toEqual([pid, true]);
  const brief = start({ idleMs: 1 });
  const first = await brief.ask("pid");
  while (isRunning(first.pid)) await new Promise((resolve) => setImmediate(resolve));
  expect((await brief.ask("pid")).pid).not.toBe(first.pid);
});

test("one that takes too long, too much, or crashes is ended, and the next question has another", async () => {
  const { ask } = start({ timeoutMs: 3_000 });
  for (const [kind, why] of [
    ["spin", "too long"],
    ["eat", "too much memory"],
    ["crash", "SIGSEGV"],
  ] as const) {
    const { pid } = await ask("pid");
    const error = await failure(ask(kind));
    expect(error).toBeInstanceOf(HelperEndedError);
    expect(String(error)).toContain(why);
    expect(isRunning(pid)).toBe(false);
  }
  expect((await ask("pid")).pid).toBeGreaterThan(0);
});

test("a few may wait; more are told at once", async () => {
  const { ask } = start();
  const asked = Array.from({ length: 5 }, () => failure(ask("pid")));
  const errors = (await Promise.all(asked)).filter((error) => error !== undefined);
  expect(errors).toHaveLength(2);
  for (const error of errors) expect(error).toBeInstanceOf(HelperBusyError);
});

test("when the server stops, what it is at ends", async () => {
  const { ask, stop } = start();
  const { pid } = await ask("pid");
  const spinning = failure(ask("spin"));
  await stop();
  expect(await spinning).toBeInstanceOf(HelperEndedError);
  expect(isRunning(pid)).toBe(false);
  expect(await failure(ask("pid"))).toBeInstanceOf(HelperEndedError);
});
