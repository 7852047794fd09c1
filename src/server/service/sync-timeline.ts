/**
 * The newest events of a room in a sync answer.
 * Source: Matrix client-server API v1.19, "Syncing", "Room History Visibility".
 */
import type { StoredEvent } from "../core/event.js";
import { passesEvent, type RoomEventFilter } from "../core/filter.js";
import { mayRead, type Sight } from "../core/visibility.js";
import type { Store } from "../store/store.js";
import type { History } from "./history.js";
import type { SyncRequest } from "./sync.js";

const DEFAULT_LIMIT = 10;

export interface TimelineRequest {
  readonly request: SyncRequest;
  readonly roomId: string;
  /** The device knows the room up to here; 0 when it knows nothing of it. */
  readonly knownUpTo: number;
}

export interface Timeline {
  readonly events: readonly StoredEvent[];
  readonly isLimited: boolean;
  /** The gap in front of the first event. */
  readonly start: number;
  readonly sight: Sight;
}

export class SyncTimeline {
  readonly #store: Store;
  readonly #history: History;
  /** Most events of one room, whatever the filter says. */
  readonly #most: number;

  constructor(store: Store, history: History, most: number) {
    this.#store = store;
    this.#history = history;
    this.#most = most;
  }

  async of({ request, roomId, knownUpTo }: TimelineRequest, upTo: number): Promise<Timeline> {
    const filter = request.filter.room?.timeline;
    const limit = Math.min(filter?.limit ?? DEFAULT_LIMIT, this.#most);
    const sight = await this.#history.viewpoint(roomId, request.viewer.userId);
    const page = await this.#history.page(roomId, { after: knownUpTo, upTo }, "b", limit, sight, filter);
    const read = [...page.events].reverse();
    const all = await this.#withMissedState(roomId, read, upTo, sight, filter);
    // It never begins in a time that is not for the user: then the state before it would tell of that time.
    const cut = all.findIndex(
      ({ position }, index) => index >= all.length - limit && mayRead(sight, position),
    );
    const events = cut < 0 ? [] : all.slice(cut);
    const hasMore = page.next !== undefined || events.length < all.length;
    const end = all.length > 0 ? upTo : (page.next ?? upTo);
    return {
      events,
      isLimited: hasMore || (knownUpTo === 0 && request.since !== undefined),
      start: events[0] === undefined ? end : events[0].position - 1,
      sight,
    };
  }

  /**
   * Adds the state that was set while the user was outside, in the midst of what they may read. Of what still holds
   * they would learn in no other way, as the state that is told ends where the timeline begins.
   */
  async #withMissedState(
    roomId: string,
    events: readonly StoredEvent[],
    upTo: number,
    sight: Sight,
    filter: RoomEventFilter | null | undefined,
  ): Promise<readonly StoredEvent[]> {
    const [first] = events;
    if (first === undefined) return events;
    const wasOutside = sight.memberships.some(
      ({ position, value }) => position > first.position && value !== "join",
    );
    if (!wasOutside) return events;
    const changes = await this.#store.events.stateChanges(roomId, { after: first.position, upTo });
    const missed = changes.filter((event) => !mayRead(sight, event.position) && passesEvent(filter, event));
    return [...events, ...missed].sort((one, other) => one.position - other.position);
  }
}
