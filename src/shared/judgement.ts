/**
 * What a health check found, in words and figures: of a board by `imcloud health`, of itself by the IM server.
 */

/** `not-applicable` is not shown: the board has nothing of the kind. `unknown` is shown, and is not health. */
export type Verdict = "ok" | "warning" | "critical" | "unknown" | "not-applicable";

export interface Judgement {
  readonly verdict: Verdict;
  /** What is so, in a few words: lower-case start, no full stop. */
  readonly summary: string;
  /** The figure, with its unit. */
  readonly measured?: string;
  /** The figure as a number in its base unit, for metrics. */
  readonly value?: number;
  /** From where on it is worse, with the unit. */
  readonly threshold?: string;
  /** One action that helps. */
  readonly hint?: string;
}

type Figure = Omit<Judgement, "verdict" | "summary">;

export const ok = (summary: string, figure: Figure = {}): Judgement => ({
  verdict: "ok",
  summary,
  ...figure,
});
export const warn = (summary: string, figure: Figure & { readonly hint: string }): Judgement => ({
  verdict: "warning",
  summary,
  ...figure,
});
export const fail = (summary: string, figure: Figure & { readonly hint: string }): Judgement => ({
  verdict: "critical",
  summary,
  ...figure,
});
export const unknown = (summary: string, figure: Figure & { readonly hint: string }): Judgement => ({
  verdict: "unknown",
  summary,
  ...figure,
});
export const notApplicable: Judgement = { verdict: "not-applicable", summary: "nothing of the kind" };

/** A figure that is worse the higher it is, against two thresholds. */
export function judgeFigure(
  value: number,
  {
    warning,
    critical,
    words,
    summary,
    hint,
  }: {
    readonly warning: number;
    readonly critical: number;
    readonly words: (value: number) => string;
    readonly summary: string;
    readonly hint: string;
  },
): Judgement {
  const figure = { measured: words(value), value };
  if (value >= critical) return fail(summary, { ...figure, threshold: words(critical), hint });
  if (value >= warning) return warn(summary, { ...figure, threshold: words(warning), hint });
  return ok(summary, { ...figure, threshold: words(warning) });
}

export const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
