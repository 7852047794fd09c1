/**
 * The lists of one sliding connection: a user's rooms by activity, and which of them each list shows.
 *
 * Made once; from then on each change moves the rooms that it touches, and no other.
 * Source: MSC4186, "Lists", "Activity ordering".
 */
import type { ListFilters, ListRequest } from "../core/sliding-request.js";
import type { RoomFact } from "../store/room-views.js";

/** What filters ask beside a room's own facts. */
export interface ListContext {
  readonly direct: ReadonlySet<string>;
  /** Each room's tags. */
  readonly tags: ReadonlyMap<string, readonly string[]>;
  /** The rooms of each space that a filter names and the user is in. */
  readonly spaces: ReadonlyMap<string, ReadonlySet<string>>;
}

interface List {
  /** The filters, as text: when they change, the list is another. */
  readonly key: string;
  readonly filters: ListFilters;
  /** The most active room first. */
  readonly order: RoomFact[];
}

type Lists = Readonly<Record<string, ListRequest>>;

export class SlidingLists {
  readonly #facts = new Map<string, RoomFact>();
  readonly #lists = new Map<string, List>();
  #context: ListContext;

  /** @param facts rooms that lists may show */
  constructor(facts: Iterable<RoomFact>, context: ListContext) {
    for (const fact of facts) this.#facts.set(fact.roomId, fact);
    this.#context = context;
  }

  get size(): number {
    return this.#facts.size;
  }

  fact(roomId: string): RoomFact | undefined {
    return this.#facts.get(roomId);
  }

  count(name: string): number {
    return this.#lists.get(name)?.order.length ?? 0;
  }

  /** Takes over the lists that a request names, and makes those whose filters are new. */
  request(lists: Lists): void {
    for (const name of this.#lists.keys()) if (lists[name] === undefined) this.#lists.delete(name);
    for (const [name, { filters }] of Object.entries(lists)) {
      const key = JSON.stringify(filters ?? {});
      if (this.#lists.get(name)?.key !== key) this.#lists.set(name, this.#make(key, filters ?? {}));
    }
  }

  /** Makes every list anew, because what filters ask beside the rooms has changed. */
  setContext(context: ListContext): void {
    this.#context = context;
    for (const [name, { key, filters }] of this.#lists) this.#lists.set(name, this.#make(key, filters));
  }

  /**
   * Puts a room where it now belongs.
   *
   * @returns whether another room may have come into sight with that: this one left a list
   */
  move(roomId: string, fact: RoomFact | undefined): boolean {
    const before = this.#facts.get(roomId);
    if (fact === undefined) this.#facts.delete(roomId);
    else this.#facts.set(roomId, fact);
    let hasLeft = false;
    for (const { filters, order } of this.#lists.values()) {
      const from = before === undefined ? -1 : indexIn(order, before);
      if (from >= 0) order.splice(from, 1);
      if (fact !== undefined && this.#matches(fact, filters))
        order.splice(placeIn(order, fact.activity), 0, fact);
      else if (from >= 0) hasLeft = true;
    }
    return hasLeft;
  }

  /** The rooms that some list shows, each with the names of those lists. */
  shown(lists: Lists): Map<string, string[]> {
    const shown = new Map<string, string[]>();
    for (const [name, { ranges }] of Object.entries(lists)) {
      const order = this.#lists.get(name)?.order ?? [];
      const seen = new Set<string>();
      for (const [start, end] of ranges)
        for (const { roomId } of order.slice(start, end + 1)) seen.add(roomId);
      for (const roomId of seen) shown.set(roomId, [...(shown.get(roomId) ?? []), name]);
    }
    return shown;
  }

  /** The lists that show a room. */
  showing(roomId: string, lists: Lists): string[] {
    const fact = this.#facts.get(roomId);
    if (fact === undefined) return [];
    return Object.entries(lists).flatMap(([name, { ranges }]) => {
      const index = indexIn(this.#lists.get(name)?.order ?? [], fact);
      return index >= 0 && ranges.some(([start, end]) => start <= index && index <= end) ? [name] : [];
    });
  }

  #make(key: string, filters: ListFilters): List {
    const order = [...this.#facts.values()].filter((fact) => this.#matches(fact, filters));
    return { key, filters, order: order.sort((one, other) => other.activity - one.activity) };
  }

  #matches(fact: RoomFact, filters: ListFilters): boolean {
    const { roomId, type = null } = fact;
    const { direct, tags, spaces } = this.#context;
    const is = (wanted: boolean | null | undefined, found: boolean) => wanted == null || wanted === found;
    if (!is(filters.is_dm, direct.has(roomId)) || !is(filters.is_encrypted, fact.isEncrypted)) return false;
    if (!is(filters.is_invite, fact.membership === "invite")) return false;
    if (filters.not_room_types?.includes(type) === true) return false;
    if (filters.room_types != null && !filters.room_types.includes(type)) return false;
    const own = tags.get(roomId) ?? [];
    if (filters.not_tags?.some((tag) => own.includes(tag)) === true) return false;
    if (filters.tags != null && !filters.tags.some((tag) => own.includes(tag))) return false;
    return filters.spaces == null || filters.spaces.some((space) => spaces.get(space)?.has(roomId) === true);
  }
}

/** Where a room of this activity belongs: no two rooms have the same, as each event has its own position. */
function placeIn(order: readonly RoomFact[], activity: number): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle]?.activity ?? 0) > activity) low = middle + 1;
    else high = middle;
  }
  return low;
}

function indexIn(order: readonly RoomFact[], { roomId, activity }: RoomFact): number {
  const index = placeIn(order, activity);
  return order[index]?.roomId === roomId ? index : -1;
}
