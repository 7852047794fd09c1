/**
 * The authorisation rules of `m.room.power_levels`: nobody gives or takes more than they have.
 *
 * Source: Matrix specification, "Room Version 3", "Authorization rules", rule 10; "Room Version 6" and "11",
 * rule 9; "Room Version 12", rule 10. What is no level at all is refused in every version, though until 9 the rules
 * ask this of `users` alone: such events are old ones, which a server is not to let people send.
 */
import { MalformedError, NotAllowedError } from "./not-allowed.js";
import type { EventDraft } from "./event.js";
import { isObject, type JsonObject } from "./json.js";
import { LEVEL_NAMES, numberOf, PowerLevels } from "./power-levels.js";
import type { RoomState } from "./room-state.js";

const MAPS = ["events", "notifications", "users"] as const;

/** @throws NotAllowedError with the rule that refuses */
export function judgePowerLevels(state: RoomState, event: EventDraft): void {
  const { version } = state;
  judgeForm(event.content, version.textLevels);
  if (version.creatorsRule) {
    const named = state.creators.find((creator) => Object.hasOwn(mapOf(event.content, "users"), creator));
    if (named !== undefined) throw new MalformedError(`${named} made the room and has no power level`);
  }
  const current = state.content("m.room.power_levels");
  if (current === undefined) return;

  const own = new PowerLevels(state).ofUser(event.sender);
  for (const name of LEVEL_NAMES) {
    const old = numberOf(current[name]);
    const now = numberOf(event.content[name]);
    if (old !== now && (isAbove(old, own) || isAbove(now, own))) {
      throw new NotAllowedError(`changing \`${name}\` needs more power`);
    }
  }
  for (const map of version.guardsNotifications ? MAPS : MAPS.filter((name) => name !== "notifications"))
    judgeMap(mapOf(current, map), mapOf(event.content, map), map, event.sender, own);
}

function judgeMap(
  before: JsonObject,
  after: JsonObject,
  map: (typeof MAPS)[number],
  sender: string,
  own: number,
): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const old = numberOf(before[key]);
    const now = numberOf(after[key]);
    if (old === now) continue;
    // Equals cannot be brought down, but one may step down oneself.
    const isPeer = map === "users" && key !== sender;
    if (old !== undefined && (isPeer ? old >= own : old > own)) {
      throw new NotAllowedError(`changing the level of \`${key}\` needs more power`);
    }
    if (isAbove(now, own)) throw new NotAllowedError(`giving \`${key}\` that level needs more power`);
  }
}

function judgeForm(content: JsonObject, textLevels: boolean): void {
  const isLevel = (value: unknown): boolean => Number.isSafeInteger(textLevels ? numberOf(value) : value);
  for (const name of LEVEL_NAMES) {
    const value = content[name];
    if (value !== undefined && !isLevel(value)) throw new MalformedError(`\`${name}\` is an integer`);
  }
  for (const map of MAPS) {
    const entries = content[map];
    if (entries === undefined) continue;
    if (!isObject(entries)) throw new MalformedError(`\`${map}\` is an object`);
    for (const [key, value] of Object.entries(entries)) {
      if (!isLevel(value)) throw new MalformedError(`the level of \`${key}\` is an integer`);
      if (map === "users" && !(key.startsWith("@") && key.includes(":")))
        throw new MalformedError(`\`${key}\` is no user id`);
    }
  }
}

const isAbove = (level: number | undefined, own: number): boolean => level !== undefined && level > own;

const mapOf = (content: JsonObject, map: (typeof MAPS)[number]): JsonObject => {
  const entries = content[map];
  return isObject(entries) ? entries : {};
};
