/**
 * What a client calls a room by: its name and picture, or whom it consists of.
 *
 * Source: MSC4186, "Currently or previously joined rooms".
 */
import type { StoredEvent } from "../core/event.js";
import { stringOrNone, type JsonObject } from "../core/json.js";
import type { Store } from "../store/store.js";
import type { Summaries } from "./summaries.js";

const MEMBER = "m.room.member";

export class SlidingNaming {
  readonly #store: Store;
  readonly #summaries: Summaries;

  constructor(store: Store, summaries: Summaries) {
    this.#store = store;
    this.#summaries = summaries;
  }

  /** @param changes of the state; undefined when the client knows nothing yet */
  async of(roomId: string, userId: string, changes: readonly StoredEvent[] | undefined): Promise<JsonObject> {
    const has = (type: string) => changes === undefined || changes.some((event) => event.type === type);
    const types = ["m.room.name", "m.room.avatar"].filter(has);
    const hasMembers = has(MEMBER);
    if (types.length === 0 && !hasMembers) return {};
    const contents = await this.#store.views.contentsOf(roomId, ["m.room.name", "m.room.avatar"]);
    const textOf = (type: string, key: string) => {
      const text = stringOrNone(contents.get(type)?.[key]);
      return text === "" ? undefined : text;
    };
    const name = textOf("m.room.name", "name");
    const avatar = textOf("m.room.avatar", "url");
    // What a client knows nothing of yet need not be taken back.
    const orNull = (value: string | undefined) => value ?? (changes === undefined ? undefined : null);
    const isUnnamed = name === undefined && (hasMembers || has("m.room.name"));
    return {
      ...(has("m.room.name") && { name: orNull(name) }),
      ...(has("m.room.avatar") && { avatar: orNull(avatar) }),
      ...(isUnnamed && { heroes: await this.#summaries.heroes(roomId, userId) }),
      ...(hasMembers && (await this.#memberCounts(roomId))),
    };
  }

  async #memberCounts(roomId: string): Promise<JsonObject> {
    const counts = await this.#store.views.memberCounts(roomId);
    return { joined_count: counts.join ?? 0, invited_count: counts.invite ?? 0 };
  }
}
