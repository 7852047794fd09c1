/**
 * The state of a room at one moment, with the questions that rules and views ask of it.
 */
import type { RoomEvent } from "./event.js";
import { isObject, stringOrNone, type JsonObject } from "./json.js";
import { roomVersion, type RoomVersion } from "./room-versions.js";

export type Membership = "join" | "invite" | "leave" | "ban" | "knock";
const MEMBERSHIPS: readonly string[] = ["join", "invite", "leave", "ban", "knock"];

/** What state holds of an event. */
export type StateEvent = Pick<
  RoomEvent,
  "eventId" | "type" | "stateKey" | "sender" | "content" | "roomId" | "ts" | "seq"
>;

export class RoomState<E extends StateEvent = StateEvent> {
  /** By type, then by state key. */
  readonly #events = new Map<string, Map<string, E>>();
  /** What the create event says, which each event is judged by. */
  #version: RoomVersion | undefined;
  #creators: readonly string[] | undefined;

  constructor(events: Iterable<E> = []) {
    for (const event of events) this.set(event);
  }

  get(type: string, stateKey = ""): E | undefined {
    return this.#events.get(type)?.get(stateKey);
  }

  content(type: string, stateKey = ""): JsonObject | undefined {
    return this.get(type, stateKey)?.content;
  }

  /** Puts a state event in the place of its predecessor; other events are no state and change nothing. */
  set(event: E): void {
    if (event.stateKey === undefined) return;
    if (event.type === "m.room.create") this.#version = this.#creators = undefined;
    const ofType = this.#events.get(event.type);
    if (ofType === undefined) this.#events.set(event.type, new Map([[event.stateKey, event]]));
    else ofType.set(event.stateKey, event);
  }

  get size(): number {
    let size = 0;
    for (const ofType of this.#events.values()) size += ofType.size;
    return size;
  }

  *all(): Generator<E> {
    for (const ofType of this.#events.values()) yield* ofType.values();
  }

  ofType(type: string): Iterable<E> {
    return this.#events.get(type)?.values() ?? [];
  }

  membership(userId: string): Membership {
    return membershipOf(this.content("m.room.member", userId));
  }

  /** @returns the user ids with one membership. */
  members(membership: Membership): string[] {
    const users: string[] = [];
    for (const event of this.ofType("m.room.member")) {
      if (membershipOf(event.content) === membership && event.stateKey !== undefined)
        users.push(event.stateKey);
    }
    return users;
  }

  /** @throws RangeError before the create event, or when this server is older than the room */
  get version(): RoomVersion {
    return (this.#version ??= roomVersion(
      stringOrNone(this.content("m.room.create")?.["room_version"]) ?? "1",
    ));
  }

  /** Those who made the room: the sender of its create event, and whom that event names beside. */
  get creators(): readonly string[] {
    return (this.#creators ??= creatorsOf(this.get("m.room.create")));
  }

  get historyVisibility(): HistoryVisibility {
    return historyVisibilityOf(this.content("m.room.history_visibility"));
  }

  get joinRule(): string {
    return stringOrNone(this.content("m.room.join_rules")?.["join_rule"]) ?? "invite";
  }
}

function creatorsOf(create: StateEvent | undefined): readonly string[] {
  if (create === undefined) return [];
  const others = create.content["additional_creators"];
  return [
    create.sender,
    ...(Array.isArray(others) ? others.filter((id): id is string => typeof id === "string") : []),
  ];
}

export function membershipOf(content: JsonObject | undefined): Membership {
  const membership = content?.["membership"];
  return typeof membership === "string" && MEMBERSHIPS.includes(membership)
    ? (membership as Membership)
    : "leave";
}

export type HistoryVisibility = "world_readable" | "shared" | "invited" | "joined";

/** An unknown value counts as `shared`, as the specification has it for rooms without the event. */
export function historyVisibilityOf(content: JsonObject | undefined): HistoryVisibility {
  const value = content?.["history_visibility"];
  return value === "world_readable" || value === "invited" || value === "joined" ? value : "shared";
}

/** Whether a room's create event gives it the type of a space or the like. */
export function roomTypeOf(create: JsonObject | undefined): string | undefined {
  return isObject(create) ? stringOrNone(create["type"]) : undefined;
}

/** Whether people outside may ask to be let in. */
export const takesKnocks = ({ version, joinRule }: RoomState): boolean =>
  (joinRule === "knock" || joinRule === "knock_restricted") && version.joinRules.includes(joinRule);

/** The rooms whose members may come into a restricted one. Source: "Restricted rooms". */
export function allowedRoomsOf(state: RoomState): string[] {
  const { version, joinRule } = state;
  const isRestricted = joinRule === "restricted" || joinRule === "knock_restricted";
  const allow = state.content("m.room.join_rules")?.["allow"];
  if (!isRestricted || !version.joinRules.includes(joinRule) || !Array.isArray(allow)) return [];
  return allow.flatMap((entry: unknown) =>
    isObject(entry) && entry["type"] === "m.room_membership" ? (stringOrNone(entry["room_id"]) ?? []) : [],
  );
}
