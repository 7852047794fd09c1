/**
 * A figure and whether it keeps its promise.
 *
 * Machines are noisy, and other work runs on them: so ours and the baseline run in turns, and what counts is the
 * ratio within a pair. A figure that lies nearer to its goal than the pairs lie apart decides nothing.
 */

/** What the figure must be: of the ratio when there is a baseline, else of the value. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

export interface Metric {
  readonly bench: string;
  readonly metric: string;
  /** Of value and baseline: `ms`, `MB`, `1/s`. */
  readonly unit: string;
  /** Median. */
  readonly value: number;
  /** Median of what ours is compared with; null when the goal is about the value itself. */
  readonly baseline: number | null;
  /** Median over the pairs of value / baseline. */
  readonly ratio: number | null;
  /** Between the lowest and the highest of what the goal is about. */
  readonly spread: number;
  readonly samples: number;
  readonly goal: Goal | null;
  /** Null when there is no goal, or the spread exceeds the distance to it. */
  readonly holds: boolean | null;
}

/** One bench: measures, and reports each metric as soon as it is known. What it waits for goes to `say`. */
export interface Bench {
  readonly name: string;
  readonly summary: string;
  run(report: (metric: Metric) => void, say: (line: string) => void): Promise<void>;
}

export interface Pair<T = number> {
  readonly value: T;
  readonly baseline: T;
}

interface Heading {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  readonly goal?: Goal;
}

export const PAIRS = 5;

/** A metric whose goal is about the ratio to a baseline. */
export function compared({ bench, metric, unit, goal = undefined }: Heading, pairs: readonly Pair[]): Metric {
  const ratios = pairs.map(({ value, baseline }) => value / baseline);
  return {
    ...{ bench, metric, unit },
    value: rounded(median(pairs.map(({ value }) => value))),
    baseline: rounded(median(pairs.map(({ baseline }) => baseline))),
    ratio: rounded(median(ratios)),
    spread: rounded(spread(ratios)),
    samples: pairs.length,
    goal: goal ?? null,
    holds: holds(ratios, goal),
  };
}

/** A metric whose goal, if any, is about the value itself. */
export function measured(
  { bench, metric, unit, goal = undefined }: Heading,
  values: readonly number[],
): Metric {
  return {
    ...{ bench, metric, unit },
    value: rounded(median(values)),
    ...{ baseline: null, ratio: null },
    spread: rounded(spread(values)),
    samples: values.length,
    goal: goal ?? null,
    holds: holds(values, goal),
  };
}

/**
 * Runs ours and the baseline in turns, beginning with the other one each time.
 *
 * @returns a pair for each turn, of whatever the two functions measure
 */
export async function inTurns<T>(
  count: number,
  ours: () => Promise<T>,
  baseline: () => Promise<T>,
): Promise<readonly Pair<T>[]> {
  const pairs: Pair<T>[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const first = turn % 2 === 0 ? await ours() : await baseline();
    const second = turn % 2 === 0 ? await baseline() : await ours();
    pairs.push(turn % 2 === 0 ? { value: first, baseline: second } : { value: second, baseline: first });
  }
  return pairs;
}

/** How long it takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The sample that at least this share of all are no higher than. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (found === undefined) throw new RangeError("no samples");
  return found;
}

function holds(samples: readonly number[], goal: Goal | undefined): boolean | null {
  if (goal === undefined || samples.length === 0) return null;
  const limit = "atMost" in goal ? goal.atMost : goal.atLeast;
  const middle = median(samples);
  if (spread(samples) > Math.abs(middle - limit)) return null;
  return "atMost" in goal ? middle <= limit : middle >= limit;
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  if (low === undefined || high === undefined) throw new RangeError("no samples");
  return (low + high) / 2;
}

const spread = (samples: readonly number[]) => Math.max(...samples) - Math.min(...samples);

/** Four significant digits: more would pretend. */
const rounded = (value: number) => Number(value.toPrecision(4));
