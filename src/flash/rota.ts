/** Who is next, where there are more cards to write than readers. Pure. */

/** A second card tells a bad card from a bad reader, or from settings that no card takes. */
export const CARDS_PER_BOARD = 2;

/** Of boards by their places in the operator's list. */
export class Rota {
  readonly #waiting: number[];
  readonly #spent = new Map<number, number>();

  /** @param count of boards */
  constructor(count: number) {
    this.#waiting = Array.from({ length: count }, (_, place) => place);
  }

  /** @returns whose card a reader that is free writes next; undefined: there is nothing left for it */
  next(): number | undefined {
    return this.#waiting.shift();
  }

  /** No card came for it: another reader may have one. */
  giveBack(place: number): void {
    this.#waiting.push(place);
  }

  /**
   * A card was spoilt for it: it goes to the end, so that a bad card keeps nobody waiting.
   *
   * @returns false: that was the last one that is tried
   */
  spoil(place: number): boolean {
    const spent = (this.#spent.get(place) ?? 0) + 1;
    this.#spent.set(place, spent);
    if (spent >= CARDS_PER_BOARD) return false;
    this.#waiting.push(place);
    return true;
  }
}
