/**
 * What clients are told of events beside what the events say: what the viewer was in the room when they came, and what
 * a state event took the place of.
 * Source: Matrix client-server API v1.19, "Room event format", `UnsignedData`.
 */
import type { StoredEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { mayRead, membershipAt, type Sight } from "../core/visibility.js";
import type { Store } from "../store/store.js";

export class Hindsight {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * @param sights the viewer's of the rooms that the events are of
   * @returns for each event id what belongs into `unsigned`
   */
  async of(
    events: readonly StoredEvent[],
    sights: ReadonlyMap<string, Sight>,
  ): Promise<ReadonlyMap<string, JsonObject>> {
    const replaced = await this.#store.views.replaced(events);
    return new Map(
      events.map(({ eventId, roomId, position }) => {
        const seen = sights.get(roomId);
        if (seen === undefined) return [eventId, {}];
        const old = replaced.get(eventId);
        return [
          eventId,
          {
            membership: membershipAt(seen, position),
            ...(old !== undefined && mayRead(seen, old.position) && { prev_content: old.content }),
          },
        ];
      }),
    );
  }
}
