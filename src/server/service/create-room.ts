/**
 * Making rooms: from what a client asks for to the room's first events.
 *
 * Source: Matrix client-server API, "Creation"; the order of the events is the one given there.
 */
import type { EventDraft } from "../core/event.js";
import { itemsOf, type JsonObject } from "../core/json.js";
import type { RoomVersion } from "../core/room-versions.js";

export type Preset = "private_chat" | "trusted_private_chat" | "public_chat";

export interface RoomRequest {
  readonly creator: string;
  readonly version: RoomVersion;
  readonly preset: Preset;
  readonly creationContent: JsonObject;
  readonly initialState: readonly {
    readonly type: string;
    readonly stateKey: string;
    readonly content: JsonObject;
  }[];
  readonly powerLevels: JsonObject;
  readonly alias?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly invite: readonly string[];
  readonly isDirect: boolean;
  /** What member events say about a user, by user id. */
  readonly profiles: ReadonlyMap<string, JsonObject>;
}

const PRESETS: Record<Preset, { joinRule: string; guestAccess: string }> = {
  private_chat: { joinRule: "invite", guestAccess: "can_join" },
  trusted_private_chat: { joinRule: "invite", guestAccess: "can_join" },
  public_chat: { joinRule: "public", guestAccess: "forbidden" },
};

/** What only an administrator of the room may change. */
const GUARDED = {
  "m.room.name": 50,
  "m.room.power_levels": 100,
  "m.room.history_visibility": 100,
  "m.room.canonical_alias": 50,
  "m.room.avatar": 50,
  "m.room.tombstone": 100,
  "m.room.server_acl": 100,
  "m.room.encryption": 100,
};

export function firstEvents(request: RoomRequest): EventDraft[] {
  const { creator, preset, profiles } = request;
  const state = (type: string, content: JsonObject, stateKey = ""): EventDraft => ({
    type,
    stateKey,
    sender: creator,
    content,
  });
  const rules = PRESETS[preset];

  // The client's own initial state stands in for the preset's, and stays where the specification has it.
  const given = new Set(
    request.initialState.filter(({ stateKey }) => stateKey === "").map(({ type }) => type),
  );
  const fromPreset = [
    state("m.room.join_rules", { join_rule: rules.joinRule }),
    state("m.room.history_visibility", { history_visibility: "shared" }),
    state("m.room.guest_access", { guest_access: rules.guestAccess }),
  ].filter(({ type }) => !given.has(type));

  return [
    state("m.room.create", createContent(request)),
    state("m.room.member", { ...profiles.get(creator), membership: "join" }, creator),
    state("m.room.power_levels", powerLevels(request)),
    ...(request.alias === undefined ? [] : [state("m.room.canonical_alias", { alias: request.alias })]),
    ...fromPreset,
    ...request.initialState.map(({ type, stateKey, content }) => state(type, content, stateKey)),
    ...(request.name === undefined ? [] : [state("m.room.name", { name: request.name })]),
    ...(request.topic === undefined ? [] : [state("m.room.topic", topicContent(request.topic))]),
    ...request.invite.map((userId) =>
      state(
        "m.room.member",
        { ...profiles.get(userId), membership: "invite", ...(request.isDirect && { is_direct: true }) },
        userId,
      ),
    ),
  ];
}

function createContent({ version, creator, preset, creationContent, invite }: RoomRequest): JsonObject {
  const { creator: _creator, room_version: _version, additional_creators: others, ...rest } = creationContent;
  const trusted = preset === "trusted_private_chat" ? invite : [];
  const creators = [...new Set([...itemsOf(others), ...trusted])];
  // What is no list is left for the rules to refuse; before version 12 the key means nothing.
  const isOwn = others !== undefined && (!version.creatorsRule || !Array.isArray(others));
  return {
    ...rest,
    room_version: version.id,
    ...(version.creatorInContent && { creator }),
    ...(version.creatorsRule && creators.length > 0 && { additional_creators: creators }),
    ...(isOwn && { additional_creators: others }),
  };
}

function powerLevels({ version, creator, preset, invite, powerLevels: override }: RoomRequest): JsonObject {
  const trusted = preset === "trusted_private_chat" ? invite : [];
  const equals = version.creatorsRule ? [] : [creator, ...trusted];
  return {
    users: Object.fromEntries(equals.map((userId) => [userId, 100])),
    users_default: 0,
    // Creators of version 12 outrank everybody: only they may close the room.
    events: version.creatorsRule ? { ...GUARDED, "m.room.tombstone": 150 } : GUARDED,
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: 0,
    ...override,
  };
}

/** The plain text and its extensible form. Source: `m.room.topic`, since v1.15. */
function topicContent(topic: string): JsonObject {
  return { topic, "m.topic": { "m.text": [{ body: topic, mimetype: "text/plain" }] } };
}
