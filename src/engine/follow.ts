/**
 * Listens to a run's journal and tells what happens.
 */
import { journalReader, type RunOutcome } from "../board/journal.js";
import type { Script } from "../board/script.js";
import type { Transport } from "../board/transport.js";
import { stopScript } from "./compile.js";
import type { RunHandle, RunObserver, StepRecord } from "./types.js";

/** Lines of a failed step's output that an error shows. */
const TAIL_LINES = 20;
/** Asking a run to stop is one small file. */
const STOP_DEADLINE_MS = 30_000;

export interface FollowOptions {
  readonly observer: RunObserver;
  readonly deadlineMs: number;
  /** Unknown when somebody else's run is followed. */
  readonly stepCount?: number;
  readonly signal?: AbortSignal;
}

export interface Followed {
  /** `interrupted`: the journal ended without saying how the run did. */
  readonly outcome: RunOutcome | "interrupted";
  readonly steps: readonly StepRecord[];
  /** What the starting or following itself complained of. */
  readonly complaint: string;
}

/**
 * Starts or joins a run by `script` and follows it to its end.
 *
 * @throws ImcloudError `board.lost` when the connection goes; the run on the board goes on
 */
export async function follow(
  transport: Transport,
  script: Script,
  handle: RunHandle,
  options: FollowOptions,
): Promise<Followed> {
  const { observer, stepCount, signal } = options;
  const read = journalReader(handle.nonce);
  const steps: StepRecord[] = [];
  let open: { title: string; startedAt: number; tail: string[] } | undefined;
  let outcome: Followed["outcome"] = "interrupted";
  let complaint = "";

  const close = (record: StepRecord): void => {
    steps.push(record);
    open = undefined;
    observer.stepEnded?.(record, steps.length, stepCount ?? steps.length);
  };
  const onLine = (line: string): void => {
    for (const event of read(line)) {
      if (event.kind === "output") {
        if (open !== undefined) open.tail = [...open.tail, event.line].slice(-TAIL_LINES);
        observer.output?.(event.line);
      } else if (event.kind === "start") {
        open = { title: event.title, startedAt: event.at, tail: [] };
        observer.stepStarted?.(event.title, steps.length + 1, stepCount ?? steps.length + 1);
      } else if (event.kind === "done" && open !== undefined) {
        const durationMs = Math.max(0, event.at - open.startedAt);
        const { title, tail } = open;
        if (event.result.kind === "moved") close({ title, outcome: "moved", durationMs, tail });
        else if (event.result.code === 0) close({ title, outcome: "done", exitCode: 0, durationMs });
        else close({ title, outcome: "failed", exitCode: event.result.code, durationMs, tail });
      } else if (event.kind === "end") outcome = event.outcome;
    }
  };

  const stop = (): void => {
    // A refusal to stop shows as a run that goes on; there is nobody else to tell.
    transport
      .exec(stopScript(handle), { deadlineMs: STOP_DEADLINE_MS })
      .catch(() => observer.output?.("could not ask the run to stop"));
  };
  if (signal?.aborted === true) stop();
  else signal?.addEventListener("abort", stop, { once: true });
  try {
    const result = await transport.exec(script, {
      deadlineMs: options.deadlineMs,
      onLine: (line, stream) => stream === "stdout" && onLine(line),
    });
    if (result.exitCode !== 0) complaint = result.stderr.trim();
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  if (open !== undefined) steps.push({ title: open.title, outcome: "unfinished", tail: open.tail });
  return { outcome, steps, complaint };
}
