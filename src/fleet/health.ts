/**
 * How the boards are. A board that cannot be reached has one finding: that.
 */
import { ImcloudError } from "../shared/errors.js";
import { checksFor, probeHealth, type Finding } from "../health/probe.js";
import { worstOf, type BoardHealth } from "../health/report.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import type { FleetProgress } from "./progress.js";

/** @param checks those to make on a board with these playbooks; all of health's unless given */
export async function healthOfFleet(
  fleet: Fleet,
  progress: FleetProgress,
  checks = checksFor,
): Promise<readonly BoardHealth[]> {
  const outcomes = await onEachBoard(fleet, progress, async (board, transport, say) => {
    say.doing("probing");
    const findings = await probeHealth(
      transport,
      board.playbooks,
      fleet.connecting.signal,
      checks(board.playbooks),
    );
    say.ended(worstOf(findings.map(({ verdict }) => verdict)), true);
    return findings;
  });
  await progress.end();
  return outcomes.map((outcome) => {
    const findings: readonly Finding[] = outcome.ok
      ? [reached, ...outcome.value]
      : [unreached(outcome.error)];
    return { board: outcome.board.name, verdict: worstOf(findings.map(({ verdict }) => verdict)), findings };
  });
}

const reached: Finding = {
  check: "reachable",
  title: "Reachable",
  verdict: "ok",
  summary: "answers and lets imcloud look",
};

/** Whatever kept imcloud from looking; a bug in imcloud is no finding about a board. */
function unreached(error: unknown): Finding {
  if (!(error instanceof ImcloudError)) throw error;
  const { found, hint } = error.details;
  return {
    check: "reachable",
    title: "Reachable",
    verdict: "critical",
    summary: error.message,
    ...(found !== undefined && { measured: found }),
    hint,
  };
}
