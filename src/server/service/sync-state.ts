/**
 * The state of a room in a sync answer: what it was before the timeline, or what it is after it.
 * Source: Matrix client-server API v1.19, "Syncing", `use_state_after`.
 */
import type { StoredEvent } from "../core/event.js";
import { passesEvent, type RoomEventFilter } from "../core/filter.js";
import type { Stretch } from "../store/events.js";
import type { Store } from "../store/store.js";

export interface StateRequest {
  readonly roomId: string;
  readonly userId: string;
  readonly filter: RoomEventFilter | null | undefined;
  /** All of it, and not only what changed. */
  readonly isWhole: boolean;
  /** What the device knows the room up to, and where the state is looked at. */
  readonly stretch: Stretch;
  /** The stretch ends with the timeline, and not in front of it: the timeline tells nothing of the state. */
  readonly isAfter: boolean;
  /** The device misses what lies in front of the timeline. */
  readonly hasGap: boolean;
  readonly timeline: readonly StoredEvent[];
}

export class SyncState {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The state at the end of the stretch, as far as the device does not know it. */
  async of(request: StateRequest): Promise<StoredEvent[]> {
    const { roomId, filter, isWhole, stretch, isAfter, hasGap } = request;
    let state: StoredEvent[] = [];
    if (isWhole) state = await this.#store.events.stateAt(roomId, stretch.upTo);
    else if (isAfter || hasGap) state = await this.#store.events.stateChanges(roomId, stretch);
    if (filter?.lazy_load_members === true) state = await this.#lazy(request, state);
    return state.filter((event) => passesEvent(filter, event));
  }

  /** Of the members, only those whom the timeline shows; changes of members are told in any case. */
  async #lazy(
    { roomId, userId, isWhole, stretch, isAfter, timeline }: StateRequest,
    state: StoredEvent[],
  ): Promise<StoredEvent[]> {
    const shown = new Set(timeline.map(({ sender }) => sender));
    if (isWhole) {
      shown.add(userId);
      for (const { type, stateKey = "" } of isAfter ? timeline : [])
        if (type === "m.room.member") shown.add(stateKey);
      return state.filter(({ type, stateKey }) => type !== "m.room.member" || shown.has(stateKey ?? ""));
    }
    const known = new Set(
      state.filter(({ type }) => type === "m.room.member").map(({ stateKey }) => stateKey),
    );
    for (const user of shown) {
      if (known.has(user)) continue;
      const member = (await this.#store.events.stateHistory(roomId, "m.room.member", user)).findLast(
        ({ position }) => position <= stretch.upTo,
      );
      if (member !== undefined) state.push(member);
    }
    return state;
  }
}
