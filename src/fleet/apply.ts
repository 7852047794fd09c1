/**
 * Brings boards to the state that `imcloud.yaml` describes. Each board ends for itself.
 */
import { applyBoard } from "../engine/apply.js";
import type { BoardPlan, BoardResult } from "../engine/types.js";
import type { TransportCounts } from "../board/transport.js";
import { ImcloudError } from "../shared/errors.js";
import { withBoard } from "./connect.js";
import type { BoardOutcome } from "./each-board.js";
import { rememberedFacts, rememberFacts } from "./facts-cache.js";
import { onEachBoard, type Fleet } from "./fleet.js";
import { changesInWords } from "./plan.js";
import { observe, summaryOf } from "./in-words.js";
import type { FleetProgress } from "./progress.js";
import { resolverOf } from "./resolver.js";
import { verification } from "./verify.js";

export interface ApplyOptions {
  readonly prune: boolean;
  /** Digests of the plans that were agreed to, by board; a board whose plan differs now is refused. */
  readonly agreed?: ReadonlyMap<string, string>;
  readonly signal?: AbortSignal;
}

export interface AppliedBoard {
  readonly result: BoardResult;
  readonly counts: TransportCounts;
}

export async function applyFleet(
  fleet: Fleet,
  options: ApplyOptions,
  progress: FleetProgress,
): Promise<readonly BoardOutcome<AppliedBoard>[]> {
  const outcomes = await onEachBoard(
    fleet,
    progress,
    async (board, transport, say): Promise<AppliedBoard> => {
      const remembered = await rememberedFacts(fleet.workspace, board.name);
      say.doing("probing");
      // What has to be confirmed is confirmed, also after Ctrl-C.
      const { signal: _stops, ...unstoppable } = fleet.connecting;
      const verify = verification(board, transport, say, options.signal);
      const applied = await applyBoard({
        transport,
        resolve: resolverOf({
          ...fleet,
          board,
          isByPassword: transport.isByPassword,
          fetching: (what) => say.doing(`fetching ${what}`),
        }),
        approve: (plan) => verify.before(plan),
        prune: options.prune,
        afresh: (again) => withBoard(board, unstoppable, again),
        observer: observe(say, (plan) => refuseStale(plan, options.agreed?.get(board.name))),
        ...(remembered !== undefined && { rememberedFacts: remembered }),
        ...(options.signal !== undefined && { signal: options.signal }),
      });
      const result = await verify.after(applied);
      if (result.facts !== undefined) await rememberFacts(fleet.workspace, board.name, result.facts);
      say.ended(result.error?.message ?? summaryOf(result), result.outcome !== "failed");
      return { result, counts: transport.counts };
    },
  );
  await progress.end();
  return outcomes;
}

function refuseStale(plan: BoardPlan, agreed: string | undefined): void {
  if (agreed === undefined || agreed === plan.digest) return;
  throw new ImcloudError(
    "engine.plan-stale",
    `\`${plan.board}\` is no longer as it was when the plan was made`,
    {
      found: changesInWords(plan),
      expected: "the plan that was agreed to",
      hint: "make a new plan with `imcloud plan` and look at it again",
    },
  );
}
