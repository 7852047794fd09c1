/**
 * Health for people: a line a finding, its figure behind its words, hints below. What is too long for the terminal goes
 * on below its own column.
 */
import type { Finding } from "../health/probe.js";
import type { BoardHealth, ShownVerdict } from "../health/report.js";
import type { Terminal } from "./terminal.js";

/** The longest verdict, and two spaces. */
const VERDICT_WIDTH = 10;
/** Below that, a column of words is no help; the terminal may break it. */
const MIN_WIDTH = 20;

export function renderHealth(
  health: readonly BoardHealth[],
  terminal: Pick<Terminal, "paint" | "width">,
): string {
  return health.map((board) => renderBoard(board, terminal)).join("\n\n");
}

function renderBoard(
  { board, verdict, findings }: BoardHealth,
  { paint, width }: Pick<Terminal, "paint" | "width">,
): string {
  const tint: Readonly<Record<ShownVerdict, (text: string) => string>> = {
    ok: paint.green,
    warning: paint.yellow,
    critical: paint.red,
    unknown: paint.yellow,
  };
  const colour = (finding: Finding): ((text: string) => string) => tint[finding.verdict as ShownVerdict];
  const titleWidth = Math.max(0, ...findings.map(({ title }) => title.length)) + 2;
  const indent = " ".repeat(2 + titleWidth + VERDICT_WIDTH);
  const rows = findings.map((finding) => {
    const words = wrap([finding.summary, figureOf(finding)].join(" ").trim(), width - indent.length);
    const verdictCell = colour(finding)(finding.verdict.padEnd(VERDICT_WIDTH));
    return `  ${finding.title.padEnd(titleWidth)}${verdictCell}${words.join(`\n${indent}`)}`;
  });
  const hints = findings.flatMap((finding) => {
    if (finding.hint === undefined || finding.verdict === "ok") return [];
    const [first = "", ...rest] = wrap(`${finding.title}: ${finding.hint}`, width - 4);
    const title = colour(finding)(first.slice(0, finding.title.length));
    return [[`  ${title}${first.slice(finding.title.length)}`, ...rest].join("\n    ")];
  });
  return [
    `${paint.bold(board)}  ${tint[verdict](verdict)}`,
    ...rows,
    ...(hints.length > 0 ? ["", ...hints] : []),
  ].join("\n");
}

/** Not what the summary says itself. @example "(87 %, from 85 %)" */
function figureOf({ summary, measured, threshold, verdict }: Finding): string {
  const parts = [
    ...(measured === undefined || ` ${summary} `.includes(` ${measured} `) ? [] : [measured]),
    ...(threshold === undefined || verdict === "ok" ? [] : [`from ${threshold}`]),
  ];
  return parts.length === 0 ? "" : `(${parts.join(", ")})`;
}

/** Breaks at spaces; a longer word keeps its length, because it may be a command to copy. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > Math.max(MIN_WIDTH, width)) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
