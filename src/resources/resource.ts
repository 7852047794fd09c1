/**
 * What a resource type is: how to ask a board about a thing, and how to bring the thing about.
 *
 * A type is one file in this folder and one line in `registry.ts`. The engine calls its verbs in this order:
 * `probe` (one read-only fragment for all resources of the type, with a constant number of processes),
 * `observe` (text to values), `diff` (pure). Nothing here runs anything.
 */
import type { z } from "zod";
import type { Facts } from "../board/facts.js";
import type { Script } from "../board/script.js";
import type { Source } from "../board/transport.js";
import type { Origin } from "../shared/errors.js";

/** `type:key`, unique on a board. */
export type ResourceId = string & { readonly __brand: "ResourceId" };
/** A systemd unit's full name, such as `rabbitmq-server.service`. */
export type UnitName = string;

/** "Cannot look" is never "is not there". */
export type Observation<T> =
  | { readonly kind: "known"; readonly value: T }
  | { readonly kind: "absent" }
  | { readonly kind: "unknowable"; readonly because: string };

export const absent = { kind: "absent" } as const;
export const known = <T>(value: T): Observation<T> => ({ kind: "known", value });
export const unknowable = (because: string) => ({ kind: "unknowable", because }) as const;

export interface Located<Desired> {
  readonly id: ResourceId;
  readonly desired: Desired;
  /** The line of the playbook that asks for it. */
  readonly origin: Origin;
}

export interface ResourceType<Desired, Observed> {
  readonly type: string;
  /** The playbook syntax of this type; its descriptions are its documentation. */
  readonly schema: z.ZodType<Desired>;
  /** What tells two resources of this type apart, such as the path of a file. */
  key(desired: Desired): string;
  /** Read-only, for all resources of the type at once. Runs as root under dash, with no standard input. */
  probe(all: readonly Located<Desired>[], facts: Facts): Script;
  /** An id that is not in the answer is unknowable. */
  observe(output: string, all: readonly Located<Desired>[]): ReadonlyMap<ResourceId, Observation<Observed>>;
  /** Pure; an empty list means converged. Never called for an unknowable observation. */
  diff(desired: Desired, observed: Known<Observed>): readonly ChangeDraft[];
  /** The unit that this resource speaks for, and its restart: that takes place where this resource stands. */
  restart?(desired: Desired): UnitRestart;
  /** Whether it asks for a part of what stands in the ledger under another id: reverting that would take it away. */
  covers?(desired: Desired, id: ResourceId): boolean;
}

export interface UnitRestart {
  readonly unit: UnitName;
  readonly draft: ChangeDraft;
}

export type Known<T> = Exclude<Observation<T>, { kind: "unknowable" }>;

export type ChangeKind = "create" | "update" | "delete";

/** For a step that copies data, however much there is; seconds. */
export const COPYING_S = 86_400;

/** What a change can cost, in rising order. A `cutoff` can lock the operator out: it is confirmed or reverted. */
export type Risk = "none" | "restart" | "downtime" | "cutoff" | "destructive";

/** One step of a plan, as its type proposes it. */
export interface ChangeDraft {
  readonly kind: ChangeKind;
  readonly risk: Risk;
  /** What a person may see; a secret is `changed` at most. */
  readonly before: string;
  readonly after: string;
  /** Exits 0 while the board is still as it was probed. */
  readonly check?: Script;
  /** Safe to run twice. */
  readonly apply: Script;
  /**
   * Brings back what was before. It outlives the run, so it carries no files; what it needs of the old state
   * it finds in `$IMCLOUD_SAVED/0`, `/1` ..., the copies of `saves`. None: the change cannot be reverted.
   */
  readonly undo?: Script;
  /** Paths copied before the change, each only if it exists. */
  readonly saves?: readonly string[];
  /** Folders that have to be there; those that were not go again when the change is undone and they are empty. */
  readonly folders?: readonly string[];
  /** Packages and data: `rollback` leaves them, only `destroy` and `--prune` undo them. */
  readonly keptByRollback?: boolean;
  /** Units to restart once, when everything else of their group is done. */
  readonly notifies?: readonly UnitName[];
  /** Large files put on the board before the wave starts. */
  readonly uploads?: readonly Upload[];
  /** Set for a `cutoff`: undone after so many seconds unless a fresh connection confirms it. */
  readonly confirmWithinS?: number;
  /** Seconds after which the step is stopped and has failed; an hour, if nothing is said. */
  readonly withinS?: number;
  /** True: `destroy` leaves it unless data is to go too. */
  readonly isData?: boolean;
}

export interface Upload {
  readonly source: Source;
  readonly path: string;
  readonly mode: number;
}

/** A resource type whose own types are hidden, so that different ones fit into one list. */
export interface RegisteredType {
  readonly type: string;
  readonly schema: z.ZodType;
  key(desired: unknown): string;
  restart(desired: unknown): UnitRestart | undefined;
  covers(desired: unknown, id: ResourceId): boolean;
  probe(all: readonly Located<unknown>[], facts: Facts): Script;
  /** observe and diff in one: what has to be done for each resource. */
  judge(output: string, all: readonly Located<unknown>[]): ReadonlyMap<ResourceId, Judgement>;
}

export type Judgement =
  | { readonly kind: "judged"; readonly drafts: readonly ChangeDraft[] }
  | { readonly kind: "unknowable"; readonly because: string };

/** Hides a type's own types. What goes in was parsed by the same type's schema: that makes the casts true. */
export function register<Desired, Observed>(type: ResourceType<Desired, Observed>): RegisteredType {
  const typed = (all: readonly Located<unknown>[]) => all as readonly Located<Desired>[];
  return {
    type: type.type,
    schema: type.schema,
    key: (desired) => type.key(desired as Desired),
    restart: (desired) => type.restart?.(desired as Desired),
    covers: (desired, id) => type.covers?.(desired as Desired, id) ?? false,
    probe: (all, facts) => type.probe(typed(all), facts),
    judge(output, all) {
      const observed = type.observe(output, typed(all));
      return new Map(
        typed(all).map(({ id, desired }): [ResourceId, Judgement] => {
          const seen = observed.get(id) ?? unknowable("the probe said nothing of it");
          if (seen.kind === "unknowable") return [id, seen];
          return [id, { kind: "judged", drafts: type.diff(desired, seen) }];
        }),
      );
    },
  };
}

export function resourceId(type: string, key: string): ResourceId {
  return `${type}:${key}` as ResourceId;
}
