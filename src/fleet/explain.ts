/**
 * Every value that imcloud sets on each board, and why. Boards are asked only for facts that nobody remembers.
 */
import type { BoardConfig } from "../config/load.js";
import { probe } from "../engine/probe.js";
import { explain, type Explained } from "../playbook/explain.js";
import { withBoard } from "./connect.js";
import { eachBoard, type BoardOutcome } from "./each-board.js";
import { rememberedFacts, rememberFacts } from "./facts-cache.js";
import type { Fleet } from "./fleet.js";
import { resolverOf } from "./resolver.js";

export async function explainFleet(
  fleet: Fleet,
  asking: (board: BoardConfig) => void,
): Promise<readonly BoardOutcome<readonly Explained[]>[]> {
  return eachBoard(fleet.boards, fleet.parallel, async (board) => {
    const remembered = await rememberedFacts(fleet.workspace, board.name);
    if (remembered === undefined) asking(board);
    const facts =
      remembered ??
      (await withBoard(board, fleet.connecting, async (transport) => {
        const answer = await probe(transport, []);
        await rememberFacts(fleet.workspace, board.name, answer.facts);
        return answer.facts;
      }));
    const resolve = resolverOf({ ...fleet, board, fetching: () => undefined, onlyLooking: true });
    return explain(await resolve(facts), fleet.config.folder);
  });
}
