/** A flash's progress, in words for people and in numbers for programs. */
import { expect, test } from "vitest";
import { flashProgress, type Shown } from "../../../src/cli/flash-progress.js";
import type { Amount, FleetProgress } from "../../../src/fleet/progress.js";

const MB = 1_000_000;

/** What is told, with a clock that stands until it is moved. */
function told(more: Partial<Shown> = {}) {
  const words: string[] = [];
  const numbers: Amount[] = [];
  const nothing = () => undefined;
  const progress: FleetProgress = {
    board: (name) => ({
      doing: (what) => words.push(`${name}: ${what}`),
      measured: (amount) => numbers.push(amount),
      ...{ stepStarted: nothing, output: nothing, stepEnded: nothing, ended: nothing },
    }),
    end: () => Promise.resolve(),
  };
  let nowMs = 0;
  const shown = { names: ["a"], image: { sizeBytes: 100 * MB }, isAnimated: false, ...more };
  const flash = flashProgress(progress, shown, () => nowMs);
  const moved = (bytes: number, afterMs: number) => {
    nowMs += afterMs;
    flash.moved(0, bytes);
  };
  return { words, numbers, flash, moved };
}

test("numbers come once a second, and words when somebody would read them", () => {
  const { words, numbers, flash, moved } = told();
  flash.phase(0, "writing");
  for (let tenths = 0; tenths < 40; tenths += 1) moved(MB, 100);
  expect(numbers).toEqual([
    { phase: "writing", bytes: 0, ofBytes: 100 * MB },
    ...[10, 20, 30, 40].map((mb) => ({
      ...{ phase: "writing", bytes: mb * MB, ofBytes: 100 * MB },
      ...{ bytesPerSecond: 10 * MB, secondsLeft: 10 - mb / 10 },
    })),
  ]);
  expect(words).toEqual(["a: writing"]);
  moved(10 * MB, 6_000);
  expect(words.at(-1)).toBe("a: writing 50 %, 5.0 MB/s, 10 s left");
});

test("the end of a phase is told before the next one begins", () => {
  const { numbers, flash, moved } = told();
  flash.phase(0, "writing");
  moved(100 * MB, 500);
  flash.phase(0, "verifying", 80 * MB);
  expect(numbers.slice(1)).toEqual([
    ...[{ phase: "writing", bytes: 100 * MB, ofBytes: 100 * MB, bytesPerSecond: 200 * MB, secondsLeft: 0 }],
    { phase: "verifying", bytes: 0, ofBytes: 80 * MB },
  ]);
});

test("of an image whose size nobody tells there is no end", () => {
  const { words, numbers, flash, moved } = told({ image: {}, isAnimated: true });
  flash.phase(0, "writing");
  moved(20 * MB, 1_000);
  expect(numbers.at(-1)).toEqual({ phase: "writing", bytes: 20 * MB, bytesPerSecond: 20 * MB });
  expect(words.at(-1)).toBe("a: writing, 20 MB, 20.0 MB/s");
});

test("with a bmap it comes to what is written, and no more", () => {
  const [mib, ranges] = [1_048_576, [{ offset: 2 * 1_048_576 + 4096, end: 4 * 1_048_576 + 1 }]];
  const { numbers, flash } = told({ image: { sizeBytes: 100 * mib, ranges } });
  flash.phase(0, "writing");
  expect(numbers).toEqual([{ phase: "writing", bytes: 0, ofBytes: 4 * mib }]);
});

test("a phase without bytes is one too", () => {
  const { words, numbers, flash } = told({ about: () => "pi-07: " });
  flash.phase(0, "customising");
  expect(numbers).toEqual([{ phase: "customising", bytes: 0 }]);
  expect(words).toEqual(["a: pi-07: making the settings"]);
});
