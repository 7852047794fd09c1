/**
 * What a client wants to be told of a room: how much of its timeline, and which of its state.
 *
 * A room that matches several lists and subscriptions is told as far as any of them wants it.
 * Source: MSC4186, "Combining room configs".
 */

const ANY = "*";
const MEMBER = "m.room.member";

/** As it stands in a request. */
export interface WantedOfRoom {
  /** Pairs of type and state key; either may be `*`, and the key may be `$ME` or, of members, `$LAZY`. */
  readonly required_state: readonly (readonly [string, string])[];
  readonly timeline_limit: number;
}

export class RoomConfig {
  /** Equal for equal configurations. */
  readonly id: string;
  readonly timelineLimit: number;
  /** Members are told when the timeline shows them. */
  readonly isLazy: boolean;
  /** The state keys that are wanted, by type; `*` in either place stands for all. */
  readonly #wanted: ReadonlyMap<string, ReadonlySet<string>>;

  /** @param userId what `$ME` stands for */
  constructor(userId: string, rules: readonly WantedOfRoom[]) {
    const pairs = rules.flatMap((rule) => rule.required_state);
    const wanted = new Map<string, Set<string>>();
    for (const [type, key] of pairs) {
      if (key === "$LAZY") continue;
      const keys = wanted.get(type) ?? new Set<string>();
      keys.add(key === "$ME" ? userId : key);
      wanted.set(type, keys);
    }
    this.#wanted = wanted;
    this.timelineLimit = Math.max(0, ...rules.map((rule) => rule.timeline_limit));
    this.isLazy = pairs.some(([type, key]) => type === MEMBER && key === "$LAZY");
    const texts = [...wanted].map(([type, keys]) => JSON.stringify([type, ...[...keys].sort()])).sort();
    this.id = `${this.isLazy ? "lazy " : ""}${texts.join()}`;
  }

  /** Whether a piece of state is wanted for what it is; {@link isLazy} may add members. */
  wants(type: string, stateKey: string): boolean {
    const keys = this.#wanted.get(type);
    if (keys?.has(stateKey) === true || keys?.has(ANY) === true) return true;
    const ofAll = this.#wanted.get(ANY);
    if (ofAll?.has(stateKey) === true) return true;
    return ofAll?.has(ANY) === true && !(this.isLazy && type === MEMBER);
  }

  /** What to ask of the store: every type, or these; and of the members all, or these. */
  get query(): StateQuery {
    const members = this.#wanted.get(MEMBER) ?? new Set<string>();
    if (this.#wanted.has(ANY)) {
      const areAll = members.has(ANY) || !this.isLazy;
      return { types: "all", members: areAll ? "all" : [...members] };
    }
    return {
      types: [...this.#wanted.keys()].filter((type) => type !== MEMBER),
      members: members.has(ANY) ? "all" : [...members],
    };
  }
}

export interface StateQuery {
  /** Without `m.room.member`. */
  readonly types: "all" | readonly string[];
  readonly members: "all" | readonly string[];
}
