/** Numbers as people read them. */

/** @returns empty for what took less than a second, or a time that nobody measured */
export function secondsOf(durationMs: number | undefined): string {
  return durationMs === undefined || durationMs < 1_000 ? "" : ` (${(durationMs / 1_000).toFixed(1)} s)`;
}
