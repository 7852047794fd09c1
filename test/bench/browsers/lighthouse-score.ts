/**
 * The performance score of Lighthouse 10 and later from its five figures: each goes through a log-normal curve with 0.5
 * at the median of the web's pages and 0.9 at the tenth percentile, and the score is their weighted mean.
 * Source: Lighthouse, "Performance scoring", weights and control points for mobile devices. Its npm package itself wants
 * a newer Node.js than imcloud and fifty packages, so the curve is here.
 */
import type { LoadFigures } from "./load-figures.js";

const CURVES: Readonly<Record<keyof LoadFigures, { weight: number; tenth: number; median: number }>> = {
  fcpMs: { weight: 0.1, tenth: 1_800, median: 3_000 },
  speedIndexMs: { weight: 0.1, tenth: 3_387, median: 5_800 },
  lcpMs: { weight: 0.25, tenth: 2_500, median: 4_000 },
  blockedMs: { weight: 0.3, tenth: 200, median: 600 },
  shift: { weight: 0.25, tenth: 0.1, median: 0.25 },
};

/** @returns from 0 to 100 */
export function lighthouseScore(figures: LoadFigures): number {
  const names = Object.keys(CURVES) as (keyof LoadFigures)[];
  return 100 * names.reduce((sum, name) => sum + CURVES[name].weight * part(figures[name], CURVES[name]), 0);
}

/** The standard normal distribution's value that nine tenths lie below. */
const NINE_TENTHS = 1.281_551_565_545;

function part(value: number, { tenth, median }: { tenth: number; median: number }): number {
  if (value <= 0) return 1;
  const sigma = Math.log(median / tenth) / NINE_TENTHS;
  return 1 - normal(Math.log(value / median) / sigma);
}

/** The normal distribution. Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26, error below 1.5e-7. */
function normal(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.327_591_1 * z);
  const poly = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592].reduce(
    (sum, factor) => (sum + factor) * t,
    0,
  );
  const erf = 1 - poly * Math.exp(-z * z);
  return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}
