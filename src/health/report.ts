/**
 * The health of a fleet, and its forms for programs: JSON, Prometheus, JUnit. The table for people is the
 * CLI's.
 */
import { escapeMarkup } from "../shared/markup.js";
import type { Verdict } from "./check.js";
import type { Finding } from "./probe.js";

export type ShownVerdict = Exclude<Verdict, "not-applicable">;

export interface BoardHealth {
  readonly board: string;
  readonly verdict: ShownVerdict;
  readonly findings: readonly Finding[];
}

/** From good to bad; not being able to look is worse than a warning and better than knowing the worst. */
const RANK: readonly Verdict[] = ["not-applicable", "ok", "warning", "unknown", "critical"];

/** @returns the worst verdict; `ok` of nothing */
export function worstOf(verdicts: readonly Verdict[]): ShownVerdict {
  const worst = verdicts.reduce<Verdict>(
    (most, verdict) => (RANK.indexOf(verdict) > RANK.indexOf(most) ? verdict : most),
    "ok",
  );
  return worst === "not-applicable" ? "ok" : worst;
}

/** The document of `health --json`; docs/json.md describes it. */
export function healthToJson(boards: readonly BoardHealth[], at: Date): object {
  return {
    version: 1,
    at: at.toISOString(),
    verdict: worstOf(boards.map(({ verdict }) => verdict)),
    boards: Object.fromEntries(boards.map(({ board, verdict, findings }) => [board, { verdict, findings }])),
  };
}

/** Prometheus text format 0.0.4, for node_exporter's textfile collector. */
export function healthToPrometheus(boards: readonly BoardHealth[]): string {
  const label = (text: string): string =>
    text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const rows = (
    name: string,
    help: string,
    all: readonly (readonly [labels: string, value: number])[],
  ): string[] =>
    all.length === 0
      ? []
      : [
          `# HELP ${name} ${help}`,
          `# TYPE ${name} gauge`,
          ...all.map(([labels, value]) => `${name}{${labels}} ${value}`),
        ];
  const each = <T>(pick: (finding: Finding, labels: string) => T[]): T[] =>
    boards.flatMap(({ board, findings }) =>
      findings.flatMap((finding) => pick(finding, `board="${label(board)}",check="${label(finding.check)}"`)),
    );
  const verdicts: readonly ShownVerdict[] = ["ok", "warning", "critical", "unknown"];

  return [
    ...rows(
      "imcloud_health_verdict",
      "1 for the verdict that a check has, 0 for the others.",
      each((finding, labels) =>
        verdicts.map(
          (verdict) => [`${labels},verdict="${verdict}"`, finding.verdict === verdict ? 1 : 0] as const,
        ),
      ),
    ),
    ...rows(
      "imcloud_health_value",
      "The figure that a check measured, in the unit of its label.",
      each((finding, labels) =>
        finding.value === undefined
          ? []
          : [[`${labels},unit="${finding.unit ?? ""}"`, finding.value] as const],
      ),
    ),
    "",
  ].join("\n");
}

/** What counts as a failure: critical and unknown always, warnings if asked for. */
export type FailOn = "warning" | "critical";

export function isFailure(verdict: Verdict, failOn: FailOn): boolean {
  return verdict === "critical" || verdict === "unknown" || (verdict === "warning" && failOn === "warning");
}

/** JUnit XML, for CI servers: a suite a board, a case a check. */
export function healthToJunit(boards: readonly BoardHealth[], failOn: FailOn): string {
  const suites = boards.map(({ board, findings }) => {
    const cases = findings.map((finding) => {
      const open = `    <testcase classname="${xml(board)}" name="${xml(finding.check)}"`;
      if (finding.verdict === "ok") return `${open}/>`;
      const text = [finding.measured, finding.hint].filter((part) => part !== undefined).join("; ");
      const element = isFailure(finding.verdict, failOn)
        ? `<failure type="${finding.verdict}" message="${xml(finding.summary)}">${xml(text)}</failure>`
        : `<system-out>${xml(`${finding.verdict}: ${finding.summary}; ${text}`)}</system-out>`;
      return `${open}>\n      ${element}\n    </testcase>`;
    });
    const failures = findings.filter(({ verdict }) => isFailure(verdict, failOn)).length;
    return [
      `  <testsuite name="${xml(board)}" tests="${findings.length}" failures="${failures}">`,
      ...cases,
      "  </testsuite>",
    ].join("\n");
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="imcloud health">',
    ...suites,
    "</testsuites>",
  ].join("\n");
}

/** Control characters have no place in XML 1.0, not even escaped. */
function xml(text: string): string {
  return escapeMarkup(text.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, ""));
}
