/**
 * Finding rooms: aliases and the public list.
 */
import { serverOf } from "../core/ids.js";
import { itemsOf, stringOrNone, type JsonObject } from "../core/json.js";
import { PowerLevels } from "../core/power-levels.js";
import { roomTypeOf, type RoomState } from "../core/room-state.js";
import type { Store } from "../store/store.js";
import { Failure, forbidden, invalid, notFound } from "./failure.js";
import type { Rooms } from "./rooms.js";

export class Directory {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #serverName: string;

  constructor(store: Store, rooms: Rooms, serverName: string) {
    this.#store = store;
    this.#rooms = rooms;
    this.#serverName = serverName;
  }

  /** @throws Failure M_NOT_FOUND for an alias that nobody made */
  async resolve(roomIdOrAlias: string): Promise<string> {
    if (roomIdOrAlias.startsWith("!")) return roomIdOrAlias;
    const found = await this.#store.directory.alias(roomIdOrAlias);
    if (found === undefined) throw notFound("there is no room with that alias");
    return found.roomId;
  }

  /** @throws Failure M_INVALID_PARAM for another server's alias, M_ROOM_IN_USE */
  async assertFree(alias: string): Promise<void> {
    if (serverOf(alias) !== this.#serverName || /[\s\0]/.test(alias))
      throw invalid(`an alias here ends with :${this.#serverName}`);
    if ((await this.#store.directory.alias(alias)) !== undefined)
      throw new Failure("M_ROOM_IN_USE", "the alias is taken");
  }

  async createAlias(alias: string, roomId: string, userId: string): Promise<void> {
    await this.assertFree(alias).catch((error: unknown) => {
      // This endpoint, unlike the creation of rooms, answers a taken alias with 409.
      if (error instanceof Failure && error.code === "M_ROOM_IN_USE")
        throw new Failure("M_UNKNOWN", error.message, { status: 409 });
      throw error;
    });
    if ((await this.#rooms.state(roomId)).membership(userId) !== "join")
      throw forbidden("you are not in this room");
    if (!(await this.#store.directory.createAlias(alias, roomId, userId))) {
      throw new Failure("M_UNKNOWN", "the alias is taken", { status: 409 });
    }
  }

  /** Its maker may, and whoever may set the room's canonical alias. */
  async deleteAlias(alias: string, userId: string, isAdmin: boolean): Promise<void> {
    const found = await this.#store.directory.alias(alias);
    if (found === undefined) throw notFound("there is no room with that alias");
    const state = await this.#rooms.state(found.roomId);
    const mayManage =
      state.membership(userId) === "join" &&
      new PowerLevels(state).canSend(userId, "m.room.canonical_alias", true);
    if (found.creator !== userId && !mayManage && !isAdmin)
      throw forbidden("only its maker, or who manages the room, removes an alias");
    await this.#store.directory.deleteAlias(alias);
    if (mayManage) await this.#dropFromState(found.roomId, alias, userId);
  }

  /** Source: client-server API, "Room aliases": a server may, on behalf of who removed the alias. */
  async #dropFromState(roomId: string, alias: string, sender: string): Promise<void> {
    await this.#rooms.sendAll(roomId, (state) => {
      const { alias: main, alt_aliases: others, ...rest } = state.content("m.room.canonical_alias") ?? {};
      const listed = itemsOf(others);
      if (main !== alias && !listed.includes(alias)) return [];
      const left = listed.filter((other) => other !== alias);
      const content = {
        ...rest,
        ...(main !== undefined && main !== alias && { alias: main }),
        ...(left.length > 0 && { alt_aliases: left }),
      };
      return [{ type: "m.room.canonical_alias", stateKey: "", sender, content }];
    });
  }

  /** @returns the published rooms that contain a text in name, topic or alias, the fullest first */
  async publicRooms(
    term: string | undefined,
    roomTypes: readonly (string | null)[] | undefined,
  ): Promise<JsonObject[]> {
    const rooms: JsonObject[] = [];
    for (const { roomId, joined } of await this.#store.directory.published()) {
      const entry = summaryOf(roomId, await this.#rooms.state(roomId), joined);
      const text = ["name", "topic", "canonical_alias"]
        .map((key) => stringOrNone(entry[key]) ?? "")
        .join("\n")
        .toLowerCase();
      const isWanted =
        roomTypes === undefined || roomTypes.includes(stringOrNone(entry["room_type"]) ?? null);
      if (isWanted && (term === undefined || text.includes(term.toLowerCase()))) rooms.push(entry);
    }
    return rooms;
  }
}

/** A room as lists show it. */
export function summaryOf(roomId: string, state: RoomState, joined: number): JsonObject {
  const text = (type: string, key: string) => stringOrNone(state.content(type)?.[key]);
  const optional = {
    name: text("m.room.name", "name"),
    topic: text("m.room.topic", "topic"),
    avatar_url: text("m.room.avatar", "url"),
    canonical_alias: text("m.room.canonical_alias", "alias"),
    room_type: roomTypeOf(state.content("m.room.create")),
  };
  return {
    room_id: roomId,
    num_joined_members: joined,
    world_readable: state.historyVisibility === "world_readable",
    guest_can_join: text("m.room.guest_access", "guest_access") === "can_join",
    join_rule: state.joinRule,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}
