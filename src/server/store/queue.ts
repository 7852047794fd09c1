/**
 * Collects writes, so that they share a commit.
 *
 * The slower the disk, the larger the groups: the throughput of a card that needs 30 ms for an fsync is not
 * 33 writes a second but 33 groups.
 */
import { StoreError, type Change } from "./database.js";
import type { Call, GroupResult } from "./group.js";

/** Calls in one group; bounds the time that a reader of a change waits, and a failed group's repetition. */
export const GROUP_SIZE = 512;
/**
 * So many waiting calls are sent before the turn is over: a writer elsewhere works while this turn goes on. One that has
 * something to do already is given no less at once: each message wakes it, and each group is a commit.
 */
const WORTH_SENDING = 64;

interface Waiting extends Call {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class WriteQueue {
  #waiting: Waiting[] = [];
  #underWay = 0;
  #isCalled = false;
  #closed = false;
  #idle: (() => void) | undefined;
  /** What the disk's trouble is since a write failed, until one has succeeded. */
  trouble: string | undefined;
  readonly #commit: (calls: readonly Call[]) => Promise<GroupResult>;
  readonly #atOnce: number;
  readonly #listeners: ((changes: readonly Change[]) => void)[] = [];

  /**
   * @param commit runs a group
   * @param atOnce groups that `commit` may be given before it has answered for the first; it answers in order
   */
  constructor(commit: (calls: readonly Call[]) => Promise<GroupResult>, atOnce: number) {
    this.#commit = commit;
    this.#atOnce = atOnce;
  }

  push<T>(name: string, input: unknown): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError("the store is closed"));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ name, input, resolve, reject });
      if (this.#waiting.length >= WORTH_SENDING) void this.#next();
      else this.#callNext();
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
    if (this.#underWay > 0 || this.#waiting.length > 0)
      await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** At the end of this turn, so that writes of one turn share a group. */
  #callNext(): void {
    if (this.#isCalled) return;
    this.#isCalled = true;
    setImmediate(() => {
      this.#isCalled = false;
      void this.#next();
    });
  }

  async #next(): Promise<void> {
    if (this.#underWay >= this.#atOnce || this.#waiting.length === 0) return;
    if (this.#underWay > 0 && this.#waiting.length < WORTH_SENDING) return; // the answer calls again
    const group = this.#waiting.splice(0, GROUP_SIZE);
    this.#underWay += 1;
    try {
      const { outcomes, changes, wrote } = await this.#commit(group);
      this.tell(changes);
      group.forEach(({ name, resolve, reject }, index) => {
        const outcome = outcomes[index];
        if (outcome?.ok === true) resolve(outcome.value as never);
        else reject(new StoreError(`${name}: ${outcome?.error ?? "no answer"}`, outcome));
      });
      const trouble = outcomes.find((outcome) => !outcome.ok)?.trouble;
      if (trouble !== undefined || wrote) this.trouble = trouble;
    } catch (error) {
      const failure = new StoreError("the write failed", { cause: error });
      for (const { reject } of group) reject(failure);
    } finally {
      this.#underWay -= 1;
      if (this.#waiting.length > 0) this.#callNext();
      else if (this.#underWay === 0) this.#idle?.();
    }
  }
}
