/**
 * How the fleet tells what it is doing. The CLI shows it as a tree, as lines or as JSON; tests listen.
 */
export interface FleetProgress {
  board(name: string): BoardProgress;
  /** All is said; whatever was animated stands still. */
  end(): Promise<void>;
}

export interface BoardProgress {
  /** What is being waited for, in one line. */
  doing(what: string): void;
  /** How far it is, for programs; people read it in {@link BoardProgress.doing}. */
  measured(amount: Amount): void;
  stepStarted(title: string, index: number, count: number): void;
  /** A line that the running step prints. */
  output(line: string): void;
  stepEnded(
    title: string,
    outcome: string,
    durationMs: number | undefined,
    index: number,
    count: number,
  ): void;
  /** @param isGood false: what the board ended with is a failure */
  ended(summary: string, isGood: boolean): void;
}

/** How far a phase of a long work is. */
export interface Amount {
  readonly phase: string;
  /** Of the phase, that are done. */
  readonly bytes: number;
  /** What it comes to, where that is known. */
  readonly ofBytes?: number;
  /** Of the whole phase so far; not there before anything is done. */
  readonly bytesPerSecond?: number;
  /** At that speed; not there where one of the two is not known. */
  readonly secondsLeft?: number;
}

/** For those who only want the result. */
export const silent: FleetProgress = {
  board: () => ({
    doing: () => undefined,
    measured: () => undefined,
    stepStarted: () => undefined,
    output: () => undefined,
    stepEnded: () => undefined,
    ended: () => undefined,
  }),
  end: () => Promise.resolve(),
};
