/**
 * A plan for people and for programs.
 */
import { releaseOf } from "../board/facts.js";
import type { BoardPlan, Change } from "../engine/types.js";
import type { BoardOutcome } from "../fleet/each-board.js";
import { isSettled, type PlannedBoard } from "../fleet/plan.js";
import { withoutFreeUpdates } from "../shared/releases.js";
import { boardsToJson } from "./report-boards.js";
import type { Terminal } from "./terminal.js";

/** Lines of a file's content that a plan shows. */
const SHOWN_LINES = 12;

export function renderPlan(
  outcomes: readonly BoardOutcome<PlannedBoard>[],
  { paint, width }: Pick<Terminal, "paint" | "width">,
  now = new Date(),
): string {
  return outcomes
    .flatMap((outcome) => (outcome.ok ? [renderBoard(outcome.value.plan, paint, width, now)] : []))
    .join("\n\n");
}

function renderBoard(plan: BoardPlan, paint: Terminal["paint"], width: number, now: Date): string {
  const { changes, waiting, unmanaged, state } = plan;
  const title =
    paint.bold(plan.board) +
    paint.dim(` ${plan.facts.os.prettyName}, ${plan.facts.model || plan.facts.arch}`);
  const unsupported = withoutFreeUpdates(releaseOf(plan.facts), now);
  const lines = [title, ...(unsupported === undefined ? [] : [`  ${paint.yellow("!")} ${unsupported}`])];
  if (isSettled(plan) && unmanaged.length === 0) {
    const count = paint.dim(` (${plan.resourceCount} resources)`);
    return [...lines, `  ${paint.green("nothing to change")}${count}`].join("\n");
  }
  if (state.unconfirmed !== undefined) {
    lines.push(
      `  ${paint.cyan("not confirmed yet")} ${paint.dim("(the board undoes it soon, unless `apply` reaches it)")}`,
    );
    lines.push(`    ${paint.yellow("!")} ${state.unconfirmed.title}`);
  }
  let playbook: string | undefined;
  for (const change of changes) {
    const heading = change.playbook ?? "owed since an earlier run";
    if (heading !== playbook) lines.push(`  ${paint.cyan(heading)}`);
    playbook = heading;
    lines.push(...renderChange(change, paint, width));
  }
  if (waiting.length > 0) lines.push(`  ${paint.cyan("judged after that")}`);
  for (const { title: what, because } of waiting)
    lines.push(`    ${paint.dim("?")} ${what}  ${paint.dim(because)}`);
  if (unmanaged.length > 0)
    lines.push(`  ${paint.cyan("no longer managed")} ${paint.dim("(`apply --prune` reverts them)")}`);
  for (const entry of unmanaged) lines.push(`    ${paint.dim("-")} ${entry.id}`);
  return lines.join("\n");
}

const MARKS = { create: "+", update: "~", delete: "-" } as const;

function renderChange(change: Change, paint: Terminal["paint"], width: number): string[] {
  const colour = { create: paint.green, update: paint.yellow, delete: paint.red }[change.kind];
  const risk = change.risk === "none" ? "" : ` ${paint.red(`[${change.risk}]`)}`;
  const head = `    ${colour(MARKS[change.kind])} ${change.resource}${risk}`;
  const isShort = !change.before.includes("\n") && !change.after.includes("\n");
  if (isShort) {
    const line = `  ${change.before} -> ${change.after}`;
    return [head + paint.dim(clip(line, Math.max(20, width - change.resource.length - 8)))];
  }
  const block = (sign: string, text: string, tint: (line: string) => string): string[] => {
    const all = text.replace(/\n$/, "").split("\n");
    const shown = all
      .slice(0, SHOWN_LINES)
      .map((line) => tint(`        ${sign} ${clip(line, Math.max(20, width - 10))}`));
    return all.length > SHOWN_LINES
      ? [...shown, paint.dim(`        … ${all.length - SHOWN_LINES} more lines`)]
      : shown;
  };
  const { removed, added } = differing(change.before, change.after);
  return [head, ...block("-", removed, paint.red), ...block("+", added, paint.green)].filter(
    (line) => !/^\s*[-+] ?$/.test(line),
  );
}

/** What is left when the lines that both have at the start and at the end are taken away. */
function differing(before: string, after: string): { removed: string; added: string } {
  const [one, other] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < one.length && start < other.length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < one.length - start && end < other.length - start && one.at(-1 - end) === other.at(-1 - end))
    end += 1;
  return {
    removed: one.slice(start, one.length - end).join("\n"),
    added: other.slice(start, other.length - end).join("\n"),
  };
}

const clip = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** The document of `plan --json` and of `plan --out`. */
export function planToJson(
  outcomes: readonly BoardOutcome<PlannedBoard>[],
  now = new Date(),
): Record<string, unknown> {
  return {
    version: 1,
    boards: boardsToJson(outcomes, ({ plan, counts }) => ({
      outcome: isSettled(plan) ? "unchanged" : "changes",
      unsupported: withoutFreeUpdates(releaseOf(plan.facts), now),
      digest: plan.digest,
      changes: plan.changes.map(({ id, resource, playbook, kind, risk, before, after, origin }) => ({
        id,
        resource,
        playbook,
        kind,
        risk,
        before,
        after,
        origin,
      })),
      waiting: plan.waiting,
      ...(plan.state.unconfirmed && { unconfirmed: plan.state.unconfirmed.title }),
      unmanaged: plan.unmanaged.map(({ id }) => id),
      resources: plan.resourceCount,
      execs: counts.execs,
      handshakes: counts.handshakes,
    })),
  };
}
