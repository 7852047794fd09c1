/**
 * How a room presents itself to one user: whom it consists of, as clients make its name from that.
 *
 * Source: Matrix client-server API, "Calculating the display name for a room".
 */
import type { JsonObject } from "../core/json.js";
import type { Store } from "../store/store.js";

const HEROES = 5;

export class Summaries {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async of(roomId: string, userId: string): Promise<JsonObject> {
    const [joined, invited] = await Promise.all([
      this.#store.events.members(roomId, "join"),
      this.#store.events.members(roomId, "invite"),
    ]);
    let heroes = [...joined, ...invited].filter((member) => member !== userId);
    // Nobody is left: those who were there name the room.
    if (heroes.length === 0) {
      const gone = [
        ...(await this.#store.events.members(roomId, "leave")),
        ...(await this.#store.events.members(roomId, "ban")),
      ];
      heroes = gone.filter((member) => member !== userId);
    }
    return {
      "m.heroes": heroes.slice(0, HEROES),
      "m.joined_member_count": joined.length,
      "m.invited_member_count": invited.length,
    };
  }
}
