/**
 * Which events concern an application service: those of rooms that its users are in, that bear one of its aliases, or
 * that it names; and those about its users.
 *
 * Whether its users were in a room is known as of the event that is looked at, not as of now: a service that was away
 * hears of what was said while its user was still there. So the events are to be shown in order.
 * Source: Matrix Application Service API v1.19, "Registration".
 */
import type { StoredEvent } from "../core/event.js";
import { membershipOf } from "../core/room-state.js";
import type { AppService } from "../service/app-service.js";
import type { Store } from "../store/store.js";

/** Rooms whose members are remembered. */
const ROOMS = 5_000;

export class ServiceInterest {
  readonly #service: AppService;
  readonly #store: Store;
  /** Of each room that was looked at, the service's users in it. */
  readonly #members = new Map<string, Set<string>>();
  readonly #aliases = new Map<string, Promise<boolean>>();

  constructor(service: AppService, store: Store) {
    this.#service = service;
    this.#store = store;
  }

  /** Forgets what it knows: the next event is not the one that follows. */
  forget(): void {
    this.#members.clear();
    this.#aliases.clear();
  }

  /** Aliases are not part of the order of events: they are looked up again from time to time. */
  forgetAliases(): void {
    this.#aliases.clear();
  }

  async wants(event: StoredEvent): Promise<boolean> {
    const { roomId, type, stateKey, sender, content, position } = event;
    const members = await this.#membersAt(roomId, position - 1);
    const wasIn = members.size > 0;
    if (type === "m.room.member" && stateKey !== undefined && this.#service.coversUser(stateKey)) {
      if (membershipOf(content) === "join") members.add(stateKey);
      else members.delete(stateKey);
      return true;
    }
    return wasIn || this.#service.coversUser(sender) || (await this.#namesRoom(roomId));
  }

  /** @param position up to which events were shown */
  async isIn(roomId: string, position: number): Promise<boolean> {
    return (await this.#membersAt(roomId, position)).size > 0 || (await this.#namesRoom(roomId));
  }

  async #membersAt(roomId: string, position: number): Promise<Set<string>> {
    let members = this.#members.get(roomId);
    if (members === undefined) {
      const joined = await this.#store.views.joinedAt(roomId, position);
      members = new Set(joined.filter((userId) => this.#service.coversUser(userId)));
    } else {
      this.#members.delete(roomId);
    }
    // A Map remembers the order of insertion: the first was used longest ago.
    this.#members.set(roomId, members);
    if (this.#members.size > ROOMS) this.#members.delete(this.#members.keys().next().value ?? "");
    return members;
  }

  async #namesRoom(roomId: string): Promise<boolean> {
    if (this.#service.covers("rooms", roomId)) return true;
    if (!this.#service.has("aliases")) return false;
    let known = this.#aliases.get(roomId);
    if (known === undefined) {
      known = this.#store.directory
        .aliasesOf(roomId)
        .then((aliases) => aliases.some((alias) => this.#service.covers("aliases", alias)));
      this.#aliases.set(roomId, known);
    }
    return known;
  }
}
