/**
 * What changed for somebody in a stretch of positions.
 */
import type { Change } from "../store/database.js";
import type { Store } from "../store/store.js";
import type { Follower } from "./stream.js";

export interface Stretched {
  readonly since: number;
  readonly upTo: number;
  /** The rooms in which something happened. */
  readonly touched: ReadonlySet<string>;
}

/** @param changes those since, or undefined when they are no longer remembered */
export async function stretchOf(
  store: Store,
  follower: Follower,
  since: number,
  upTo: number,
  changes: readonly Change[] | undefined,
): Promise<Stretched> {
  if (since === 0) return { since, upTo, touched: new Set(follower.rooms.keys()) };
  if (changes === undefined)
    return { since, upTo, touched: new Set(await store.events.roomsChangedSince(follower.userId, since)) };
  const touched = new Set<string>();
  for (const { roomId, userId } of changes) {
    if (roomId !== undefined && (userId === undefined || userId === follower.userId)) touched.add(roomId);
  }
  return { since, upTo, touched };
}
