/**
 * Profiles, and their copies in the member events of every room that the user is in.
 */
import type { JsonObject, JsonValue } from "../core/json.js";
import type { Store } from "../store/store.js";
import type { Rooms } from "./rooms.js";

/** The fields that member events repeat. Source: Matrix client-server API, "Profiles". */
const IN_MEMBER_EVENTS: readonly string[] = ["displayname", "avatar_url"];

export class Profiles {
  readonly #store: Store;
  readonly #rooms: Rooms;

  constructor(store: Store, rooms: Rooms) {
    this.#store = store;
    this.#rooms = rooms;
  }

  get(userId: string): Promise<Record<string, JsonValue>> {
    return this.#store.accounts.profile(userId);
  }

  /** What a member event says about its user. */
  async forMember(userId: string): Promise<JsonObject> {
    const profile = await this.get(userId);
    return Object.fromEntries(
      IN_MEMBER_EVENTS.flatMap((name) => (profile[name] === undefined ? [] : [[name, profile[name]]])),
    );
  }

  /** Without a value, the field goes. */
  async set(userId: string, name: string, value?: JsonValue): Promise<void> {
    await this.#store.accounts.setProfileField(userId, name, value);
    if (!IN_MEMBER_EVENTS.includes(name)) return;
    const joined = (await this.#store.events.memberships(userId)).filter(
      ({ membership }) => membership === "join",
    );
    await Promise.all(joined.map(({ roomId }) => this.#tellRoom(roomId, userId, name, value)));
  }

  async #tellRoom(roomId: string, userId: string, name: string, value?: JsonValue): Promise<void> {
    await this.#rooms.sendAll(roomId, (state) => {
      const { [name]: old, ...rest } = state.content("m.room.member", userId) ?? {};
      if (rest["membership"] !== "join" || old === value) return [];
      const content = value === undefined ? rest : { ...rest, [name]: value };
      return [{ type: "m.room.member", stateKey: userId, sender: userId, content }];
    });
  }
}
