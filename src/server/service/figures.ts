/**
 * How the server and its board did over the last day: a sample a minute, kept in memory in a ring of fixed size, and
 * over a restart in a small file that a clean stop leaves. A power cut loses the day: writing each minute would wear
 * out a card for nothing but charts.
 *
 * 1,440 samples of sixteen figures of four bytes, and their times of eight: about 100 KB.
 */

/** What a sample has, and its unit. What could not be read is NaN within the ring, and null outside. */
export const FIGURES = {
  events: "per_minute",
  requests: "per_minute",
  latency_p50: "seconds",
  latency_p99: "seconds",
  waiting_syncs: "count",
  memory: "bytes",
  board_memory: "bytes",
  board_memory_available: "bytes",
  load: "count",
  disk_used: "bytes",
  disk_free: "bytes",
  temperature: "celsius",
  throttled: "boolean",
  broker_up: "boolean",
  outbox_lag: "events",
  dead_letters: "events",
} as const;

export type FigureName = keyof typeof FIGURES;
export const FIGURE_NAMES = Object.keys(FIGURES) as readonly FigureName[];
/** Absent or NaN: unknown. */
export type Sample = Partial<Record<FigureName, number>>;

/** By column, the oldest first. */
export interface FigureColumns {
  /** Milliseconds since 1970. */
  readonly at: readonly number[];
  readonly figures: Readonly<Record<FigureName, readonly (number | null)[]>>;
}

/** Between two samples, in milliseconds. */
export const SAMPLE_MS = 60_000;
/** A day of them. */
const KEPT = 1_440;

export class Figures {
  readonly #at = new Float64Array(KEPT);
  readonly #columns = new Map(FIGURE_NAMES.map((name) => [name, new Float32Array(KEPT)]));
  #count = 0;

  /** @param at milliseconds since 1970; one that is not later than the last, as after the clock was set, begins anew */
  add(at: number, sample: Sample): void {
    if (this.#count > 0 && at <= this.lastAt) this.#count = 0;
    const place = this.#count % KEPT;
    this.#at[place] = at;
    for (const [name, column] of this.#columns) column[place] = sample[name] ?? NaN;
    this.#count += 1;
  }

  /** When the last sample was taken; 0 while there is none. */
  get lastAt(): number {
    return this.#count === 0 ? 0 : (this.#at[(this.#count - 1) % KEPT] ?? 0);
  }

  /** The samples after a time, in milliseconds since 1970. */
  since(time: number): FigureColumns {
    const places: number[] = [];
    for (let index = Math.max(0, this.#count - KEPT); index < this.#count; index += 1)
      if ((this.#at[index % KEPT] ?? 0) > time) places.push(index % KEPT);
    const columns = [...this.#columns].map(([name, column]) => [
      name,
      places.map((place) => shown(column[place])),
    ]);
    return {
      at: places.map((place) => this.#at[place] ?? 0),
      figures: Object.fromEntries(columns) as FigureColumns["figures"],
    };
  }

  /** Takes over what {@link since} gave before a restart. */
  restore({ at, figures }: FigureColumns): void {
    at.forEach((time, index) =>
      this.add(time, Object.fromEntries(FIGURE_NAMES.map((name) => [name, figures[name]?.[index] ?? NaN]))),
    );
  }
}

/** Three decimal places are below what anybody sees of any of them. */
export const shown = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : Math.round(value * 100_000) / 100_000;

/** How many requests took how long, in total: `counts[i]` up to `bounds[i]`, the last one longer than all. */
export interface Durations {
  /** Seconds, ascending. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/**
 * How long the given share of the requests between two looks took at most, between bounds as if evenly spread.
 *
 * @param share 0.5 for the median
 * @returns seconds; undefined without a request; the largest bound where it was longer
 */
export function quantile(share: number, before: Durations, after: Durations): number | undefined {
  const { bounds, counts } = after;
  const between = counts.map((count, index) => count - (before.counts[index] ?? 0));
  const total = between.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return undefined;
  let left = share * total;
  for (const [index, count] of between.entries()) {
    if (left <= count && count > 0) {
      const [from, to] = [bounds[index - 1] ?? 0, bounds[index]];
      return to === undefined ? from : from + (to - from) * (left / count);
    }
    left -= count;
  }
  return bounds.at(-1);
}
