/**
 * Collects writes while a group is being committed, so that they share the next commit. One group at a time:
 * two would each be half as large, and cost two syncs.
 *
 * The slower the disk, the larger the groups: the throughput of a card that needs 30 ms for an fsync is not
 * 33 writes a second but 33 groups.
 */
import { StoreError, type Change } from "./database.js";
import type { Call, GroupResult } from "./group.js";

/** Calls in one group; bounds the time that a reader of a change waits, and a failed group's repetition. */
const GROUP_SIZE = 512;

interface Waiting extends Call {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class WriteQueue {
  #waiting: Waiting[] = [];
  #isUnderWay = false;
  #closed = false;
  #idle: (() => void) | undefined;
  readonly #commit: (calls: readonly Call[]) => Promise<GroupResult>;
  readonly #listeners: ((changes: readonly Change[]) => void)[] = [];

  /** @param commit runs a group */
  constructor(commit: (calls: readonly Call[]) => Promise<GroupResult>) {
    this.#commit = commit;
  }

  push<T>(name: string, input: unknown): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError("the store is closed"));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ name, input, resolve, reject });
      // At the end of this turn, so that writes of one turn share a group.
      if (this.#waiting.length === 1) queueMicrotask(() => void this.#next());
    });
  }

  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#listeners.push(listener);
  }

  tell(changes: readonly Change[]): void {
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes);
  }

  /** Refuses new writes and waits for those under way. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#isUnderWay || this.#waiting.length > 0)
      await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  async #next(): Promise<void> {
    if (this.#isUnderWay || this.#waiting.length === 0) return;
    const group = this.#waiting.splice(0, GROUP_SIZE);
    this.#isUnderWay = true;
    try {
      const { outcomes, changes } = await this.#commit(group);
      this.tell(changes);
      group.forEach(({ name, resolve, reject }, index) => {
        const outcome = outcomes[index];
        if (outcome?.ok === true) resolve(outcome.value as never);
        else reject(new StoreError(`${name}: ${outcome?.error ?? "no answer"}`));
      });
    } catch (error) {
      const failure = new StoreError("the write failed", { cause: error });
      for (const { reject } of group) reject(failure);
    } finally {
      this.#isUnderWay = false;
      if (this.#waiting.length > 0) void this.#next();
      else this.#idle?.();
    }
  }
}
