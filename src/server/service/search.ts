/**
 * Searching what was said, with the eyes of who asks.
 * Source: Matrix client-server API v1.19, "Server Side Search".
 */
import type { StoredEvent } from "../core/event.js";
import { passesEvent, type RoomEventFilter } from "../core/filter.js";
import { isErased, isShown, type Sight } from "../core/visibility.js";
import { fold, queryWords, runsOf, searchableTypes, searchText, type SearchKey } from "../core/words.js";
import type { Store } from "../store/store.js";
import type { History } from "./history.js";
import type { Relations } from "./relations.js";

/** Words of one search: each is a step in the index. */
const MOST_WORDS = 12;
const BATCH = 100;
/** Hits looked at for one search, the newest: what is ranked is ranked among them. */
const LOOKED_AT = 2_000;

export interface Search {
  readonly userId: string;
  readonly term: string;
  readonly keys: readonly SearchKey[];
  readonly filter: RoomEventFilter;
  readonly order: "recent" | "rank";
  /** Hits to pass over. */
  readonly from: number;
  readonly limit: number;
}

export interface Hit {
  readonly event: StoredEvent;
  readonly rank: number;
}

export class Searches {
  readonly #store: Store;
  readonly #history: History;
  readonly #relations: Relations;

  constructor(store: Store, history: History, relations: Relations) {
    this.#store = store;
    this.#history = history;
    this.#relations = relations;
  }

  /** @returns a page of hits, how many there are in all, and whether there are more */
  async find(
    search: Search,
  ): Promise<{ hits: Hit[]; count: number; hasMore: boolean; highlights: string[] }> {
    const runs = [...new Set(runsOf(search.term))];
    const words = queryWords(search.term).slice(0, MOST_WORDS);
    if (words.length === 0) return { hits: [], count: 0, hasMore: false, highlights: [] };
    await this.#store.search.index();
    const all = await this.#all(search, words, runs);
    if (search.order === "rank") all.sort((one, other) => other.rank - one.rank);
    const end = search.from + search.limit;
    return {
      hits: all.slice(search.from, end),
      count: all.length,
      // A full page may be the last one: who asks for the next finds it empty.
      hasMore: search.limit > 0 && all.length >= end,
      highlights: runs,
    };
  }

  async #all(
    { userId, keys, filter }: Search,
    words: readonly string[],
    runs: readonly string[],
  ): Promise<Hit[]> {
    const viewpoints = new Map<string, Sight>();
    const hits: Hit[] = [];
    const types = searchableTypes(keys);
    let before = Number.MAX_SAFE_INTEGER;
    for (let looked = 0; looked < LOOKED_AT && types.length > 0; looked += BATCH) {
      const events = await this.#store.search.find({ words, userId, types, before }, BATCH);
      for (const { roomId } of events)
        if (!viewpoints.has(roomId)) viewpoints.set(roomId, await this.#history.viewpoint(roomId, userId));
      const edits = await this.#relations.newestEdits(events, viewpoints);
      for (const event of events) {
        before = event.position;
        // Who sees a message sees it as it was edited last.
        const rank = rankOf(edits.get(event.eventId) ?? event, runs);
        const viewpoint = viewpoints.get(event.roomId);
        if (rank === 0 || viewpoint === undefined || !passesEvent(filter, event)) continue;
        if (isShown(viewpoint, event) && !isErased(viewpoint, event)) hits.push({ event, rank });
      }
      if (events.length < BATCH) break;
    }
    return hits;
  }
}

/** How much of the text is what was asked for; 0 when a run stands nowhere in it as it was asked for. */
function rankOf({ type, content }: StoredEvent, runs: readonly string[]): number {
  const text = fold(searchText(type, content) ?? "");
  let found = 0;
  for (const run of runs) {
    const times = text.split(run).length - 1;
    if (times === 0) return 0;
    found += times * run.length;
  }
  return found / Math.max(text.length, 1);
}
