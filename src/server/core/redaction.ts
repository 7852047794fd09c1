/**
 * Redaction: which keys survive it. It serves twice: for events that people redact, and for event ids, which
 * are hashes of the redacted form so that a redaction leaves them as they are.
 *
 * Source: Matrix specification, "Room Version 3" to "Room Version 11", "Redactions".
 */
import { isObject, type JsonObject, type JsonValue } from "./json.js";
import { hasRestrictedRooms, type RoomVersion } from "./room-versions.js";

const TOP_LEVEL = [
  "event_id",
  "type",
  "room_id",
  "sender",
  "state_key",
  "content",
  "hashes",
  "signatures",
  "depth",
  "prev_events",
  "auth_events",
  "origin_server_ts",
];
const TOP_LEVEL_BEFORE_11 = [...TOP_LEVEL, "prev_state", "origin", "membership"];

const POWER_LEVELS = [
  "ban",
  "events",
  "events_default",
  "kick",
  "redact",
  "state_default",
  "users",
  "users_default",
];

/** @returns what is left of an event's content. */
export function redactContent(version: RoomVersion, type: string, content: JsonObject): JsonObject {
  switch (type) {
    case "m.room.create":
      return version.creatorInContent ? pick(content, ["creator"]) : content;
    case "m.room.member": {
      const kept = pick(content, [
        "membership",
        ...(version.redactionKeepsVoucher ? ["join_authorised_via_users_server"] : []),
      ]);
      const invite = content["third_party_invite"];
      if (!version.redactsInContent || !isObject(invite) || invite["signed"] === undefined) return kept;
      return { ...kept, third_party_invite: { signed: invite["signed"] } };
    }
    case "m.room.join_rules":
      return pick(content, hasRestrictedRooms(version) ? ["join_rule", "allow"] : ["join_rule"]);
    case "m.room.power_levels":
      return pick(content, version.redactsInContent ? [...POWER_LEVELS, "invite"] : POWER_LEVELS);
    case "m.room.history_visibility":
      return pick(content, ["history_visibility"]);
    case "m.room.aliases":
      return version.redactionKeepsAliases ? pick(content, ["aliases"]) : {};
    case "m.room.redaction":
      return version.redactsInContent ? pick(content, ["redacts"]) : {};
    default:
      return {};
  }
}

/** @returns what is left of an event in its full form, as servers exchange and hash it. */
export function redactEvent(version: RoomVersion, event: JsonObject): JsonObject {
  const kept = pick(event, version.redactsInContent ? TOP_LEVEL : TOP_LEVEL_BEFORE_11);
  const type = typeof event["type"] === "string" ? event["type"] : "";
  const content = isObject(event["content"]) ? event["content"] : {};
  return { ...kept, content: redactContent(version, type, content) };
}

function pick(object: JsonObject, keys: readonly string[]): JsonObject {
  const kept: Record<string, JsonValue> = {};
  for (const key of keys) {
    const value = object[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}
