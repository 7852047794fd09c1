/**
 * What `imcloud apply` would do, for each board. Changes nothing.
 */
import { planBoard } from "../engine/apply.js";
import type { BoardPlan } from "../engine/types.js";
import type { TransportCounts } from "../board/transport.js";
import type { BoardOutcome } from "./each-board.js";
import { rememberedFacts, rememberFacts } from "./facts-cache.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import type { FleetProgress } from "./progress.js";
import { resolverOf } from "./resolver.js";

export interface PlannedBoard {
  readonly plan: BoardPlan;
  readonly counts: TransportCounts;
}

export async function planFleet(
  fleet: Fleet,
  progress: FleetProgress,
): Promise<readonly BoardOutcome<PlannedBoard>[]> {
  const outcomes = await onEachBoard(
    fleet,
    progress,
    async (board, transport, say): Promise<PlannedBoard> => {
      const remembered = await rememberedFacts(fleet.workspace, board.name);
      say.doing("probing");
      const plan = await planBoard({
        transport,
        resolve: resolverOf({
          ...fleet,
          board,
          isByPassword: transport.isByPassword,
          fetching: (what) => say.doing(`fetching ${what}`),
        }),
        ...(remembered !== undefined && { rememberedFacts: remembered }),
      });
      await rememberFacts(fleet.workspace, board.name, plan.facts);
      say.ended(isSettled(plan) ? "nothing to change" : changesInWords(plan), true);
      return { plan, counts: transport.counts };
    },
  );
  await progress.end();
  return outcomes;
}

/** Whether `apply` would find nothing to do. */
export function isSettled({ changes, waiting, state }: BoardPlan): boolean {
  return changes.length + waiting.length === 0 && state.unconfirmed === undefined;
}

/** @example "12 changes, 3 more to be judged after them" */
export function changesInWords({ changes, waiting }: Pick<BoardPlan, "changes" | "waiting">): string {
  const first = changes.length === 1 ? "1 change" : `${changes.length} changes`;
  return waiting.length === 0 ? first : `${first}, ${waiting.length} more to be judged after them`;
}
