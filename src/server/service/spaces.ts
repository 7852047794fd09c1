/**
 * Rooms as they look from outside: a summary of one, and the tree of a space.
 * Source: Matrix client-server API v1.19, "Spaces", "Room summaries".
 */
import { isObject, stringOrNone, type JsonObject } from "../core/json.js";
import {
  allowedRoomsOf,
  roomTypeOf,
  takesKnocks,
  type RoomState,
  type StateEvent,
} from "../core/room-state.js";
import type { Store } from "../store/store.js";
import { summaryOf } from "./directory.js";
import { Failure, forbidden, notFound } from "./failure.js";
import type { Rooms } from "./rooms.js";

export interface HierarchyRequest {
  readonly suggestedOnly: boolean;
  /** How far down the tree is followed; the space itself is 0. */
  readonly maxDepth: number;
  /** Rooms of the tree that were given before. */
  readonly skip: number;
  readonly limit: number;
}

export interface HierarchyPage {
  readonly rooms: readonly JsonObject[];
  /** Absent at the end of the tree. */
  readonly next?: number;
}

/** A space that names itself, or names a thousand rooms, must not keep the server busy. */
const MOST_ROOMS = 1_000;

export class Spaces {
  readonly #store: Store;
  readonly #rooms: Rooms;

  constructor(store: Store, rooms: Rooms) {
    this.#store = store;
    this.#rooms = rooms;
  }

  /** @throws Failure M_NOT_FOUND for a room that is not there, or that the user may not know of */
  async summary(roomId: string, userId: string): Promise<JsonObject> {
    const state = await this.#stateOrNone(roomId);
    if (state === undefined || !(await this.#mayKnow(state, userId))) throw notFound("there is no such room");
    return { ...this.#describe(roomId, state), membership: state.membership(userId) };
  }

  /**
   * Depth first, each room once, children in the order that the space gives them.
   *
   * @throws Failure M_FORBIDDEN for a room that the user may not know of
   */
  async hierarchy(roomId: string, userId: string, request: HierarchyRequest): Promise<HierarchyPage> {
    const { suggestedOnly, maxDepth, skip, limit } = request;
    const root = await this.#stateOrNone(roomId);
    if (root === undefined || !(await this.#mayKnow(root, userId)))
      throw forbidden("you may not look at this room");
    const seen = new Set<string>();
    const found: JsonObject[] = [];
    const waiting = [{ roomId, depth: 0 }];
    for (let at = waiting.pop(); at !== undefined && seen.size < MOST_ROOMS; at = waiting.pop()) {
      if (seen.has(at.roomId)) continue;
      seen.add(at.roomId);
      const state = at.roomId === roomId ? root : await this.#stateOrNone(at.roomId);
      if (state === undefined || !(await this.#mayKnow(state, userId))) continue;
      const children = childrenOf(state, suggestedOnly);
      found.push({
        ...this.#describe(at.roomId, state),
        children_state: children.map(({ type, stateKey, sender, content, ts }) => ({
          type,
          state_key: stateKey ?? "",
          sender,
          content,
          origin_server_ts: ts,
        })),
      });
      if (found.length > skip + limit) break;
      // The last one put is the first one taken.
      const depth = at.depth + 1;
      if (depth <= maxDepth)
        for (const { stateKey = "" } of children.toReversed()) waiting.push({ roomId: stateKey, depth });
    }
    const isMore = found.length > skip + limit;
    return { rooms: found.slice(skip, skip + limit), ...(isMore && { next: skip + limit }) };
  }

  /** @throws Failure M_INVALID_PARAM for oneself */
  async mutual(userId: string, other: string): Promise<string[]> {
    if (userId === other) throw new Failure("M_INVALID_PARAM", "you share all rooms with yourself");
    const joined = async (who: string) =>
      (await this.#store.events.memberships(who)).flatMap(({ roomId, membership }) =>
        membership === "join" ? [roomId] : [],
      );
    const own = new Set(await joined(userId));
    return (await joined(other)).filter((roomId) => own.has(roomId)).toSorted();
  }

  #describe(roomId: string, state: RoomState): JsonObject {
    const encryption = stringOrNone(state.content("m.room.encryption")?.["algorithm"]);
    const allowed = allowedRoomsOf(state);
    return {
      ...summaryOf(roomId, state, state.members("join").length),
      room_version: state.version.id,
      ...(encryption !== undefined && { encryption }),
      ...(allowed.length > 0 && { allowed_room_ids: allowed }),
    };
  }

  async #stateOrNone(roomId: string): Promise<RoomState | undefined> {
    return this.#rooms.state(roomId).catch((error: unknown) => {
      if (error instanceof Failure && error.code === "M_NOT_FOUND") return undefined;
      throw error;
    });
  }

  /** Who is there, who may come, who may ask to come, and everybody where all may read. */
  async #mayKnow(state: RoomState, userId: string): Promise<boolean> {
    const membership = state.membership(userId);
    if (membership === "join" || membership === "invite") return true;
    if (state.historyVisibility === "world_readable") return true;
    if (membership === "ban") return false;
    if (state.joinRule === "public" || takesKnocks(state)) return true;
    for (const room of allowedRoomsOf(state))
      if ((await this.#store.events.membership(userId, room))?.membership === "join") return true;
    return false;
  }
}

/** A place that is a printable text of at most 50 characters counts; others come after it. */
const ORDER = /^[ -~]{1,50}$/;

/** Of a space; a child without a server to find it by was removed. Source: "`m.space.child`", "Ordering". */
function childrenOf(state: RoomState, suggestedOnly: boolean): readonly StateEvent[] {
  if (roomTypeOf(state.content("m.room.create")) !== "m.space") return [];
  const placeOf = ({ content }: StateEvent): string | undefined => {
    const order = stringOrNone(content["order"]);
    return order !== undefined && ORDER.test(order) ? order : undefined;
  };
  return [...state.ofType("m.space.child")]
    .filter(
      ({ content }) =>
        isObject(content) &&
        Array.isArray(content["via"]) &&
        (!suggestedOnly || content["suggested"] === true),
    )
    .toSorted((one, other) => {
      const [first, second] = [placeOf(one), placeOf(other)];
      if (first !== second) {
        if (first === undefined) return 1;
        if (second === undefined) return -1;
        return first < second ? -1 : 1;
      }
      if (one.ts !== other.ts) return one.ts - other.ts;
      return (one.stateKey ?? "") < (other.stateKey ?? "") ? -1 : 1;
    });
}
