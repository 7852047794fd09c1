/**
 * Brings one board to what its playbooks ask for, in waves.
 *
 * A wave carries out everything that can be judged now; then the board is asked again. It is over when
 * nothing is left to do, and it is an error when two waves in a row want the same.
 */
import { randomBytes } from "node:crypto";
import type { Facts } from "../board/facts.js";
import type { Script } from "../board/script.js";
import type { Transport } from "../board/transport.js";
import { ImcloudError } from "../shared/errors.js";
import { clockStep } from "./clock.js";
import { compileRun, followScript, type Step } from "./compile.js";
import { confirmAfresh, restartsOf, toConfirm, upToCutoff } from "./confirm.js";
import { follow, type Followed, type FollowOptions } from "./follow.js";
import { makePlan, resourcesOf } from "./plan.js";
import { probe } from "./probe.js";
import { revertAll } from "./revert.js";
import { whyEnded } from "./why-ended.js";
import type { BoardPlan, BoardResult, Change, Resolve, RunHandle, RunObserver, StepRecord } from "./types.js";

/** The shipped playbooks need four; a playbook of the user's that needs more than this goes round in circles. */
const MAX_WAVES = 8;
/** Long enough for apt on a slow card and a slow line; every step that waits has a shorter limit of its own. */
const WAVE_DEADLINE_MS = 2 * 60 * 60 * 1000;

export interface PlanInput {
  readonly transport: Transport;
  readonly resolve: Resolve;
  /** Those of the last run. If they still hold, one exec is enough. */
  readonly rememberedFacts?: Facts;
}

/**
 * Looks at a board and says what there is to do.
 *
 * @throws ImcloudError of the board's, or of the playbook's when it does not fit this board
 */
export async function planBoard({ transport, resolve, rememberedFacts }: PlanInput): Promise<BoardPlan> {
  if (rememberedFacts !== undefined) {
    const items = await resolve(rememberedFacts);
    const answer = await probe(transport, resourcesOf(items), rememberedFacts);
    if (sameFacts(answer.facts, rememberedFacts))
      return makePlan(transport.board, items, rememberedFacts, answer);
    return planBoard({ transport, resolve, rememberedFacts: answer.facts });
  }
  const { facts } = await probe(transport, []);
  return planBoard({ transport, resolve, rememberedFacts: facts });
}

export interface ApplyInput extends PlanInput {
  readonly observer?: RunObserver;
  /** Called with the first plan that has changes; false ends the run before it began. */
  readonly approve?: (plan: BoardPlan) => Promise<boolean>;
  /**
   * Reverts what is in the ledger but no longer asked for, the youngest first; data stays. Only what the first plan
   * shows: what comes to light in a later wave, nobody has agreed to.
   */
  readonly prune?: boolean;
  /** A connection made anew: only that can confirm a change that might lock the operator out. */
  readonly afresh?: <Result>(task: (transport: Transport) => Promise<Result>) => Promise<Result>;
  /** Stops the run after its current step. */
  readonly signal?: AbortSignal;
}

/**
 * Applies until nothing is left to do.
 *
 * What failed on the board comes back as the result's `error`; only what kept imcloud from beginning is thrown.
 */
export async function applyBoard(input: ApplyInput): Promise<BoardResult> {
  const { transport, observer = {}, signal } = input;
  // Those joined and those begun, in order.
  const runs = new Map<string, readonly StepRecord[]>();
  let wave = 1;
  let facts = input.rememberedFacts;
  let before: BoardPlan | undefined;
  let shown: ReadonlySet<string> | undefined;
  let isApproved = input.approve === undefined;
  const result = (outcome: BoardResult["outcome"], error?: ImcloudError): BoardResult => ({
    board: transport.board,
    outcome,
    waves: [...runs].map(([run, steps]) => ({ run, steps })),
    ...(error && { error }),
    ...(facts && { facts }),
  });

  const isStopped = (): boolean => signal?.aborted === true;
  const untilDone = async (): Promise<BoardResult> => {
    for (;;) {
      const plan = await planBoard({ ...input, ...(facts && { rememberedFacts: facts }) });
      facts = plan.facts;
      if (plan.state.running !== undefined) {
        observer.attached?.(plan.state.running.run);
        await followRun(plan.state.running, followScript(plan.state.running));
        continue;
      }
      const { unconfirmed } = plan.state;
      const changes =
        unconfirmed === undefined ? upToCutoff(plan.changes) : restartsOf(plan.changes, unconfirmed.units);
      shown ??= new Set(input.prune === true ? plan.unmanaged.map(({ id }) => id) : []);
      const steps = [
        ...(changes.length > 0 ? clockStep(plan.state, Math.round(Date.now() / 1000)) : []),
        ...changes.map(changeToStep),
        ...(unconfirmed === undefined
          ? revertAll(
              plan.unmanaged.filter(({ id }) => shown?.has(id)),
              { withData: false },
            )
          : []),
      ];
      observer.planned?.(plan, wave);
      if (steps.length === 0 && unconfirmed === undefined) {
        if (plan.waiting.length > 0) return result("failed", nothingMoves(plan));
        const unseen = plan.unmanaged.filter(({ id }) => shown?.has(id) !== true);
        if (input.prune === true && unseen.length > 0) observer.notPruned?.(unseen.map(({ id }) => id));
        return result(runs.size > 0 ? "changed" : "unchanged");
      }
      if (before !== undefined && before.digest === plan.digest) return result("failed", nothingMoves(plan));
      if (wave > MAX_WAVES) return result("failed", tooManyWaves(plan));
      isApproved ||= (await input.approve?.(plan)) === true;
      if (!isApproved || isStopped()) return result("stopped");
      // In nobody's record yet: `rollback` must find it in this one's.
      if (unconfirmed !== undefined && !runs.has(unconfirmed.run)) runs.set(unconfirmed.run, []);

      const cutoff = toConfirm(changes, unconfirmed);
      if (steps.length > 0) {
        const ended = await runWave(plan, changes, steps);
        if (ended !== undefined) return ended;
      }
      if (cutoff !== undefined) {
        const error = await confirmAfresh(input, cutoff);
        if (error !== undefined) return result("failed", error);
        observer.confirmed?.(cutoff.title);
      }
      // Of a plan that had to wait for a confirmation, the rest is still to come.
      before = unconfirmed === undefined ? plan : undefined;
    }
  };
  /** @returns how the board's run ended, unless it is done */
  const runWave = async (
    plan: BoardPlan,
    changes: readonly Change[],
    steps: readonly Step[],
  ): Promise<BoardResult | undefined> => {
    await upload(transport, changes, observer);
    if (isStopped()) return result("stopped");
    const handle = newRun();
    wave += 1;
    const followed = await followRun(handle, compileRun(steps, handle), { stepCount: steps.length });
    if (followed.outcome === "stopped") return result("stopped");
    if (followed.outcome !== "done")
      return result("failed", whyEnded(transport.board, followed, originIn(plan)));
    return undefined;
  };
  const followRun = async (
    handle: RunHandle,
    script: Script,
    about: Pick<FollowOptions, "stepCount"> = {},
  ): Promise<Followed> => {
    // Noted before it starts: what happens there when nobody listens any more is this apply's too.
    runs.set(handle.run, []);
    const followed = await follow(transport, script, handle, {
      ...about,
      observer,
      deadlineMs: WAVE_DEADLINE_MS,
      ...(signal && { signal }),
    });
    // A run that found the board taken did nothing that could be taken back.
    if (followed.outcome === "locked") runs.delete(handle.run);
    else runs.set(handle.run, followed.steps);
    return followed;
  };
  try {
    return await untilDone();
  } catch (error) {
    // `rollback` must know of the runs that there were, also when the link is lost behind them.
    if (runs.size === 0 || !(error instanceof ImcloudError)) throw error;
    return result("failed", error);
  }
}

/** A run's name sorts by time, to the millisecond; its nonce cannot be guessed by what the run starts. */
export function newRun(): RunHandle {
  const time = new Date().toISOString().replaceAll(/[-:Z]/g, "").replace("T", "-");
  return { run: `${time}-${randomBytes(3).toString("hex")}`, nonce: randomBytes(16).toString("hex") };
}

async function upload(
  transport: Transport,
  changes: readonly Change[],
  observer: RunObserver,
): Promise<void> {
  for (const { source, path, mode } of changes.flatMap(({ uploads }) => uploads ?? [])) {
    observer.uploading?.(path, source.sizeBytes);
    await transport.put(source, path, mode, { deadlineMs: WAVE_DEADLINE_MS });
  }
}

function changeToStep(change: Change): Step {
  const { check, undo, saves, folders, keptByRollback, confirmWithinS, withinS, notifies } = change;
  const title = titleOf(change);
  return {
    title,
    apply: change.apply,
    ...(check && { check }),
    ...(undo && { undo }),
    ...(saves && { saves }),
    ...(folders && { folders }),
    ...(keptByRollback && { keptByRollback }),
    ...(confirmWithinS !== undefined && { confirmWithinS }),
    ...(withinS !== undefined && { withinS }),
    ...(notifies && { notifies }),
    ...(undo && {
      manage: { id: change.resource, title, isData: change.isData === true, revertible: true },
    }),
  };
}

const titleOf = ({ kind, id }: Change): string => `${kind} ${id}`;

/** The place in the playbooks that a step comes from. */
const originIn =
  ({ changes }: BoardPlan) =>
  (title: string) =>
    changes.find((change) => titleOf(change) === title)?.origin;

const sameFacts = (one: Facts, other: Facts): boolean => JSON.stringify(one) === JSON.stringify(other);

function nothingMoves(plan: BoardPlan): ImcloudError {
  const stuck = plan.waiting[0];
  const [title, origin, why] =
    stuck === undefined
      ? [
          plan.changes[0]?.id ?? "the plan",
          plan.changes[0]?.origin,
          "the change was made, and the board looks as before",
        ]
      : [stuck.title, stuck.origin, stuck.because];
  return new ImcloudError("engine.no-progress", `\`${plan.board}\` does not come to rest: ${title}`, {
    ...(origin && { origin }),
    found: why,
    hint: `look at it on the board: \`imcloud ssh ${plan.board}\`; \`imcloud health --on ${plan.board}\` may name the cause`,
  });
}

function tooManyWaves(plan: BoardPlan): ImcloudError {
  return new ImcloudError(
    "engine.too-many-waves",
    `\`${plan.board}\` still has ${plan.changes.length} changes after ${MAX_WAVES} waves`,
    {
      found: plan.changes
        .slice(0, 3)
        .map(({ id }) => id)
        .join(", "),
      hint: "two resources of the playbooks undo each other: look for the ones named here",
    },
  );
}
