/**
 * A class with few readers: who is written where, what becomes of bad cards, and how it ends. The machine is made up;
 * real swaps of loop devices are in test/fault/flash.test.ts.
 */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Drive } from "../../../src/flash/drives.js";
import { refusedDrive, targetBusy, writeFailed, wrongSum, writerEnded } from "../../../src/flash/errors.js";
import {
  flashByReaders,
  type Card,
  type Machine,
  type ReadersListener,
  type ReadersRequest,
} from "../../../src/flash/readers.js";
import type { WriteOutcome } from "../../../src/flash/write.js";
import { madeDrive } from "./made-drive.js";

const good: WriteOutcome = { ok: true, value: { sizeBytes: 100, sha256: "00", writtenBytes: 100 } };
const cardOf = (drive: Drive): Card => ({
  ...{ name: drive.id, path: drive.path, kind: "drive", sizeBytes: drive.sizeBytes, drive },
});

/** Readers `a`, `b` ...: who is told to insert a card gets one, unless the story has it otherwise. */
class Story implements Machine, ReadersListener {
  readonly lines: string[] = [];
  readonly names: readonly string[];
  /** How writing ends, by `READER PLACE`, once each; else well. */
  readonly ends = new Map<string, (WriteOutcome | Error)[]>();
  /** Who brings no card when asked for, by `READER PLACE`. */
  readonly absent = new Set<string>();
  /** Why cards are refused, by their number in the machine. */
  readonly refusals = new Map<string, Error>();
  readonly progress = { phase: () => undefined, moved: () => undefined };
  readonly #drives: Drive[];
  #count: number;

  constructor(readers: number, more: Partial<Drive> = {}) {
    this.names = ["a", "b", "c"].slice(0, readers);
    this.#drives = this.names.map((name, index) =>
      madeDrive({ id: name, path: `/dev/${name}`, slot: name, sequence: `${index + 1}`, ...more }),
    );
    this.#count = readers;
  }

  get first(): readonly Card[] {
    return this.#drives.map(cardOf);
  }

  swap(reader: number, more: Partial<Drive> = {}): void {
    const before = this.#drives[reader];
    if (before === undefined) throw new RangeError(`no reader ${reader}`);
    this.#drives[reader] = { ...before, sequence: `${(this.#count += 1)}`, ...more };
  }

  flash: Machine["flash"] = async ({ targets, customise }, progress) => {
    const outcomes: WriteOutcome[] = [];
    for (const [index, { name }] of targets.entries()) {
      await customise?.(index)?.({ path: name, boot: { offset: 0, size: 0 } });
      const place = this.#customised.get(name) ?? "";
      const end = this.ends.get(`${name} ${place}`)?.shift() ?? good;
      if (end instanceof Error) throw end;
      outcomes.push(end);
    }
    // Not all at once: readers are done when they are done.
    for (const [index, outcome] of outcomes.entries()) {
      await delay(1);
      progress.ended(index, outcome);
    }
    return outcomes;
  };
  readonly #customised = new Map<string, number>();
  readonly customise = (place: number) => (target: { readonly path: string }) => {
    this.#customised.set(target.path, place);
    return Promise.resolve();
  };

  look = () => Promise.resolve([...this.#drives]);

  choose: Machine["choose"] = (drive) => {
    const refusal = this.refusals.get(drive.sequence ?? "");
    return refusal === undefined ? Promise.resolve(cardOf(drive)) : Promise.reject(refusal);
  };

  began = (reader: number, place: number) => this.#say(reader, `begins ${place}`);
  written = (reader: number, place: number) => Promise.resolve(this.#say(reader, `done ${place}`));
  spoilt = (reader: number, place: number, _: unknown, isRepeated: boolean) =>
    this.#say(reader, `spoilt ${place}${isRepeated ? ", again later" : ""}`);
  refused = (reader: number, place: number, error: Error) =>
    this.#say(reader, `refused for ${place}: ${error.message}`);
  through = (reader: number) => this.#say(reader, "through");
  wanted = (reader: number, place: number) => {
    this.#say(reader, `wants ${place}`);
    if (!this.absent.has(`${this.names[reader] ?? ""} ${place}`)) this.swap(reader);
  };

  #say(reader: number, what: string): void {
    this.lines.push(`${this.names[reader] ?? ""} ${what}`);
  }
}

function run(story: Story, count: number, more: Partial<ReadersRequest> = {}) {
  const image = { path: "tiny.img", format: "raw" as const };
  const customise = Array.from({ length: count }, (_, place) => story.customise(place));
  const { signal } = new AbortController();
  const request = { image, verify: true, first: story.first, customise, patienceMs: 5_000, signal, ...more };
  return flashByReaders(request, story, story, 1);
}

const kinds = (outcome: Awaited<ReturnType<typeof run>>) => outcome.cards.map(({ kind }) => kind);
const of = (story: Story, reader: string) => story.lines.filter((line) => line.startsWith(`${reader} `));

test("one reader, one card after the other", async () => {
  const story = new Story(1);
  expect(kinds(await run(story, 3))).toEqual(["written", "written", "written"]);
  expect(story.lines).toEqual([
    ...["a begins 0", "a done 0", "a wants 1", "a begins 1", "a done 1"],
    ...["a wants 2", "a begins 2", "a done 2", "a through"],
  ]);
});

test("several readers: whoever is free takes the next, and nobody waits for another", async () => {
  const story = new Story(2);
  // The second card in `a` never comes in time; `b` takes all the others.
  story.absent.add("a 2");
  const outcome = await run(story, 5, { patienceMs: 150 });
  expect(of(story, "a")).toEqual(["a begins 0", "a done 0", "a wants 2", "a through"]);
  expect(of(story, "b").filter((line) => line.includes("done"))).toEqual([
    "b done 1",
    "b done 3",
    "b done 4",
  ]);
  expect(kinds(outcome)).toEqual(["written", "written", "left", "written", "written"]);
});

test("a bad card's board comes again at the end, with another card", async () => {
  const story = new Story(1);
  story.ends.set("a 0", [{ ok: false, error: writeFailed("a", 0, new Error("EIO")) }]);
  expect(kinds(await run(story, 2))).toEqual(["written", "written"]);
  expect(story.lines).toEqual([
    ...["a begins 0", "a spoilt 0, again later", "a wants 1", "a begins 1", "a done 1"],
    ...["a wants 0", "a begins 0", "a done 0", "a through"],
  ]);
});

test("after a second bad card the board is given up", async () => {
  const story = new Story(1);
  const error = writeFailed("a", 0, new Error("EIO"));
  story.ends.set("a 0", [
    { ok: false, error },
    { ok: false, error },
  ]);
  const outcome = await run(story, 2);
  expect(outcome.cards).toMatchObject([{ kind: "failed", error }, { kind: "written" }]);
  expect(story.lines.slice(-2)).toEqual(["a spoilt 0", "a through"]);
});

test("a card that is refused is told once, and stays wanted", async () => {
  const story = new Story(1);
  story.refusals.set("2", refusedDrive("a", "it is write-protected"));
  const running = run(story, 2);
  while (!story.lines.some((line) => line.includes("refused"))) await delay(1);
  await delay(20);
  story.swap(0);
  expect(kinds(await running)).toEqual(["written", "written"]);
  expect(story.lines.filter((line) => line.includes("refused"))).toEqual([
    "a refused for 1: `a` is not written to: it is write-protected",
  ]);
});

test("a card that becomes fit is taken: it was unmounted, say", async () => {
  const story = new Story(1);
  story.refusals.set("2", refusedDrive("a", "it is mounted"));
  const running = run(story, 2);
  while (!story.lines.some((line) => line.includes("refused"))) await delay(1);
  story.refusals.clear();
  expect(kinds(await running)).toEqual(["written", "written"]);
});

test("a busy card is tried again, and costs its board nothing", async () => {
  const story = new Story(1);
  story.ends.set("a 1", [targetBusy("a"), { ok: false, error: targetBusy("a") }, targetBusy("a")]);
  expect(kinds(await run(story, 2))).toEqual(["written", "written"]);
  expect(story.lines.filter((line) => line.includes("spoilt"))).toEqual([]);
});

test("a card with a serial number of its own is not written twice", async () => {
  const story = new Story(1, { transport: "mmc", serial: "0x1" });
  const running = run(story, 2);
  while (!story.lines.some((line) => line.includes("refused"))) await delay(1);
  story.swap(0, { serial: "0x2" });
  expect(kinds(await running)).toEqual(["written", "written"]);
  expect(story.lines.filter((line) => line.includes("refused"))).toEqual([
    "a refused for 1: `a` was written a moment ago",
  ]);
});

test.each([
  ["an image that is damaged", wrongSum("tiny.img", "0", "1")],
  ["a writer that is gone", writerEnded("SIGKILL")],
])("%s ends it for all, and says why once", async (_, error) => {
  const story = new Story(2);
  story.absent.add("a 2").add("b 2").add("a 3").add("b 3");
  story.ends.set("a 2", [error]);
  story.ends.set("b 2", [error]);
  const running = run(story, 4);
  while (story.lines.filter((line) => line.includes("wants")).length < 2) await delay(1);
  story.swap(story.lines.includes("a wants 2") ? 0 : 1);
  const outcome = await running;
  expect(outcome.error).toBe(error);
  expect(kinds(outcome)).toEqual(["written", "written", "failed", "left"]);
  expect(story.lines.some((line) => line.includes("again later"))).toBe(false);
});

test("a stop ends the waiting at once; what is done is done", async () => {
  const story = new Story(1);
  story.absent.add("a 1");
  const stopping = new AbortController();
  const running = run(story, 3, { signal: stopping.signal, patienceMs: 60_000 });
  while (!story.lines.includes("a wants 1")) await delay(1);
  stopping.abort();
  expect(kinds(await running)).toEqual(["written", "left", "left"]);
});

test("a stop that also ends the look at the drives is a stop", async () => {
  const story = new Story(1);
  story.absent.add("a 1");
  const stopping = new AbortController();
  const running = run(story, 2, { signal: stopping.signal, patienceMs: 60_000 });
  while (!story.lines.includes("a wants 1")) await delay(1);
  story.look = async () => {
    stopping.abort();
    await delay(1);
    throw new Error("lsblk: SIGINT");
  };
  expect(await running).toMatchObject({ cards: [{ kind: "written" }, { kind: "left" }] });
  expect((await running).error).toBe(undefined);
});

test("a machine that does not tell its drives any more ends it", async () => {
  const story = new Story(1);
  const error = new Error("no lsblk");
  story.look = () => Promise.reject(error);
  expect(await run(story, 2)).toMatchObject({ error, cards: [{ kind: "written" }, { kind: "left" }] });
});

test("a card that cannot be recorded is told, and ends it", async () => {
  const story = new Story(1);
  const error = new Error("the disk is full");
  story.written = () => Promise.reject(error);
  const outcome = await run(story, 2);
  expect(outcome.error).toBe(error);
  expect(kinds(outcome)).toEqual(["written", "left"]);
});
