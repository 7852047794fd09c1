/**
 * What a lane does with its items: looks at each again in the moment in which it is told.
 */
import type { StoredEvent } from "../core/event.js";
import type { RoomState } from "../core/room-state.js";
import { Failure } from "../service/failure.js";
import type { Delivery } from "../service/push-delivery.js";
import type { Services } from "../service/services.js";
import type { Pusher } from "../store/pushers.js";
import type { Item, LaneWork } from "./push-lane.js";

export type PushNeeds = Pick<
  Services,
  "store" | "stream" | "rooms" | "verdicts" | "unread" | "totals" | "pushDelivery" | "log"
>;

export class PushWork implements LaneWork {
  readonly #services: PushNeeds;
  /** What pushers were last told to be unread, by their ids. */
  readonly #counts = new Map<string, number>();

  constructor(services: PushNeeds) {
    this.#services = services;
  }

  async deliver(pusher: Pusher, item: Item | undefined): Promise<Delivery | "read"> {
    if (item === undefined) return this.#deliverCount(pusher);
    const { pushDelivery, store, totals, unread } = this.#services;
    const { userId } = pusher;
    // It may have waited for long: it is looked at again as it is now.
    const event = await store.events.eventAt(item.event.position);
    const state = await this.stateOf(item.event.roomId);
    if (event === undefined || event.redactedBecause !== undefined || state === undefined) return "read";
    if (!concerns(event, userId, state)) return "read";
    if (await unread.isRead(await unread.readUpTo(userId, event.roomId), event)) return "read";
    const about = { event, state, actions: item.actions };
    const count = await totals.of(userId);
    const delivery = await pushDelivery.deliver(pusher, { unread: count, about });
    this.#counts.set(pusher.id, count);
    return delivery;
  }

  async missed(
    userId: string,
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ items: Item[]; upTo: number }> {
    const { store, verdicts } = this.#services;
    const events = await store.pushers.eventsFor(userId, { after, upTo }, limit);
    const items: Item[] = [];
    for (const event of events) {
      const state = await this.stateOf(event.roomId);
      if (state === undefined || !concerns(event, userId, state)) continue;
      const { notify, actions } = (await verdicts.within(state)(userId))(event);
      if (notify) items.push({ event, actions });
    }
    const last = events.at(-1);
    return { items, upTo: last === undefined || events.length < limit ? upTo : last.position };
  }

  told({ id }: Pusher, position: number): Promise<null> {
    return this.#services.store.pushers.told(id, position);
  }

  gone(pusher: Pusher): Promise<null> {
    return this.#services.store.pushers.delete(pusher);
  }

  forget(id: string): void {
    this.#counts.delete(id);
  }

  /** @returns undefined for a room that is no more */
  async stateOf(roomId: string): Promise<RoomState | undefined> {
    try {
      return await this.#services.rooms.state(roomId);
    } catch (error) {
      if (error instanceof Failure && error.code === "M_NOT_FOUND") return undefined;
      throw error;
    }
  }

  /** Nothing is sent that the phone shows already. */
  async #deliverCount(pusher: Pusher): Promise<Delivery | "read"> {
    const unread = await this.#services.totals.of(pusher.userId);
    if (this.#counts.get(pusher.id) === unread) return "read";
    const delivery = await this.#services.pushDelivery.deliver(pusher, { unread });
    this.#counts.set(pusher.id, unread);
    return delivery;
  }
}

/** Whether it is said in a room that the user is in, or asks them into one. */
export function concerns(event: StoredEvent, userId: string, state: RoomState): boolean {
  const membership = state.membership(userId);
  if (membership === "join") return true;
  return membership === "invite" && event.type === "m.room.member" && event.stateKey === userId;
}
