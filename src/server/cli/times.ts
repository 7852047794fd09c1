/** Times in milliseconds. */
export interface Times {
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Rounded to hundredths. The list must not be empty. */
export function timesOf(times: readonly number[]): Times {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;
  return { medianMs: at(0.5), p99Ms: at(0.99) };
}
