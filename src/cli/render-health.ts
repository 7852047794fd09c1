/** Health for people: a table a board, the worst first only in colour, hints below. */
import Table from "cli-table3";
import type { Finding } from "../health/probe.js";
import type { BoardHealth, ShownVerdict } from "../health/report.js";
import type { Terminal } from "./terminal.js";

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
  const titleWidth = Math.max(...findings.map(({ title }) => title.length)) + 2;
  const figureWidth = Math.min(34, Math.max(8, ...findings.map((finding) => figureOf(finding).length)) + 2);
  const rest = Math.max(20, width - titleWidth - figureWidth - 10 - 6);
  const table = new Table({
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 1 },
    chars: Object.fromEntries(BORDERS.map((name) => [name, ""])),
    colWidths: [2, titleWidth, 10, figureWidth, rest],
    wordWrap: true,
  });
  for (const finding of findings) {
    table.push([
      "",
      finding.title,
      colour(finding)(finding.verdict),
      paint.dim(figureOf(finding)),
      finding.summary,
    ]);
  }
  const hints = findings.flatMap((finding) =>
    finding.hint === undefined || finding.verdict === "ok"
      ? []
      : [`  ${colour(finding)(finding.title)}: ${finding.hint}`],
  );
  return [
    `${paint.bold(board)}  ${tint[verdict](verdict)}`,
    table.toString(),
    ...(hints.length > 0 ? ["", ...hints] : []),
  ].join("\n");
}

function figureOf({ measured, threshold, verdict }: Finding): string {
  if (measured === undefined) return "";
  return threshold === undefined || verdict === "ok" ? measured : `${measured} (from ${threshold})`;
}

const BORDERS = [
  "top",
  "top-mid",
  "top-left",
  "top-right",
  "bottom",
  "bottom-mid",
  "bottom-left",
  "bottom-right",
  "left",
  "left-mid",
  "mid",
  "mid-mid",
  "right",
  "right-mid",
  "middle",
] as const;
