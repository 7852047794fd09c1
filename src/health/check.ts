/**
 * What a health check is: how to ask a board, and what the answer means.
 *
 * A check is one file in `checks/` and one line in `checks.ts`. All probes of a board run in one exec, each in
 * a shell of its own with a time limit; judging is pure.
 */
import type { Script } from "../board/script.js";

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

export interface ProbeResult {
  readonly stdout: string;
  readonly exitCode: number;
}

/** What judging may know besides the answer. */
export interface HealthContext {
  readonly playbooks: readonly string[];
  /** Checks before this one that are critical or unknown. */
  readonly bad: ReadonlySet<string>;
  /** The operator's clock before the probes and after them. */
  readonly askedAt: Date;
  readonly now: Date;
}

export interface HealthCheck {
  /** Stable: monitoring refers to it. */
  readonly id: string;
  readonly title: string;
  /** While one of these is critical or unknown this check says nothing: one cause, one finding. */
  readonly after?: readonly string[];
  /** The playbook that brings what is looked at; without it the check is left out. */
  readonly playbook?: string;
  /** The unit of {@link Judgement.value}, as Prometheus spells it: `ratio`, `celsius`, `seconds`. */
  readonly unit?: string;
  /** Read-only. Runs as root under dash, for {@link PROBE_SECONDS} at most. */
  probe(): Script;
  /** Pure. */
  judge(result: ProbeResult, context: HealthContext): Judgement;
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

/** `name=value` lines, as most probes print them; the first of a name counts. */
export function fieldsOf(stdout: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const at = line.indexOf("=");
    const name = line.slice(0, at);
    if (at > 0 && !fields.has(name)) fields.set(name, line.slice(at + 1));
  }
  return fields;
}

export const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
