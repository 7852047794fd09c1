/**
 * A line over time, drawn by hand: two axes, one or two lines, and the same in words for whoever does not see it.
 */
import { clock } from "../ui/when.js";
import { t } from "./words.js";

export interface Line {
  /** Undefined where there is one line alone. */
  readonly label?: string;
  /** One for each time; null where it is not known. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  /** Milliseconds since 1970, ascending; the last one is now. */
  readonly at: readonly number[];
  readonly lines: readonly Line[];
  /** With its unit. */
  readonly format: (value: number) => string;
  /** How far back it goes, in milliseconds. */
  readonly spanMs: number;
  /** Samples further apart than this are not joined, in milliseconds. */
  readonly gapMs: number;
  /** The top of the axis, where it is not for the figures to say. */
  readonly top?: number;
}

/** Of the drawing; the browser stretches it to the place there is, but not its lines. */
const [WIDTH, HEIGHT] = [600, 120];

export function Chart({ title, at, lines, format, spanMs, gapMs, top }: ChartProps) {
  const end = at.at(-1) ?? 0;
  const start = end - spanMs;
  const known = lines.flatMap(({ values }) =>
    values.filter((value, index) => value !== null && (at[index] ?? 0) >= start),
  );
  const figures = known.filter((value) => value !== null);
  const most = top ?? niceTop(Math.max(...figures, 0));
  const x = (time: number) => ((time - start) / spanMs) * WIDTH;
  const y = (value: number) => HEIGHT - (Math.min(value, most) / most) * HEIGHT;
  const range =
    figures.length === 0
      ? t("chartEmpty")
      : t("between", { least: format(Math.min(...figures)), most: format(Math.max(...figures)) });
  const current = lines
    .map(({ label, values }) => [label, format(values.at(-1) ?? NaN)] as const)
    .map(([label, value]) => (label === undefined ? value : `${value} (${label})`))
    .join(", ");
  return (
    <figure class={lines.length > 1 ? "chart is-double" : "chart"}>
      <figcaption>
        <h3>{title}</h3>
        {lines.map(({ label, values }, index) => (
          <p key={label ?? ""} class={`current line-${index}`}>
            <strong>{format(values.at(-1) ?? NaN)}</strong>
            {label !== undefined && (
              <small>
                <svg class="sample" viewBox="0 0 24 4" aria-hidden="true">
                  <path d="M0 2H24" />
                </svg>
                {label}
              </small>
            )}
          </p>
        ))}
      </figcaption>
      <div class="plot">
        <div class="scale" aria-hidden="true">
          {[most, most / 2, 0].map((value) => (
            <span key={value}>{format(value)}</span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={t("chartSummary", { title, now: current, range })}
        >
          <path class="grid" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
          {lines.map(({ label, values }, index) => (
            <path key={label ?? ""} class={`line line-${index}`} d={pathOf(at, values, start, gapMs, x, y)} />
          ))}
        </svg>
        <div class="hours" aria-hidden="true">
          {[start, (start + end) / 2, end].map((time) => (
            <span key={time}>{clock(time)}</span>
          ))}
        </div>
      </div>
      <p class="quiet">{range}</p>
    </figure>
  );
}

/** A line that breaks where nothing is known; a sample that stands alone is a dot. */
function pathOf(
  at: readonly number[],
  values: readonly (number | null)[],
  start: number,
  gapMs: number,
  x: (time: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  let last: number | undefined;
  for (const [index, time] of at.entries()) {
    const value = values[index] ?? null;
    if (value === null || time < start) continue;
    const isJoined = last !== undefined && time - last <= gapMs;
    const place = `${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    path += isJoined ? `L${place}` : `M${place}h0.1`;
    last = time;
  }
  return path;
}

/** The next of 2, 5, 10, 20, 50 ... above a value, so that the middle is a number of few digits. */
function niceTop(value: number): number {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value) ?? value;
}
