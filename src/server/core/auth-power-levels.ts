/**
 * The authorisation rules of `m.room.power_levels`: nobody gives or takes more than they have.
 *
 * Source: Matrix specification, "Room Version 11", "Authorization rules", rule 9; "Room Version 12", rule 10.
 */
import { MalformedError, NotAllowedError } from "./not-allowed.js";
import type { EventDraft } from "./event.js";
import { isObject, type JsonObject } from "./json.js";
import { LEVEL_NAMES, PowerLevels } from "./power-levels.js";
import type { RoomState } from "./room-state.js";

const MAPS = ["events", "notifications", "users"] as const;

/** @throws NotAllowedError with the rule that refuses */
export function judgePowerLevels(state: RoomState, event: EventDraft): void {
  judgeForm(event.content);
  if (state.version.creatorsRule) {
    const named = state.creators.find((creator) => Object.hasOwn(mapOf(event.content, "users"), creator));
    if (named !== undefined) throw new MalformedError(`${named} made the room and has no power level`);
  }
  const current = state.content("m.room.power_levels");
  if (current === undefined) return;

  const own = new PowerLevels(state).ofUser(event.sender);
  for (const name of LEVEL_NAMES) {
    const old = current[name];
    const now = event.content[name];
    if (old !== now && (isAbove(old, own) || isAbove(now, own))) {
      throw new NotAllowedError(`changing \`${name}\` needs more power`);
    }
  }
  for (const map of MAPS) judgeMap(mapOf(current, map), mapOf(event.content, map), map, event.sender, own);
}

function judgeMap(
  before: JsonObject,
  after: JsonObject,
  map: (typeof MAPS)[number],
  sender: string,
  own: number,
): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const old = before[key];
    const now = after[key];
    if (old === now) continue;
    // Equals cannot be brought down, but one may step down oneself.
    const isPeer = map === "users" && key !== sender;
    if (typeof old === "number" && (isPeer ? old >= own : old > own)) {
      throw new NotAllowedError(`changing the level of \`${key}\` needs more power`);
    }
    if (typeof now === "number" && now > own)
      throw new NotAllowedError(`giving \`${key}\` that level needs more power`);
  }
}

function judgeForm(content: JsonObject): void {
  for (const name of LEVEL_NAMES) {
    const value = content[name];
    if (value !== undefined && !Number.isSafeInteger(value))
      throw new MalformedError(`\`${name}\` is an integer`);
  }
  for (const map of MAPS) {
    const entries = content[map];
    if (entries === undefined) continue;
    if (!isObject(entries)) throw new MalformedError(`\`${map}\` is an object`);
    for (const [key, value] of Object.entries(entries)) {
      if (!Number.isSafeInteger(value)) throw new MalformedError(`the level of \`${key}\` is an integer`);
      if (map === "users" && !(key.startsWith("@") && key.includes(":")))
        throw new MalformedError(`\`${key}\` is no user id`);
    }
  }
}

const isAbove = (level: unknown, own: number): boolean => typeof level === "number" && level > own;

const mapOf = (content: JsonObject, map: (typeof MAPS)[number]): JsonObject => {
  const entries = content[map];
  return isObject(entries) ? entries : {};
};
