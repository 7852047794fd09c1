/** Progress as JSON lines on stderr, for programs. The lines' schema: docs/json.md. */
import type { FleetProgress } from "../fleet/progress.js";

export function jsonProgress(
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): FleetProgress {
  const event = (board: string, kind: string, more: object): void =>
    write(JSON.stringify({ time: new Date().toISOString(), board, event: kind, ...more }));
  return {
    board: (name) => ({
      doing: (what) => event(name, "doing", { what }),
      measured: (amount) => event(name, "measured", amount),
      stepStarted: (title, index, count) => event(name, "step-started", { title, index, count }),
      output: (line) => event(name, "output", { line }),
      stepEnded: (title, outcome, durationMs, index, count) =>
        event(name, "step-ended", {
          title,
          outcome,
          ...(durationMs !== undefined && { durationMs }),
          index,
          count,
        }),
      ended: (summary, isGood) => event(name, "ended", { summary, isGood }),
    }),
    end: () => Promise.resolve(),
  };
}
