/**
 * Who may do what: power levels as numbers.
 *
 * Source: Matrix client-server API, `m.room.power_levels`; "Room Version 3", levels that are texts;
 * "Room Version 12", creators.
 */
import { isObject, type JsonObject } from "./json.js";
import type { RoomState } from "./room-state.js";

/** The levels that stand beside the maps, with what they are when nothing is said. */
const DEFAULTS = {
  users_default: 0,
  events_default: 0,
  state_default: 50,
  ban: 50,
  kick: 50,
  redact: 50,
  invite: 0,
} as const;
export type LevelName = keyof typeof DEFAULTS;
export const LEVEL_NAMES = Object.keys(DEFAULTS) as readonly LevelName[];

export class PowerLevels {
  readonly #content: JsonObject | undefined;
  /** Those above every number; empty before room version 12. */
  readonly #above: readonly string[];
  /** Who has 100 while the room has no power levels. */
  readonly #founder: string | undefined;

  constructor(state: RoomState) {
    this.#content = state.content("m.room.power_levels");
    const creators = state.creators;
    const outrank = creators.length > 0 && state.version.creatorsRule;
    this.#above = outrank ? creators : [];
    this.#founder = this.#content === undefined ? creators[0] : undefined;
  }

  level(name: LevelName): number {
    return levelIn(this.#content, name);
  }

  /** Infinity for a creator of a room of version 12 or later. */
  ofUser(userId: string): number {
    if (this.#above.includes(userId)) return Infinity;
    if (this.#founder === userId) return 100;
    return entryOf(this.#content, "users", userId) ?? this.level("users_default");
  }

  /** What it takes to send an event of this type. */
  toSend(type: string, isState: boolean): number {
    return entryOf(this.#content, "events", type) ?? this.level(isState ? "state_default" : "events_default");
  }

  /** What it takes to notify a whole room (`@room`). */
  toNotify(key: string): number {
    return entryOf(this.#content, "notifications", key) ?? 50;
  }

  can(
    userId: string,
    name: Exclude<LevelName, "users_default" | "events_default" | "state_default">,
  ): boolean {
    return this.ofUser(userId) >= this.level(name);
  }

  canSend(userId: string, type: string, isState: boolean): boolean {
    return this.ofUser(userId) >= this.toSend(type, isState);
  }
}

/** @returns a named level of a power level content, or its default. */
export function levelIn(content: JsonObject | undefined, name: LevelName): number {
  return numberOf(content?.[name]) ?? DEFAULTS[name];
}

/** A text that stands for an integer: `"50"`, `" +050 "`. */
const INTEGER = /^\s*[+-]?\d+\s*$/;

/** @returns a level as a number: rooms up to version 9 may hold it as a text. */
export function numberOf(level: unknown): number | undefined {
  if (typeof level === "string" && INTEGER.test(level)) return Number(level);
  return typeof level === "number" ? level : undefined;
}

/** @returns power levels without texts in the place of numbers, for a version that refuses them */
export function withNumbers(content: JsonObject): JsonObject {
  const entries = Object.entries(content);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isObject(value) ? withNumbers(value) : (numberOf(value) ?? value)]),
  );
}

function entryOf(
  content: JsonObject | undefined,
  map: "users" | "events" | "notifications",
  key: string,
): number | undefined {
  const entries = content?.[map];
  if (!isObject(entries) || !Object.hasOwn(entries, key)) return undefined;
  return numberOf(entries[key]);
}
