/**
 * Work that goes on from one settled promise to the next keeps every connection and timer waiting, however long it takes.
 * Who does such work asks here, on the way, whether it is others' turn.
 */
import { setTimeout as pause } from "node:timers/promises";

/** What nobody notices, and a small board does a few hundred rows in. */
const TURN_MS = 10;

/** A request takes several rounds of the event loop: with a single one between two turns, each would cost it a turn. */
const PAUSE_MS = 1;

export class FairTurn {
  #startMs: number | undefined;

  /** Resolves at once, or after others have had their turn if this one has taken long. */
  pass<T>(value: T): Promise<T> {
    const now = performance.now();
    if (this.#startMs === undefined) {
      this.#startMs = now;
      setTimeout(() => (this.#startMs = undefined), 0);
    }
    return now - this.#startMs < TURN_MS ? Promise.resolve(value) : pause(PAUSE_MS, value);
  }
}
