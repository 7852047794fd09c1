/** Progress as a log: a line an event, for pipes, CI jobs and dumb terminals. */
import type { FleetProgress } from "../fleet/progress.js";
import { secondsOf } from "./words.js";

/** @param withOutput adds what the steps print */
export function lineProgress(write: (line: string) => void, withOutput: boolean): FleetProgress {
  return {
    board: (name) => ({
      doing: (what) => write(`${name}: ${what}`),
      measured: () => undefined,
      stepStarted: (title, index, count) => {
        if (withOutput) write(`${name}: [${index}/${count}] ${title} ...`);
      },
      output: (line) => {
        if (withOutput) write(`${name} | ${line}`);
      },
      stepEnded: (title, outcome, durationMs, index, count) =>
        write(`${name}: [${index}/${count}] ${title}: ${outcome}${secondsOf(durationMs)}`),
      ended: (summary, isGood) => write(`${name}: ${isGood ? "" : "failed: "}${summary}`),
    }),
    end: () => Promise.resolve(),
  };
}
