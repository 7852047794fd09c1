/**
 * Room versions: what differs between them, as data. A new version is a new row.
 *
 * Source: Matrix specification, "Room Versions", 10 to 12.
 */

export interface RoomVersion {
  readonly id: "10" | "11" | "12";
  /** The room id is the create event's hash, and creators outrank every power level. Since 12. */
  readonly creatorsRule: boolean;
  /** The create event names its creator in its content, not by its sender alone. Until 10. */
  readonly creatorInContent: boolean;
  /** A redaction names its target in its content, and redaction keeps more keys. Since 11. */
  readonly redactsInContent: boolean;
}

const VERSIONS: readonly RoomVersion[] = [
  { id: "10", creatorsRule: false, creatorInContent: true, redactsInContent: false },
  { id: "11", creatorsRule: false, creatorInContent: false, redactsInContent: true },
  { id: "12", creatorsRule: true, creatorInContent: false, redactsInContent: true },
];

export const ROOM_VERSIONS: ReadonlyMap<string, RoomVersion> = new Map(
  VERSIONS.map((version) => [version.id, version]),
);

/**
 * @param id as stored with a room that this server made
 * @throws RangeError for a version that this server does not know: the database is from a newer release
 */
export function roomVersion(id: string): RoomVersion {
  const version = ROOM_VERSIONS.get(id);
  if (version === undefined) throw new RangeError(`room version ${id} is unknown`);
  return version;
}
