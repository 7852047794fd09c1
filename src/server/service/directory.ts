/**
 * Finding rooms: aliases and the public list.
 */
import { serverOf } from "../core/ids.js";
import { itemsOf, stringOrNone, type JsonObject } from "../core/json.js";
import { PowerLevels } from "../core/power-levels.js";
import { roomTypeOf, type RoomState } from "../core/room-state.js";
import type { Network } from "../store/directory.js";
import type { Store } from "../store/store.js";
import type { AppService } from "./app-service.js";
import type { AppServices } from "./app-services.js";
import { Failure, forbidden, invalid, notFound } from "./failure.js";
import type { Rooms } from "./rooms.js";
import type { Caller } from "./sessions.js";

export class Directory {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #appServices: AppServices;
  readonly #serverName: string;

  constructor(store: Store, rooms: Rooms, appServices: AppServices, serverName: string) {
    this.#store = store;
    this.#rooms = rooms;
    this.#appServices = appServices;
    this.#serverName = serverName;
  }

  /** @throws Failure M_NOT_FOUND for an alias that nobody made */
  async resolve(roomIdOrAlias: string): Promise<string> {
    if (roomIdOrAlias.startsWith("!")) return roomIdOrAlias;
    const roomId = await this.#appServices.alias(roomIdOrAlias);
    if (roomId === undefined) throw notFound("there is no room with that alias");
    return roomId;
  }

  /**
   * @param service that asks, where one does
   * @throws Failure M_INVALID_PARAM for another server's alias, M_EXCLUSIVE, M_ROOM_IN_USE
   */
  async assertFree(alias: string, service: AppService | undefined): Promise<void> {
    if (serverOf(alias) !== this.#serverName || /[\s\0]/.test(alias))
      throw invalid(`an alias here ends with :${this.#serverName}`);
    this.#appServices.assertMayMake("aliases", alias, service);
    if ((await this.#store.directory.alias(alias)) !== undefined)
      throw new Failure("M_ROOM_IN_USE", "the alias is taken");
  }

  async createAlias(alias: string, roomId: string, { userId, service }: Caller): Promise<void> {
    await this.assertFree(alias, service).catch((error: unknown) => {
      // This endpoint, unlike the creation of rooms, answers a taken alias with 409.
      if (error instanceof Failure && error.code === "M_ROOM_IN_USE")
        throw new Failure("M_UNKNOWN", error.message, { status: 409 });
      throw error;
    });
    const isInside = (await this.#rooms.state(roomId)).membership(userId) === "join";
    // A service names rooms that only its users are in, or none of them yet.
    if (!isInside && service === undefined) throw forbidden("you are not in this room");
    if (!(await this.#store.directory.createAlias(alias, roomId, userId))) {
      throw new Failure("M_UNKNOWN", "the alias is taken", { status: 409 });
    }
  }

  /** Its maker may, whoever may set the room's canonical alias, and the service in whose namespace it is. */
  async deleteAlias(alias: string, { userId, isAdmin, service }: Caller): Promise<void> {
    const found = await this.#store.directory.alias(alias);
    if (found === undefined) throw notFound("there is no room with that alias");
    const state = await this.#rooms.state(found.roomId);
    const mayManage =
      state.membership(userId) === "join" &&
      new PowerLevels(state).canSend(userId, "m.room.canonical_alias", true);
    const isTheirs = service?.covers("aliases", alias) === true;
    if (found.creator !== userId && !mayManage && !isAdmin && !isTheirs)
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
    on?: Network | "all",
  ): Promise<JsonObject[]> {
    const rooms: JsonObject[] = [];
    for (const { roomId, joined } of await this.#store.directory.published(on)) {
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
