/**
 * New rooms, by what they are for.
 * Source: Matrix client-server API v1.19, "Room creation", "m.room.power_levels".
 */
import { EventType, JoinRule, Preset, Visibility, type MatrixClient } from "matrix-js-sdk";
import { HAND } from "./describe.js";
import { addDirect, directRoomWith } from "./direct.js";

/**
 * `group`: whoever is invited. `public`: everybody on this server. `announcements`: everybody reads, who runs it writes.
 * `class`: like a group, and people raise their hands.
 */
export type Template = (typeof TEMPLATES)[number];
export const TEMPLATES = ["group", "public", "announcements", "class"] as const;

export interface NewRoomWish {
  readonly name: string;
  readonly template: Template;
  readonly isEncrypted: boolean;
  readonly topic?: string;
  readonly invite?: readonly string[];
}

const ENCRYPTED = {
  type: EventType.RoomEncryption,
  state_key: "",
  content: { algorithm: "m.megolm.v1.aes-sha2" },
};

/** Reactions and votes stay everybody's where only some may write. */
const ANYBODYS = { [EventType.Reaction]: 0, "org.matrix.msc3381.poll.response": 0 };

/** @returns the room's id @throws MatrixError */
export async function createRoom(client: MatrixClient, wish: NewRoomWish): Promise<string> {
  const { name, template, isEncrypted, topic, invite = [] } = wish;
  const isOpen = template === "public" || template === "announcements";
  const events: Record<string, number> = { [HAND]: 0, ...(template === "announcements" && ANYBODYS) };
  const { room_id } = await client.createRoom({
    name,
    ...(topic !== undefined && topic !== "" && { topic }),
    invite: [...invite],
    preset: isOpen ? Preset.PublicChat : Preset.PrivateChat,
    visibility: isOpen ? Visibility.Public : Visibility.Private,
    power_level_content_override: {
      events: { ...DEFAULT_EVENTS, ...events },
      ...(template === "announcements" && { events_default: 50 }),
    },
    initial_state: [
      ...(isEncrypted ? [ENCRYPTED] : []),
      ...(isOpen
        ? [{ type: EventType.RoomJoinRules, state_key: "", content: { join_rule: JoinRule.Public } }]
        : []),
    ],
  });
  return room_id;
}

/** What an override of `events` would otherwise take away. Source: what servers set by themselves. */
const DEFAULT_EVENTS = {
  [EventType.RoomName]: 50,
  [EventType.RoomPowerLevels]: 100,
  [EventType.RoomHistoryVisibility]: 100,
  [EventType.RoomCanonicalAlias]: 50,
  [EventType.RoomAvatar]: 50,
  [EventType.RoomTombstone]: 100,
  [EventType.RoomServerAcl]: 100,
  [EventType.RoomEncryption]: 100,
};

/** @returns the room with somebody alone: the one that there is, or a new one @throws MatrixError */
export async function openDirect(
  client: MatrixClient,
  userId: string,
  isEncrypted: boolean,
): Promise<string> {
  const known = directRoomWith(client, userId);
  if (known !== undefined) return known;
  const { room_id } = await client.createRoom({
    preset: Preset.TrustedPrivateChat,
    is_direct: true,
    invite: [userId],
    initial_state: isEncrypted ? [ENCRYPTED] : [],
  });
  await addDirect(client, userId, room_id);
  return room_id;
}
