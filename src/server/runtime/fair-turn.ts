/**
 * Work that goes on from one settled promise to the next keeps every connection and timer waiting, however long it takes.
 * Who does such work asks here, on the way, whether it is others' turn.
 */
import { setImmediate as nextTurn } from "node:timers/promises";

/** What nobody notices, and a small board does a few hundred rows in. */
const TURN_MS = 10;

export class FairTurn {
  #startMs: number | undefined;

  /** Resolves at once, or after others have had their turn if this one has taken long. */
  pass<T>(value: T): Promise<T> {
    const now = performance.now();
    if (this.#startMs === undefined) {
      this.#startMs = now;
      setImmediate(() => (this.#startMs = undefined));
    }
    return now - this.#startMs < TURN_MS ? Promise.resolve(value) : nextTurn(value);
  }
}
