/**
 * Coming to rooms and going: join, invite, leave, kick, ban, unban, knock, forget.
 */
import type { EventDraft } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { PowerLevels } from "../core/power-levels.js";
import { allowedRoomsOf, type Membership, type RoomState } from "../core/room-state.js";
import type { Store } from "../store/store.js";
import type { AppServices } from "./app-services.js";
import type { CarryOver } from "./carry-over.js";
import { Failure, forbidden } from "./failure.js";
import type { InvitePermission } from "./invite-permission.js";
import type { Profiles } from "./profiles.js";
import type { Rooms } from "./rooms.js";

export class Memberships {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #profiles: Profiles;
  readonly #appServices: AppServices;
  readonly #carryOver: CarryOver;
  readonly #invites: InvitePermission;

  constructor(
    store: Store,
    rooms: Rooms,
    profiles: Profiles,
    appServices: AppServices,
    carryOver: CarryOver,
    invites: InvitePermission,
  ) {
    this.#store = store;
    this.#rooms = rooms;
    this.#profiles = profiles;
    this.#appServices = appServices;
    this.#carryOver = carryOver;
    this.#invites = invites;
  }

  /** Joining twice is joining once. */
  async join(roomId: string, userId: string, extra: JsonObject = {}): Promise<void> {
    const profile = await this.#profiles.forMember(userId);
    const vouching = await this.#vouching(roomId, userId);
    const joined = await this.#rooms.sendAll(roomId, (state) => {
      if (state.membership(userId) === "join") return [];
      const voucher = vouching(state);
      const content = {
        ...extra,
        ...profile,
        membership: "join",
        ...(voucher && { join_authorised_via_users_server: voucher }),
      };
      return [member(userId, userId, content)];
    });
    if (joined.length > 0) await this.#carryOver.into(roomId, userId);
  }

  async knock(roomId: string, userId: string, reason?: string): Promise<void> {
    const profile = await this.#profiles.forMember(userId);
    await this.#rooms.send(
      roomId,
      member(userId, userId, { ...profile, membership: "knock", ...(reason !== undefined && { reason }) }),
    );
  }

  /** @throws Failure M_FORBIDDEN for somebody who is in the room, or banned */
  async invite(roomId: string, sender: string, userId: string, reason?: string): Promise<void> {
    if ((await this.#appServices.account(userId)) === undefined)
      throw new Failure("M_NOT_FOUND", `${userId} has no account here`);
    await this.#invites.assertInvitable(userId, sender);
    const profile = await this.#profiles.forMember(userId);
    await this.#rooms.send(
      roomId,
      member(sender, userId, { ...profile, membership: "invite", ...(reason !== undefined && { reason }) }),
    );
  }

  /** Also refuses an invite, and takes back a knock. Leaving twice is leaving once. */
  async leave(roomId: string, userId: string, reason?: string): Promise<void> {
    await this.#rooms.sendAll(roomId, (state) => {
      const was = state.get("m.room.member", userId);
      if (was?.content["membership"] === "leave") return [];
      return [member(userId, userId, { membership: "leave", ...(reason !== undefined && { reason }) })];
    });
  }

  /** Also refuses all invites, and takes back all knocks. */
  async leaveAll(userId: string): Promise<void> {
    for (const { roomId, membership } of await this.#store.events.memberships(userId))
      if (membership !== "leave" && membership !== "ban") await this.leave(roomId, userId);
  }

  async kick(roomId: string, sender: string, userId: string, reason?: string): Promise<void> {
    await this.#change(roomId, sender, userId, "leave", reason, (membership) => {
      if (membership === "leave" || membership === "ban") throw forbidden(`${userId} is not in the room`);
    });
  }

  async ban(roomId: string, sender: string, userId: string, reason?: string): Promise<void> {
    await this.#change(roomId, sender, userId, "ban", reason, () => undefined);
  }

  async unban(roomId: string, sender: string, userId: string, reason?: string): Promise<void> {
    await this.#change(roomId, sender, userId, "leave", reason, (membership) => {
      if (membership !== "ban") throw forbidden(`${userId} is not banned`);
    });
  }

  /** @throws Failure M_UNKNOWN (400) while the user is in the room */
  async forget(roomId: string, userId: string): Promise<void> {
    if (await this.#store.events.forget(userId, roomId)) return;
    throw new Failure("M_UNKNOWN", "only a room that you have left can be forgotten", { status: 400 });
  }

  async #change(
    roomId: string,
    sender: string,
    userId: string,
    membership: Membership,
    reason: string | undefined,
    judge: (current: Membership) => void,
  ): Promise<void> {
    await this.#rooms.sendAll(roomId, (state) => {
      if (state.membership(sender) !== "join") throw forbidden("you are not in this room");
      judge(state.membership(userId));
      return [member(sender, userId, { membership, ...(reason !== undefined && { reason }) })];
    });
  }

  /**
   * A membership that a client sets as a piece of state. Who vouches for somebody in a restricted room is the server's
   * word alone: what the client says of that is dropped.
   *
   * Source: "Room Version 8", "Restricted rooms".
   * @param draft an `m.room.member`
   * @returns what it is, given the state
   */
  async vouchedFor(roomId: string, draft: EventDraft): Promise<(state: RoomState) => EventDraft> {
    const { join_authorised_via_users_server: _claimed, ...content } = draft.content;
    const isJoining = content["membership"] === "join" && draft.stateKey === draft.sender;
    const vouching = isJoining ? await this.#vouching(roomId, draft.sender) : () => undefined;
    return (state) => {
      const voucher = vouching(state);
      return {
        ...draft,
        content: { ...content, ...(voucher && { join_authorised_via_users_server: voucher }) },
      };
    };
  }

  /**
   * For restricted rooms: finds the member who lets the user in, if the user is in one of the rooms named.
   * Source: "Room Version 8", "Restricted rooms".
   */
  async #vouching(roomId: string, userId: string): Promise<(state: RoomState) => string | undefined> {
    const allowed = new Set<string>();
    for (const room of allowedRoomsOf(await this.#rooms.state(roomId))) {
      if ((await this.#store.events.membership(userId, room))?.membership === "join") allowed.add(room);
    }
    return (state) => {
      const membership = state.membership(userId);
      if (membership === "invite" || membership === "join") return undefined;
      if (!allowedRoomsOf(state).some((room) => allowed.has(room))) return undefined;
      const levels = new PowerLevels(state);
      return state.members("join").find((id) => levels.can(id, "invite"));
    };
  }
}

function member(sender: string, userId: string, content: JsonObject): EventDraft {
  return { type: "m.room.member", stateKey: userId, sender, content };
}
