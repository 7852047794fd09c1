/**
 * Reading a room's past with one user's eyes.
 */
import type { StoredEvent } from "../core/event.js";
import type { RoomEventFilter } from "../core/filter.js";
import { passesEvent } from "../core/filter.js";
import type { JsonObject } from "../core/json.js";
import { historyVisibilityOf, membershipOf } from "../core/room-state.js";
import { isShown, mayRead, mayReadSome, type Sight } from "../core/visibility.js";
import type { Stretch } from "../store/events.js";
import type { Store } from "../store/store.js";
import { forbidden, notFound } from "./failure.js";
import type { InvitePermission } from "./invite-permission.js";
import type { PushRules } from "./push-rules.js";

/** Events read at once while looking for those that a filter lets through. */
const BATCH = 200;
/** Events looked at for one request: a filter that matches nothing must not read a whole room. */
const LOOKED_AT = 5_000;

/** A page of history: events in reading order, and the gap where the next page starts. */
export interface Page {
  readonly events: readonly StoredEvent[];
  /** Absent when there is nothing more. */
  readonly next?: number;
}

export class History {
  readonly #store: Store;
  readonly #pushRules: PushRules;
  readonly #invites: InvitePermission;

  constructor(store: Store, pushRules: PushRules, invites: InvitePermission) {
    this.#store = store;
    this.#pushRules = pushRules;
    this.#invites = invites;
  }

  /** @param isInside the user is known to be in the room now */
  async viewpoint(roomId: string, userId: string, isInside = false): Promise<Sight> {
    const [ignored, erased, row, standings] = await Promise.all([
      this.#pushRules.ignoredBy(userId),
      this.#store.accounts.erased(),
      isInside ? undefined : this.#store.events.membership(userId, roomId),
      this.#store.events.standings(roomId, userId),
    ]);
    const members = standings.filter(({ type }) => type === "m.room.member");
    const visibilities = standings.filter(({ type }) => type !== "m.room.member");
    return {
      ignored,
      erased,
      // Who has forgotten a room is to it as if never there.
      memberships:
        row?.forgotten === true
          ? []
          : members.map(({ position, content }) => ({ position, value: membershipOf(content) })),
      visibilities: visibilities.map(({ position, content }) => ({
        position,
        value: historyVisibilityOf(content),
      })),
    };
  }

  /**
   * Whether an invite comes from somebody whose invites the user does not want: such ones are not told of.
   *
   * @param stripped what the user may see of the room from outside; it ends with the invite
   */
  async isUnwanted(userId: string, stripped: readonly JsonObject[]): Promise<boolean> {
    const sender = stripped.at(-1)?.["sender"];
    return typeof sender === "string" && (await this.#invites.of(userId))(sender) !== "allow";
  }

  /**
   * Where the knowledge of a room ends for somebody who was told of it up to `since`: who was not in it then, or has
   * left it and come back, missed what happened between, and begins anew.
   *
   * @param leftAt the position at which they left it for good, where they did
   * @returns `since`, or 0
   */
  async knownUpTo(roomId: string, userId: string, since: number, leftAt = Infinity): Promise<number> {
    const members = await this.#store.events.stateContents(roomId, "m.room.member", userId);
    const later = members.filter(({ position }) => position > since && position < leftAt);
    const wasJoined = membershipOf(members.findLast(({ position }) => position <= since)?.content) === "join";
    return wasJoined && later.every(({ content }) => membershipOf(content) === "join") ? since : 0;
  }

  /** @throws Failure M_FORBIDDEN when the user may read nothing of the room */
  async viewpointOrRefuse(roomId: string, userId: string): Promise<Sight> {
    const viewpoint = await this.viewpoint(roomId, userId);
    if (!mayReadSome(viewpoint)) throw forbidden("you are not in this room");
    return viewpoint;
  }

  /** @throws Failure M_NOT_FOUND for an event that does not exist or that the user may not read */
  async event(roomId: string, eventId: string, userId: string): Promise<StoredEvent> {
    const event = await this.#store.events.event(eventId);
    if (
      event === undefined ||
      event.roomId !== roomId ||
      !mayRead(await this.viewpoint(roomId, userId), event.position)
    ) {
      throw notFound("there is no such event, or you may not read it");
    }
    return event;
  }

  /** @throws Failure M_FORBIDDEN, M_NOT_FOUND when there is none that the user may read */
  async nearest(roomId: string, ts: number, direction: "f" | "b", userId: string): Promise<StoredEvent> {
    const viewpoint = await this.viewpointOrRefuse(roomId, userId);
    const events = await this.#store.events.near(roomId, ts, direction, LOOKED_AT);
    const event = events.find(({ position }) => mayRead(viewpoint, position));
    if (event === undefined)
      throw notFound(`there is no event ${direction === "f" ? "after" : "before"} that moment`);
    return event;
  }

  /**
   * @param direction `b` reads from `upTo` backwards, `f` from `after` on
   * @param limit how many events that the user may read, and the filter lets through
   */
  async page(
    roomId: string,
    { after, upTo }: Stretch,
    direction: "f" | "b",
    limit: number,
    viewpoint: Sight | undefined,
    filter?: RoomEventFilter | null,
  ): Promise<Page> {
    const found: StoredEvent[] = [];
    let stretch: Stretch = { after, upTo };
    for (let looked = 0; looked < LOOKED_AT;) {
      // Where not everything is for the reader, the rest is read by the batch.
      const want = looked === 0 ? Math.min(BATCH, limit + 1) : BATCH;
      const events = await this.#store.events.history(roomId, stretch, direction, want);
      for (const event of events) {
        const isFor = (viewpoint === undefined || isShown(viewpoint, event)) && passesEvent(filter, event);
        // The event that does not fit any more only says that there is more.
        if (isFor && found.length === limit)
          return { events: found, next: direction === "f" ? event.position - 1 : event.position };
        stretch = direction === "f" ? { after: event.position, upTo } : { after, upTo: event.position - 1 };
        if (isFor) found.push(event);
      }
      if (events.length < want) return { events: found };
      looked += events.length;
    }
    return { events: found, next: direction === "f" ? stretch.after : stretch.upTo };
  }
}
