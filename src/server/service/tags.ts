/**
 * What a user calls a room by: favourite, of low priority, or whatever they like.
 *
 * Source: Matrix client-server API v1.19, "Room Tagging".
 */
import { isObject, type JsonObject } from "../core/json.js";
import { InTurn } from "../runtime/in-turn.js";
import type { Store } from "../store/store.js";

const TYPE = "m.tag";

export class Tags {
  readonly #store: Store;
  /** A room's tags are one document: two that are set at once must both be there. */
  readonly #turns = new InTurn();

  constructor(store: Store) {
    this.#store = store;
  }

  async of(userId: string, roomId: string): Promise<JsonObject> {
    const tags = (await this.#store.personal.accountData(userId, roomId, TYPE))?.["tags"];
    return isObject(tags) ? tags : {};
  }

  async set(userId: string, roomId: string, tag: string, about: JsonObject): Promise<void> {
    await this.#change(userId, roomId, (tags) => ({ ...tags, [tag]: about }));
  }

  async remove(userId: string, roomId: string, tag: string): Promise<void> {
    await this.#change(userId, roomId, ({ [tag]: _removed, ...tags }) => tags);
  }

  async #change(userId: string, roomId: string, change: (tags: JsonObject) => JsonObject): Promise<void> {
    await this.#turns.run(`${userId} ${roomId}`, async () => {
      const tags = change(await this.of(userId, roomId));
      await this.#store.personal.setAccountData(userId, roomId, TYPE, { tags });
    });
  }
}
