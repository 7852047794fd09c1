/**
 * Whose devices a client has to look at again: both kinds of sync tell it.
 *
 * Source: Matrix client-server API, "Tracking the device list for a user".
 */
import type { Change } from "../store/database.js";
import type { Store } from "../store/store.js";
import type { Follower } from "./stream.js";
import type { Stretched } from "./stretch.js";

export type ChangedDevices = { readonly changed: readonly string[]; readonly left: readonly string[] };

export class DeviceLists {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whose devices to look at again, and with whom no room is shared any more. @returns undefined for nobody */
  async changedIn(
    follower: Follower,
    stretch: Stretched,
    changes: readonly Change[] | undefined,
  ): Promise<ChangedDevices | undefined> {
    const devices =
      changes === undefined
        ? await this.#store.encryption.devicesChanged(stretch.since, stretch.upTo)
        : namesIn(changes, "devices");
    const signed =
      changes === undefined
        ? await this.#store.crossSigning.signedBy(follower.userId, stretch.since, stretch.upTo)
        : changes.flatMap(({ kind, userId, about }) =>
            kind === "signatures" && userId === follower.userId && about !== undefined ? [about] : [],
          );
    const newcomers = await this.#newcomers(follower, stretch, changes);
    const candidates = new Set([...devices, ...signed, ...newcomers.joined, ...newcomers.left]);
    if (candidates.size === 0) return undefined;
    const { userId: self } = follower;
    const sharing = new Set([...(await this.#store.events.sharing(self, [...candidates])), self]);
    const changed = [...signed, ...[...devices, ...newcomers.joined].filter((userId) => sharing.has(userId))];
    const left = newcomers.left.filter((userId) => !sharing.has(userId));
    if (changed.length + left.length === 0) return undefined;
    return { changed: [...new Set(changed)], left: [...new Set(left)] };
  }

  /** Who came into a room of this user or left one; when the user came or left, everybody there. */
  async #newcomers(
    follower: Follower,
    stretch: Stretched,
    changes: readonly Change[] | undefined,
  ): Promise<{ joined: string[]; left: string[] }> {
    const joined: string[] = [];
    const left: string[] = [];
    const memberships =
      changes?.filter(({ kind }) => kind === "membership") ??
      (await this.#store.views.membersChangedSince(follower.userId, stretch.since));
    // Who is asked in, or asks to come, was not there yet; nor was who refuses, or takes that back.
    const hasLeft = (roomId: string, userId: string) =>
      this.#store.views.wasIn(roomId, userId, stretch.since);
    for (const { roomId = "", userId = "", membership } of memberships) {
      if (userId !== follower.userId && follower.rooms.get(roomId)?.membership === "join") {
        if (membership === "join") joined.push(userId);
        else if ((membership === "leave" || membership === "ban") && (await hasLeft(roomId, userId)))
          left.push(userId);
      }
    }
    for (const roomId of stretch.touched) {
      const own = follower.rooms.get(roomId);
      if (own === undefined || own.position <= stretch.since || own.position > stretch.upTo) continue;
      if (own.membership === "invite" || own.membership === "knock") continue;
      if (own.membership !== "join" && !(await hasLeft(roomId, follower.userId))) continue;
      const members = await this.#store.events.members(roomId, "join");
      (own.membership === "join" ? joined : left).push(
        ...members.filter((userId) => userId !== follower.userId),
      );
    }
    return { joined, left };
  }
}

function namesIn(changes: readonly Change[], kind: Change["kind"]): string[] {
  return changes.flatMap((change) =>
    change.kind === kind && change.userId !== undefined ? [change.userId] : [],
  );
}
