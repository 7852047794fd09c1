/**
 * Whether another card is in a reader: what the kernel tells of the drive there, look by look.
 *
 * Source: sysfs, `diskseq`: the kernel counts the disks that it meets, a medium that was changed in its reader included.
 */
import type { Drive } from "./drives.js";

/** Of one reader, from when a card in it is done. Pure: whoever looks, and when, is the caller's business. */
export class CardWatch {
  readonly #slot: string;
  readonly #last: Drive;
  #wasEmpty = false;
  #seen: Drive | undefined;

  /** @param last the card that is done */
  constructor(last: Drive) {
    this.#slot = last.slot;
    this.#last = last;
  }

  /**
   * A card that is being put in or taken out comes and goes: two looks running must find the same one.
   *
   * @param drives all of the machine's
   * @returns the card, as it is now; undefined while there is none but the last one
   */
  look(drives: readonly Drive[]): Drive | undefined {
    const [found, ...others] = drives.filter(({ slot }) => slot === this.#slot);
    // Of two cards in one reader nobody can say which was put in for us.
    if (others.length > 0) return undefined;
    const before = this.#seen;
    this.#seen = undefined;
    if (found === undefined) this.#wasEmpty = true;
    else if (isAnother(this.#last, found) || (this.#wasEmpty && !isCounted(found))) this.#seen = found;
    const isSettled = found !== undefined && before !== undefined && !isAnother(before, found);
    return isSettled ? this.#seen : undefined;
  }
}

/** By the kernel's count where there is one: a card taken out and put in again is another one then. */
export function isAnother(one: Drive, other: Drive): boolean {
  if (isCounted(one) && isCounted(other)) return one.sequence !== other.sequence;
  return (["id", "path", "serial", "sizeBytes"] as const).some((what) => one[what] !== other[what]);
}

const isCounted = ({ sequence }: Drive): boolean => sequence !== undefined;
