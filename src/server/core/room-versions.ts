/**
 * Room versions: what differs between them, as data. A new version is a new row.
 *
 * Left out are 1 and 2, whose event ids are no hashes. What changed between servers alone has no place here: state
 * resolution, signatures and the validity of keys. Source: Matrix specification, "Room Versions", 3 to 12.
 */

export interface RoomVersion {
  readonly id: string;
  /** How an event's hash is written in its id: with `+` and `/` in version 3, with `-` and `_` since. */
  readonly eventIdEncoding: "base64" | "base64url";
  /** The join rules that let somebody in, or hear them knock. Any other lets nobody in. */
  readonly joinRules: readonly string[];
  /** Changing the levels that `@room` and the like need takes as much power as they do. Since 6. */
  readonly guardsNotifications: boolean;
  /** A power level may also be a text that is an integer. Until 9. */
  readonly textLevels: boolean;
  /** Redaction leaves a server's list of aliases in the room. Until 5. */
  readonly redactionKeepsAliases: boolean;
  /** Redaction leaves the name of who vouched for somebody's coming. Since 9. */
  readonly redactionKeepsVoucher: boolean;
  /** The room id is the create event's hash, and creators outrank every power level. Since 12. */
  readonly creatorsRule: boolean;
  /** The create event names its creator in its content, not by its sender alone. Until 10. */
  readonly creatorInContent: boolean;
  /** A redaction names its target in its content, and redaction keeps more keys. Since 11. */
  readonly redactsInContent: boolean;
}

const VERSION_3: RoomVersion = {
  id: "3",
  eventIdEncoding: "base64",
  joinRules: ["public", "invite"],
  guardsNotifications: false,
  textLevels: true,
  redactionKeepsAliases: true,
  redactionKeepsVoucher: false,
  creatorsRule: false,
  creatorInContent: true,
  redactsInContent: false,
};

/** What each version changes in the one before it. */
const CHANGES: readonly (Partial<RoomVersion> & Pick<RoomVersion, "id">)[] = [
  { id: "4", eventIdEncoding: "base64url" },
  { id: "5" },
  { id: "6", guardsNotifications: true, redactionKeepsAliases: false },
  { id: "7", joinRules: ["public", "invite", "knock"] },
  { id: "8", joinRules: ["public", "invite", "knock", "restricted"] },
  { id: "9", redactionKeepsVoucher: true },
  { id: "10", joinRules: ["public", "invite", "knock", "restricted", "knock_restricted"], textLevels: false },
  { id: "11", creatorInContent: false, redactsInContent: true },
  { id: "12", creatorsRule: true },
];

const VERSIONS = CHANGES.reduce<RoomVersion[]>(
  (versions, change) => [...versions, { ...(versions.at(-1) ?? VERSION_3), ...change }],
  [VERSION_3],
);

export const ROOM_VERSIONS: ReadonlyMap<string, RoomVersion> = new Map(
  VERSIONS.map((version) => [version.id, version]),
);

/** Whether members of other rooms may be let in: since 8. */
export const hasRestrictedRooms = (version: RoomVersion): boolean => version.joinRules.includes("restricted");

/**
 * @param id as stored with a room that this server made
 * @throws RangeError for a version that this server does not know: the database is from a newer release
 */
export function roomVersion(id: string): RoomVersion {
  const version = ROOM_VERSIONS.get(id);
  if (version === undefined) throw new RangeError(`room version ${id} is unknown`);
  return version;
}
