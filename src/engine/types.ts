/**
 * The engine's words: what comes in (resources), what it decides (changes), what happened (results).
 */
import type { Facts } from "../board/facts.js";
import type { ImcloudError, Origin } from "../shared/errors.js";
import type { ChangeDraft, Located, RegisteredType, ResourceId, UnitName } from "../resources/resource.js";

/** One thing that a playbook wants of a board. */
export interface Resource extends Located<unknown> {
  readonly type: RegisteredType;
  /** The playbook it belongs to: within one, the order of the list is a promise. */
  readonly playbook: string;
}

/** A thing whose wish itself is not known yet: a setting that depends on a version that apt has still to choose. */
export interface Deferred {
  readonly playbook: string;
  readonly origin: Origin;
  readonly title: string;
  readonly because: string;
}

export type Item =
  { readonly kind: "resource"; readonly resource: Resource } | ({ readonly kind: "deferred" } & Deferred);

/** All that is wanted of one board, in order. It depends on the facts and on nothing else that the board does. */
export type Resolve = (facts: Facts) => Promise<readonly Item[]>;

export interface Change extends ChangeDraft {
  /** Unique in its plan. */
  readonly id: string;
  readonly resource: ResourceId;
  /** Absent, as is the playbook, for a restart that is owed since an earlier run. */
  readonly origin?: Origin;
  readonly playbook?: string;
}

export interface Waiting {
  readonly title: string;
  readonly origin: Origin;
  readonly because: string;
}

/** What a board says of imcloud's own doings there. */
export interface BoardState {
  /** Set while a run holds the board. */
  readonly running?: RunHandle;
  /** The last run that is not running any more. */
  readonly last?: { readonly run: string; readonly outcome: "done" | "failed" | "stopped" | "interrupted" };
  readonly managed: readonly ManagedEntry[];
  /** Units whose files were replaced, and whose restart did not come. */
  readonly owing: readonly UnitName[];
  /** A change that will be undone unless a fresh connection confirms it: whoever made it did not come so far. */
  readonly unconfirmed?: Unconfirmed;
  /** The board's own, when it was asked; `synchronized` when its time service says so. */
  readonly clock?: { readonly epochS: number; readonly synchronized: boolean };
}

export interface Unconfirmed {
  readonly run: string;
  readonly title: string;
  /** Units that read what changed. */
  readonly units: readonly UnitName[];
}

export interface RunHandle {
  readonly run: string;
  readonly nonce: string;
}

/** A line of the ledger. */
export interface ManagedEntry {
  readonly version: number;
  readonly id: ResourceId;
  /** `run/step` of the first change: later ones sort after it. */
  readonly since: string;
  readonly title: string;
  readonly isData: boolean;
  readonly revertible: boolean;
}

export interface BoardPlan {
  readonly board: string;
  readonly facts: Facts;
  readonly state: BoardState;
  /** What can be done now, in order. */
  readonly changes: readonly Change[];
  /** What can only be judged after that. */
  readonly waiting: readonly Waiting[];
  /** In the ledger, but no longer asked for; without data, which only `destroy` takes. */
  readonly unmanaged: readonly ManagedEntry[];
  /** All resources that were looked at. */
  readonly resourceCount: number;
  /** Equal for equal plans of an equally moved board. */
  readonly digest: string;
}

export type Outcome = "changed" | "unchanged" | "failed" | "stopped";

export interface BoardResult {
  readonly board: string;
  readonly outcome: Outcome;
  readonly waves: readonly WaveResult[];
  readonly error?: ImcloudError;
  readonly facts?: Facts;
}

export interface WaveResult {
  readonly run: string;
  readonly steps: readonly StepRecord[];
}

export interface StepRecord {
  readonly title: string;
  readonly outcome: "done" | "failed" | "moved" | "unfinished";
  readonly exitCode?: number;
  /** On the board's own clock. */
  readonly durationMs?: number;
  /** The last lines it printed, at most 20; kept for failed steps only. */
  readonly tail?: readonly string[];
}

/** Hears what happens while it happens. */
export interface RunObserver {
  planned?(plan: BoardPlan, wave: number): void;
  attached?(run: string): void;
  confirmed?(title: string): void;
  /** No longer asked for, but the plan that was agreed to did not show it. */
  notPruned?(ids: readonly string[]): void;
  uploading?(path: string, sizeBytes: number): void;
  stepStarted?(title: string, index: number, count: number): void;
  output?(line: string): void;
  stepEnded?(step: StepRecord, index: number, count: number): void;
}
