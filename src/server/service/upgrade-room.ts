/**
 * A room's replacement by one of another version: what comes along, what the old one is left with.
 *
 * Members come by themselves, by the tombstone that the old room gets last; who was banned stays banned.
 * Source: Matrix client-server API v1.19, "Room upgrades", "Server behaviour".
 */
import { isObject, type JsonObject } from "../core/json.js";
import { levelIn, PowerLevels, withNumbers } from "../core/power-levels.js";
import type { RoomState } from "../core/room-state.js";
import type { RoomVersion } from "../core/room-versions.js";
import type { Store } from "../store/store.js";
import type { CarryOver } from "./carry-over.js";
import { firstEvents, type RoomRequest } from "./create-room.js";
import { Failure, forbidden } from "./failure.js";
import type { Profiles } from "./profiles.js";
import type { Rooms } from "./rooms.js";

/** State of the room itself. Power levels come last: until then the one who upgrades may do everything. */
const COPIED = [
  "m.room.server_acl",
  "m.room.encryption",
  "m.room.name",
  "m.room.avatar",
  "m.room.topic",
  "m.room.guest_access",
  "m.room.history_visibility",
  "m.room.join_rules",
  "m.room.canonical_alias",
];
/** Under every key: a space takes its tree along. */
const COPIED_WHOLE = ["m.space.child", "m.space.parent"];

export interface UpgradeRequest {
  readonly roomId: string;
  readonly userId: string;
  readonly version: RoomVersion;
  readonly additionalCreators: readonly string[];
}

export class RoomUpgrades {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #profiles: Profiles;
  readonly #carryOver: CarryOver;

  constructor(store: Store, rooms: Rooms, profiles: Profiles, carryOver: CarryOver) {
    this.#store = store;
    this.#rooms = rooms;
    this.#profiles = profiles;
    this.#carryOver = carryOver;
  }

  /**
   * @returns the new room's id
   * @throws Failure M_FORBIDDEN for who may not send the tombstone
   */
  async upgrade(request: UpgradeRequest): Promise<string> {
    const { roomId, userId, version } = request;
    const state = await this.#rooms.state(roomId);
    if (
      state.membership(userId) !== "join" ||
      !new PowerLevels(state).canSend(userId, "m.room.tombstone", true)
    )
      throw forbidden("you may not upgrade this room");
    const lastEvent = (await this.#store.events.room(roomId))?.headEvent;
    const profile = await this.#profiles.forMember(userId);
    const replacement = await this.#rooms.create(
      version,
      firstEvents({
        ...base(request, state, lastEvent),
        profiles: new Map([[userId, profile]]),
      }),
    );
    await this.#store.directory.moveAliases(roomId, replacement);
    if (await this.#store.directory.isPublished(roomId)) {
      await this.#store.directory.publish(replacement, true);
      await this.#store.directory.publish(roomId, false);
    }
    await this.#close(roomId, userId, replacement);
    await this.#carryOver.into(replacement, userId);
    return replacement;
  }

  /** The tombstone, and quiet, where the user may order it: nobody but those who may do more speaks there. */
  async #close(roomId: string, userId: string, replacement: string): Promise<void> {
    await this.#rooms.sendAll(roomId, (state) => {
      const draft = (type: string, content: JsonObject) => ({ type, stateKey: "", sender: userId, content });
      const tombstone = draft("m.room.tombstone", {
        body: "This room has been replaced",
        replacement_room: replacement,
      });
      const levels = state.content("m.room.power_levels");
      if (levels === undefined || !new PowerLevels(state).canSend(userId, "m.room.power_levels", true))
        return [tombstone];
      const quiet = Math.max(50, levelIn(levels, "users_default") + 1);
      const raised = {
        events_default: Math.max(quiet, levelIn(levels, "events_default")),
        invite: Math.max(quiet, levelIn(levels, "invite")),
      };
      const isQuiet =
        raised.events_default === levelIn(levels, "events_default") &&
        raised.invite === levelIn(levels, "invite");
      return isQuiet ? [tombstone] : [tombstone, draft("m.room.power_levels", { ...levels, ...raised })];
    });
  }
}

function base(
  { roomId, userId, version, additionalCreators }: UpgradeRequest,
  state: RoomState,
  lastEvent: string | undefined,
): Omit<RoomRequest, "profiles"> {
  const {
    predecessor: _predecessor,
    additional_creators: _creators,
    ...create
  } = state.content("m.room.create") ?? {};
  const keyed = COPIED.flatMap((type) => {
    const content = state.content(type);
    return content === undefined ? [] : [{ type, stateKey: "", content }];
  });
  const whole = COPIED_WHOLE.flatMap((type) =>
    [...state.ofType(type)].map(({ stateKey = "", content }) => ({ type, stateKey, content })),
  );
  const bans = state.members("ban").flatMap((banned) => {
    const content = state.content("m.room.member", banned);
    return content === undefined ? [] : [{ type: "m.room.member", stateKey: banned, content }];
  });
  return {
    creator: userId,
    version,
    preset: "private_chat",
    creationContent: {
      ...create,
      ...(version.creatorsRule &&
        additionalCreators.length > 0 && { additional_creators: additionalCreators }),
      predecessor: { room_id: roomId, ...(lastEvent !== undefined && { event_id: lastEvent }) },
    },
    initialState: [
      ...keyed,
      ...whole,
      ...bans,
      {
        type: "m.room.power_levels",
        stateKey: "",
        content: levelsFor(state, userId, version, additionalCreators),
      },
    ],
    powerLevels: {},
    invite: [],
    isDirect: false,
  };
}

/** As they were; but creators of version 12 have no number, and where they have one, the upgrader keeps the room. */
function levelsFor(
  state: RoomState,
  userId: string,
  version: RoomVersion,
  additionalCreators: readonly string[],
): JsonObject {
  const given = state.content("m.room.power_levels") ?? {};
  const levels = version.textLevels ? given : withNumbers(given);
  const users: Record<string, unknown> = isObject(levels["users"]) ? { ...levels["users"] } : {};
  if (version.creatorsRule) for (const creator of [userId, ...additionalCreators]) delete users[creator];
  else if (state.version.creatorsRule) for (const creator of state.creators) users[creator] = 100;
  if (!version.creatorsRule && new PowerLevels(state).ofUser(userId) === Infinity) users[userId] = 100;
  const events = isObject(levels["events"]) ? levels["events"] : {};
  const tombstone = version.creatorsRule ? 150 : 100;
  return {
    ...levels,
    users: users as JsonObject,
    ...(version.creatorsRule !== state.version.creatorsRule && {
      events: { ...events, "m.room.tombstone": tombstone },
    }),
  };
}

/** @throws Failure M_UNSUPPORTED_ROOM_VERSION */
export function versionOrRefuse(known: ReadonlyMap<string, RoomVersion>, id: string): RoomVersion {
  const version = known.get(id);
  if (version === undefined)
    throw new Failure("M_UNSUPPORTED_ROOM_VERSION", "this server does not make rooms of that version");
  return version;
}
