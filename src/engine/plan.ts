/**
 * From wishes and observations to changes. Pure.
 *
 * Within one playbook the order of the list is a promise: behind something that cannot be judged yet,
 * everything waits for the next wave. Playbooks do not wait for each other.
 */
import { createHash } from "node:crypto";
import type { Facts } from "../board/facts.js";
import { restartDraft } from "../resources/restart.js";
import { resourceId, type ChangeDraft, type Judgement, type UnitName } from "../resources/resource.js";
import { groupByType, type ProbeAnswer } from "./probe.js";
import type { BoardPlan, Change, Item, ManagedEntry, Resource, Waiting } from "./types.js";

/** The resources of a resolution, without what is deferred. */
export function resourcesOf(items: readonly Item[]): readonly Resource[] {
  return items.flatMap((item) => (item.kind === "resource" ? [item.resource] : []));
}

/**
 * What there is to do on a board.
 *
 * @param facts those that `items` were resolved from
 */
export function makePlan(
  board: string,
  items: readonly Item[],
  facts: Facts,
  answer: ProbeAnswer,
): BoardPlan {
  const resources = resourcesOf(items);
  const judgements = new Map<string, Judgement>(
    groupByType(resources).flatMap(([type, all]) => [
      ...type.judge(answer.sections.get(type.type) ?? "", all),
    ]),
  );

  const ready: Planned[] = [];
  const waiting: Waiting[] = [];
  const held = new Map<string, string>();
  for (const item of items) {
    const { playbook, origin, title, because, drafts } = judged(item, judgements);
    const wait = held.get(playbook) ?? because;
    if (wait !== undefined) {
      // Only those who cannot be judged are worth a line; those behind them follow.
      if (because !== undefined) waiting.push({ title, origin, because });
      held.set(playbook, wait);
    } else if (item.kind === "resource") ready.push({ resource: item.resource, drafts });
  }

  const spokenFor = new Set(resources.flatMap(({ type, desired }) => type.restart(desired)?.unit ?? []));
  const changes = withRestarts(ready, spokenFor, answer.state.owing);

  const wanted = new Set<string>(resources.map(({ id }) => id));
  // While something is deferred, nobody can say that a managed thing is not asked for any more. Data never go so.
  const unmanaged = items.some(({ kind }) => kind === "deferred")
    ? []
    : answer.state.managed.filter(
        ({ id, isData }) =>
          !isData && !wanted.has(id) && !resources.some(({ type, desired }) => type.covers(desired, id)),
      );
  return {
    board,
    facts,
    state: answer.state,
    changes,
    waiting,
    unmanaged,
    resourceCount: items.length,
    digest: digestOf(changes, unmanaged),
  };
}

interface Planned {
  readonly resource: Resource;
  readonly drafts: readonly ChangeDraft[];
}

function judged(item: Item, judgements: ReadonlyMap<string, Judgement>) {
  if (item.kind === "deferred") return { ...item, drafts: [] };
  const { id, playbook, origin } = item.resource;
  const judgement = judgements.get(id) ?? { kind: "unknowable", because: "its type said nothing of it" };
  return judgement.kind === "unknowable"
    ? { playbook, origin, title: id, because: judgement.because, drafts: [] }
    : { playbook, origin, title: id, because: undefined, drafts: judgement.drafts };
}

/**
 * Adds the restarts that changes ask for, and those that are owed since an earlier run: one for each unit, where
 * its own resource stands in the list. If that resource waits for a later wave, so does the restart; if there is
 * none, it comes after everything else. The runner notes the debt before the change that causes it, so a run that
 * is cut off in between pays it the next time.
 */
function withRestarts(
  ready: readonly Planned[],
  spokenFor: ReadonlySet<UnitName>,
  owing: readonly UnitName[],
): readonly Change[] {
  const asked = new Map<UnitName, Resource | undefined>(owing.map((unit) => [unit, undefined]));
  for (const { resource, drafts } of ready) {
    for (const unit of drafts.flatMap(({ notifies }) => notifies ?? [])) asked.set(unit, resource);
  }
  const placed = ready.flatMap(({ resource, drafts }) => {
    const restart = resource.type.restart(resource.desired);
    const all = restart !== undefined && asked.delete(restart.unit) ? [...drafts, restart.draft] : drafts;
    return all.map((draft, index): Change => ({
      ...draft,
      id: index === 0 ? resource.id : `${resource.id}#${index + 1}`,
      resource: resource.id,
      origin: resource.origin,
      playbook: resource.playbook,
    }));
  });
  const homeless = [...asked]
    .filter(([unit]) => !spokenFor.has(unit))
    .map(([unit, asker]): Change => {
      const id = resourceId("restart", unit);
      if (asker === undefined) return { ...restartDraft(unit, "left"), id, resource: id };
      return { ...restartDraft(unit), id, resource: id, origin: asker.origin, playbook: asker.playbook };
    });
  return [...placed, ...homeless];
}

/** With what `--prune` would revert: whoever agreed to a plan has seen that too. */
function digestOf(changes: readonly Change[], unmanaged: readonly ManagedEntry[]): string {
  const seen = [
    ...changes.map(({ id, kind, before, after }) => [id, kind, before, after]),
    ...unmanaged.map(({ id }) => id).toSorted(),
  ];
  return createHash("sha256").update(JSON.stringify(seen)).digest("hex");
}
