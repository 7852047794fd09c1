/**
 * Which events of a room a user may read.
 *
 * A room's history is one line, so the answer needs only two lists: what the user was in the room, and what
 * the room's history visibility was, each with the positions from which on.
 * Source: Matrix client-server API, "Room History Visibility", "Server behaviour".
 */
import type { HistoryVisibility, Membership } from "./room-state.js";

/** A value and the position of the event that set it. */
export interface Since<T> {
  readonly position: number;
  readonly value: T;
}

export interface Viewpoint {
  /** Oldest first. */
  readonly memberships: readonly Since<Membership>[];
  readonly visibilities: readonly Since<HistoryVisibility>[];
}

/** Whether the user may read the event at this position. */
export function mayRead({ memberships, visibilities }: Viewpoint, position: number): boolean {
  // An event that changes one of the two is judged by what was before it and by what is after: either suffices.
  const visible = [before(visibilities, position) ?? "shared", upTo(visibilities, position) ?? "shared"];
  const was = [before(memberships, position) ?? "leave", upTo(memberships, position) ?? "leave"];
  const joinsLater = memberships.some((since) => since.position > position && since.value === "join");
  return visible.some((visibility) => was.some((membership) => allows(visibility, membership, joinsLater)));
}

/** What somebody sees of a room: what they may read, less what those say whom they ignore, or who had it erased. */
export interface Sight extends Viewpoint {
  readonly ignored: ReadonlySet<string>;
  /** The positions at which people had their words erased. */
  readonly erased: ReadonlyMap<string, number>;
}

/**
 * Whether the event is shown as if it were redacted: its sender had their words erased before the user first came.
 * State stays: the room is made of it.
 * Source: Matrix client-server API, "POST /account/deactivate", `erase`.
 */
export function isErased(
  { erased, memberships }: Sight,
  { position, sender, stateKey }: { position: number; sender: string; stateKey?: string },
): boolean {
  const at = erased.get(sender);
  if (at === undefined || position > at || stateKey !== undefined) return false;
  return !memberships.some((since) => since.value === "join" && since.position < at);
}

/**
 * Whether the user is shown an event. State is shown whoever has set it: without it the room would be another.
 * Source: Matrix client-server API, "Ignoring Users".
 */
export function isShown(
  { ignored, ...viewpoint }: Sight,
  { position, sender, stateKey }: { position: number; sender: string; stateKey?: string },
): boolean {
  return mayRead(viewpoint, position) && (stateKey !== undefined || !ignored.has(sender));
}

/** Whether the user may read something of the room at all. */
export function mayReadSome({ memberships, visibilities }: Viewpoint): boolean {
  return (
    memberships.some(({ value }) => value === "join") ||
    visibilities.some(({ value }) => value === "world_readable")
  );
}

/** What the user was in the room right after the event at this position. */
export function membershipAt({ memberships }: Viewpoint, position: number): Membership {
  return upTo(memberships, position) ?? "leave";
}

function allows(visibility: HistoryVisibility, membership: Membership, joinsLater: boolean): boolean {
  if (visibility === "world_readable" || membership === "join") return true;
  if (visibility === "shared") return joinsLater;
  return visibility === "invited" && membership === "invite" && joinsLater;
}

function before<T>(list: readonly Since<T>[], position: number): T | undefined {
  return list.findLast((since) => since.position < position)?.value;
}

function upTo<T>(list: readonly Since<T>[], position: number): T | undefined {
  return list.findLast((since) => since.position <= position)?.value;
}
