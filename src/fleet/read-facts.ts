/** The facts of each board, asked afresh. */
import type { Facts } from "../board/facts.js";
import { probe } from "../engine/probe.js";
import type { BoardOutcome } from "./each-board.js";
import { rememberFacts } from "./facts-cache.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import type { FleetProgress } from "./progress.js";

export async function readFacts(
  fleet: Fleet,
  progress: FleetProgress,
): Promise<readonly BoardOutcome<Facts>[]> {
  const outcomes = await onEachBoard(fleet, progress, async (board, transport, say) => {
    say.doing("reading facts");
    const { facts } = await probe(transport, []);
    await rememberFacts(fleet.workspace, board.name, facts);
    say.ended(facts.os.prettyName, true);
    return facts;
  });
  await progress.end();
  return outcomes;
}
