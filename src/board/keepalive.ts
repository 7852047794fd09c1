/** Noticing that a board is gone. */

/** Between two probes of a silent connection. */
export const KEEPALIVE_INTERVAL_MS = 5_000;
/** Probes that may stay unanswered before the connection counts as dead. */
export const KEEPALIVE_MAX_UNANSWERED = 3;

/**
 * How long a dead board can go unnoticed, in milliseconds.
 *
 * A board that loses power closes nothing. Without probes, a run that waits for output waits for ever; ssh2
 * sends none unless `keepaliveInterval` is set.
 *
 * @param intervalMs silence before each probe, in milliseconds; above 0
 * @param maxUnanswered probes that may stay unanswered; 0 or more
 * @returns the longest silence before the connection is closed with `board.lost`
 * @throws RangeError if an argument is out of range
 * @see ssh2 README, `keepaliveInterval` and `keepaliveCountMax`
 * @example
 * deadAfterMs(5_000, 3); // 20_000: probes at 5, 10 and 15 s, closed at 20 s
 */
export function deadAfterMs(intervalMs: number, maxUnanswered: number): number {
  if (!(intervalMs > 0 && maxUnanswered >= 0)) {
    throw new RangeError(`deadAfterMs(${intervalMs}, ${maxUnanswered})`);
  }
  return intervalMs * (maxUnanswered + 1);
}
