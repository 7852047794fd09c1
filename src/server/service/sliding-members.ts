/**
 * Members that are told because the timeline shows them, and not again.
 *
 * Source: MSC4186, "Lazy loaded memberships".
 */
import type { StoredEvent } from "../core/event.js";
import type { RoomConfig } from "../core/room-config.js";

const MEMBER = "m.room.member";
/** Members of one room that are remembered as told; to tell them again does no harm. */
const REMEMBERED = 100;

export class LazyMembers {
  readonly isOn: boolean;
  readonly #told: Set<string>;

  /** @param told the members that the client was told before; undefined when it has to forget them */
  constructor({ isLazy }: RoomConfig, told: ReadonlySet<string> | undefined) {
    this.isOn = isLazy;
    this.#told = new Set(told);
  }

  /**
   * Whom the timeline shows and the client does not know.
   *
   * @param state what is told anyway
   */
  missing(timeline: readonly StoredEvent[], state: readonly StoredEvent[]): string[] {
    if (!this.isOn) return [];
    for (const { type, stateKey } of state) if (type === MEMBER) this.#told.add(stateKey ?? "");
    const shown = new Set<string>();
    for (const { type, sender, stateKey } of timeline) {
      shown.add(sender);
      if (type === MEMBER && stateKey !== undefined) shown.add(stateKey);
    }
    const missing = [...shown].filter((userId) => !this.#told.has(userId));
    if (this.#told.size + missing.length > REMEMBERED) this.#told.clear();
    for (const userId of missing) this.#told.add(userId);
    return missing;
  }

  /** Whom the client now knows. */
  get told(): ReadonlySet<string> {
    return this.#told;
  }
}
