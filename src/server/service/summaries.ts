/**
 * How a room presents itself to one user: whom it consists of, as clients make its name from that.
 *
 * Source: Matrix client-server API, "Calculating the display name for a room".
 */
import type { JsonObject } from "../core/json.js";
import type { Membership } from "../core/room-state.js";
import type { RoomMember } from "../store/room-views.js";
import type { Store } from "../store/store.js";

const HEROES = 5;

type MemberCounts = Partial<Record<Membership, number>>;

export class Summaries {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** As `/sync` tells it. */
  async of(roomId: string, userId: string): Promise<JsonObject> {
    const counts = await this.#store.views.memberCounts(roomId);
    const heroes = await this.#heroes(roomId, userId, counts);
    return {
      "m.heroes": heroes.map((hero) => hero.userId),
      "m.joined_member_count": counts.join ?? 0,
      "m.invited_member_count": counts.invite ?? 0,
    };
  }

  /** As sliding sync tells it: with what they call themselves in the room. */
  async heroes(roomId: string, userId: string): Promise<JsonObject[]> {
    const counts = await this.#store.views.memberCounts(roomId);
    return (await this.#heroes(roomId, userId, counts)).map((hero) => ({
      user_id: hero.userId,
      ...(hero.displayName !== undefined && { displayname: hero.displayName }),
      ...(hero.avatarUrl !== undefined && { avatar_url: hero.avatarUrl }),
    }));
  }

  async #heroes(roomId: string, userId: string, counts: MemberCounts): Promise<RoomMember[]> {
    const some = (membership: Membership) => (counts[membership] ?? 0) > 0;
    const inside = await this.#others(roomId, userId, (["join", "invite"] as const).filter(some));
    // Nobody is left: those who were there name the room.
    return inside.length > 0
      ? inside
      : this.#others(roomId, userId, (["leave", "ban"] as const).filter(some));
  }

  async #others(roomId: string, userId: string, memberships: readonly Membership[]): Promise<RoomMember[]> {
    const others: RoomMember[] = [];
    for (const membership of memberships) {
      const wanted = HEROES - others.length;
      // One more, as the user may be among them.
      const members = wanted === 0 ? [] : await this.#store.views.members(roomId, membership, wanted + 1);
      others.push(...members.filter((member) => member.userId !== userId).slice(0, wanted));
    }
    return others;
  }
}
