/**
 * A trial: a bench at a fraction of its size, to see that it works. Its figures decide nothing.
 */

/** `IMCLOUD_BENCH_TRIAL=yes npm run bench -- NAME` */
export const isTrial = (process.env["IMCLOUD_BENCH_TRIAL"] ?? "") !== "";

/** A size: what the goal speaks of, or what is enough for a trial. */
export const sized = (full: number, trial: number): number => (isTrial ? trial : full);
