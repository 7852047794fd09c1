/**
 * What a user keeps of a room, and of the room that takes its place: the push rule, the tags, and whose chat it is.
 *
 * Source: Matrix client-server API v1.19, "Room upgrades", "Server behaviour", for the push rule; clients expect the
 * rest beside it, as otherwise a favourite or a chat of two is lost by an upgrade.
 */
import { isObject, itemsOf, stringOrNone, type JsonValue } from "../core/json.js";
import type { Store } from "../store/store.js";
import type { PushRules } from "./push-rules.js";
import type { Rooms } from "./rooms.js";

export class CarryOver {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #pushRules: PushRules;

  constructor(store: Store, rooms: Rooms, pushRules: PushRules) {
    this.#store = store;
    this.#rooms = rooms;
    this.#pushRules = pushRules;
  }

  /** To be called when a user has come into a room; nothing happens in one that replaces none of the user's rooms. */
  async into(roomId: string, userId: string): Promise<void> {
    const predecessor = (await this.#rooms.state(roomId)).content("m.room.create")?.["predecessor"];
    const old = isObject(predecessor) ? stringOrNone(predecessor["room_id"]) : undefined;
    if (old === undefined || (await this.#store.events.membership(userId, old)) === undefined) return;
    await this.#rule(old, roomId, userId);
    await this.#tags(old, roomId, userId);
    await this.#direct(old, roomId, userId);
  }

  async #rule(old: string, roomId: string, userId: string): Promise<void> {
    const { room: rules } = await this.#pushRules.of(userId);
    const rule = rules.find(({ rule_id: id }) => id === old);
    if (rule === undefined || rules.some(({ rule_id: id }) => id === roomId)) return;
    await this.#pushRules.put(userId, "room", { ...rule, rule_id: roomId }, {});
    if (!rule.enabled) await this.#pushRules.change(userId, "room", roomId, { enabled: false });
  }

  async #tags(old: string, roomId: string, userId: string): Promise<void> {
    const { personal } = this.#store;
    const tags = await personal.accountData(userId, old, "m.tag");
    if (tags === undefined || (await personal.accountData(userId, roomId, "m.tag")) !== undefined) return;
    await personal.setAccountData(userId, roomId, "m.tag", tags);
  }

  async #direct(old: string, roomId: string, userId: string): Promise<void> {
    const direct = (await this.#store.personal.accountData(userId, "", "m.direct")) ?? {};
    const misses = (rooms: JsonValue | undefined) => {
      const ids = itemsOf(rooms);
      return ids.includes(old) && !ids.includes(roomId);
    };
    if (!Object.values(direct).some(misses)) return;
    const changed = Object.entries(direct).map(([other, rooms]) => [
      other,
      misses(rooms) ? [...itemsOf(rooms), roomId] : rooms,
    ]);
    await this.#store.personal.setAccountData(
      userId,
      "",
      "m.direct",
      Object.fromEntries(changed) as Record<string, JsonValue>,
    );
  }
}
