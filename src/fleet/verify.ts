/**
 * The test after an apply: what was healthy before and is not any more goes back.
 *
 * Only a check that passed before, and that looks at what the run changed, can condemn it: a board that was ill
 * before is not made well by undoing. Files, units, sysctls and the server's version go back; packages and data
 * never do. A first apply has no before; then a finding is told, and nothing undone.
 */
import type { Transport } from "../board/transport.js";
import type { BoardConfig } from "../config/load.js";
import { rollbackStep } from "../engine/revert.js";
import type { BoardPlan, BoardResult } from "../engine/types.js";
import { CHECKS } from "../health/checks.js";
import { checksOfPlaybooks, probeHealth, type Finding } from "../health/probe.js";
import { ImcloudError } from "../shared/errors.js";
import type { BoardProgress } from "./progress.js";
import { runSteps } from "./run-steps.js";

export interface Verification {
  /** Looks how the board is before its first change. */
  before(plan: BoardPlan): Promise<true>;
  /** Looks again, and takes the run back if it did harm. */
  after(result: BoardResult): Promise<BoardResult>;
}

/** @param probe what the board's health is asked by */
export function verification(
  board: BoardConfig,
  transport: Transport,
  say: BoardProgress,
  signal: AbortSignal | undefined,
  probe = probeHealth,
): Verification {
  // The others can condemn nothing: whether security updates are missing, an apply need not wait to hear.
  // What was changed before Ctrl-C is looked at all the same, and taken back if need be.
  const stop = () => (signal?.aborted === true ? undefined : signal);
  const look = () => probe(transport, board.playbooks, stop(), checksOfPlaybooks(board.playbooks));
  let changed: ReadonlySet<string | undefined> = new Set();
  let before: readonly Finding[] | undefined;

  return {
    async before({ changes, state }) {
      changed = new Set(changes.map(({ playbook }) => playbook));
      if (state.managed.length > 0) before = await look();
      return true;
    },

    async after(result) {
      if (result.outcome !== "changed") return result;
      say.doing("looking whether all is well");
      const bad = (await look()).filter(
        ({ check, verdict }) => verdict === "critical" && changed.has(playbookOf(check) ?? ""),
      );
      const condemning = bad.find(({ check }) => passed(before, check));
      if (condemning !== undefined) return takeBack(result, condemning);
      for (const { title, summary, hint } of bad) say.doing(`${title}: ${summary}; ${hint ?? ""}`);
      return result;
    },
  };

  async function takeBack(
    result: BoardResult,
    { title, summary, measured, hint }: Finding,
  ): Promise<BoardResult> {
    say.doing(`${title} was well before and is not now: going back`);
    const steps = result.waves.map(({ run }) => rollbackStep(run)).toReversed();
    const stopping = stop();
    const undone = await runSteps(
      board.name,
      transport,
      steps,
      say,
      stopping === undefined ? {} : { signal: stopping },
    );
    const error = new ImcloudError(
      "engine.reverted",
      `\`${board.name}\` was well before this run, and not after it`,
      {
        found: [`${title}: ${summary}`, measured, undone.error?.message]
          .filter((line) => line !== undefined)
          .join("\n"),
        expected: "what passed before to pass after",
        hint: hint ?? `look at it: \`imcloud health --on ${board.name}\``,
      },
    );
    return { ...result, outcome: "failed", waves: [...result.waves, ...undone.waves], error };
  }
}

const playbookOf = (check: string): string | undefined => CHECKS.find(({ id }) => id === check)?.playbook;

const passed = (findings: readonly Finding[] | undefined, check: string): boolean =>
  findings?.some((finding) => finding.check === check && finding.verdict === "ok") ?? false;
