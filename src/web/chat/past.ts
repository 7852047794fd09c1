/**
 * What is held of a room's past: a window of events that moves with scrolling, and a little around it. The library
 * keeps whatever it has fetched; of somebody who looks for something that would be all of it.
 *
 * What goes beyond the newest events is in a timeline of its own, from which both of its ends are taken as the window
 * moves on. It is one of the room's, so that edits, reactions and redactions find what they are about. Where it was
 * cut, the server's token for that place is known from when it was fetched: tokens count in both directions.
 * Source: Matrix client-server API, "Pagination", `GET /rooms/{roomId}/messages`.
 */
import {
  Direction,
  EventTimeline,
  Filter,
  Method,
  type EventTimelineSet,
  type IContextResponse,
  type MatrixClient,
  type MatrixEvent,
  type Room,
} from "matrix-js-sdk";

/** Events for each request. */
const STEP = 30;
/** Events that the library takes in at once: an old phone needs a millisecond for each. */
const SLICE = 6;
/** Events beyond the window that are kept, should somebody turn round. */
const AROUND = 60;
/** Events of the room's newest timeline, which is never cut, beyond which older ones have one of their own. */
const NEWEST = 60;

export class Past {
  readonly #client: MatrixClient;
  readonly #room: Room;
  readonly #set: EventTimelineSet;
  readonly #isThread: boolean;
  readonly #most: number;
  readonly #pause: () => Promise<void>;
  /** Without gaps between them, the oldest first. */
  #parts: readonly EventTimeline[] = [];
  #window: readonly MatrixEvent[] = [];
  /** The server's token for the place before an event, by the event's id. */
  readonly #tokens = new Map<string, string>();
  /** What came together with the message that it is about, and will again. */
  readonly #near = new WeakSet<MatrixEvent>();

  /**
   * @param most events in the window
   * @param pause lets something else have its turn
   */
  constructor(
    client: MatrixClient,
    room: Room,
    set: EventTimelineSet,
    most: number,
    pause: () => Promise<void>,
  ) {
    this.#client = client;
    this.#room = room;
    this.#set = set;
    this.#most = most;
    this.#pause = pause;
    this.#isThread = set.thread !== undefined;
  }

  /** What the window shows, the oldest first. */
  get events(): readonly MatrixEvent[] {
    return this.#window;
  }

  /** Whether the newest event that is known is in the window. */
  get isLive(): boolean {
    const newest = this.#set.getLiveTimeline().getEvents().at(-1);
    return newest === undefined || newest === this.#window.at(-1);
  }

  /**
   * @param eventId what is to be in the middle; the newest else
   * @param count events for the window
   * @throws MatrixError when it cannot be had
   */
  async open(eventId: string | undefined, count: number): Promise<void> {
    const live = this.#set.getLiveTimeline();
    if (eventId === undefined) this.#go([live]);
    else if (this.#isThread) this.#go(await this.#inThread(eventId));
    else await this.#around(eventId);
    const all = this.#all();
    const at = eventId === undefined ? all.length : all.findIndex((event) => event.getId() === eventId);
    const end = Math.min(all.length, at + Math.ceil(count / 2));
    this.#window = all.slice(Math.max(0, end - count), end);
  }

  /** Whether there is more in a direction, here or perhaps on the server. */
  canMove(direction: Direction): boolean {
    const all = this.#all();
    const edge = this.#edge(direction);
    return direction === Direction.Backward
      ? all[0] !== this.#window[0] || this.#tokenOf(edge, direction) !== null
      : all.at(-1) !== this.#window.at(-1) || this.#tokenOf(edge, direction) !== null;
  }

  /** Moves the window by what is here. @param count events at most @returns whether it moved */
  move(direction: Direction, count: number): boolean {
    const isBack = direction === Direction.Backward;
    const all = this.#all();
    const [oldest, newest] = [this.#window[0], this.#window.at(-1)];
    const first = oldest === undefined ? (isBack ? all.length : 0) : all.indexOf(oldest);
    const end = newest === undefined ? first : all.lastIndexOf(newest) + 1;
    const [from, to] = isBack
      ? [Math.max(0, first - count), end]
      : [first, Math.min(all.length, end + count)];
    if (from === first && to === end) return false;
    this.#window = isBack
      ? all.slice(from, Math.min(to, from + this.#most))
      : all.slice(Math.max(from, to - this.#most), to);
    return true;
  }

  /** Asks the server for what comes next beyond what is here. @throws MatrixError */
  async fetch(direction: Direction): Promise<void> {
    if (this.#isThread) {
      const edge = this.#edge(direction);
      if (edge === undefined) return;
      const backwards = direction === Direction.Backward;
      await this.#client.paginateEventTimeline(edge, { backwards, limit: STEP });
      this.#parts = joinedTo(edge);
      return;
    }
    const timeline = direction === Direction.Backward ? this.#forOlder() : this.#edge(direction);
    const token = this.#tokenOf(timeline, direction);
    if (timeline === undefined || token === null) return;
    const { chunk, end, state } = await this.#client.createMessagesRequest(
      this.#room.roomId,
      token,
      STEP,
      direction,
    );
    if (!this.#parts.includes(timeline)) return;
    const toEvent = this.#client.getEventMapper();
    timeline.getState(direction)?.setUnknownStateEvents((state ?? []).map(toEvent));
    const { added, met } = this.#new(chunk.map(toEvent), timeline);
    const ids = new Set(added.map(idOf));
    for (const event of added) if (ids.has(event.relationEventId ?? "")) this.#near.add(event);
    this.#mark(added, timeline, direction, token);
    for (let from = 0; from === 0 || from < added.length; from += SLICE) {
      if (from > 0) await this.#pause();
      if (!this.#parts.includes(timeline)) return;
      this.#add(added.slice(from, from + SLICE), timeline, direction, end ?? null);
    }
    const isEnd = chunk.length === 0 || end === undefined;
    if (met !== undefined) this.#join(met, direction);
    else if (isEnd && direction === Direction.Forward) this.#join(this.#set.getLiveTimeline(), direction);
    else if (isEnd) timeline.setPaginationToken(null, direction);
    this.#cut();
  }

  /** An event is no longer in its timeline. @returns whether the window showed it */
  drop(event: MatrixEvent): boolean {
    const isShown = this.#window.includes(event);
    if (isShown) this.#window = this.#window.filter((it) => it !== event);
    return isShown;
  }

  /** Lets go of what is held beyond the newest. */
  close(): void {
    this.#window = [];
    this.#keep(0, 0);
    this.#parts = [];
    this.#tokens.clear();
  }

  /** What was held is let go, unless it is what is gone to. */
  #go(parts: readonly EventTimeline[]): void {
    if (parts.every((part) => this.#parts.includes(part))) return;
    this.close();
    this.#parts = parts;
  }

  async #inThread(eventId: string): Promise<readonly EventTimeline[]> {
    const timeline = await this.#client.getEventTimeline(this.#set, eventId);
    if (timeline === undefined || timeline === null) throw new Error("the event is not in the thread");
    return joinedTo(timeline);
  }

  /**
   * The library's own way joins what comes to whatever it touches, for good; what is joined cannot be taken away.
   * Source: Matrix client-server API, `GET /rooms/{roomId}/context/{eventId}`.
   */
  async #around(eventId: string): Promise<void> {
    const live = this.#set.getLiveTimeline();
    const here = this.#set.getTimelineForEvent(eventId);
    if (here !== null) {
      this.#go([here]);
      return;
    }
    const place = encodeURIComponent(this.#room.roomId);
    const reply = await this.#client.http.authedRequest<IContextResponse>(
      Method.Get,
      `/rooms/${place}/context/${encodeURIComponent(eventId)}`,
      { filter: JSON.stringify(Filter.LAZY_LOADING_MESSAGES_FILTER) },
    );
    const toEvent = this.#client.getEventMapper();
    const event = toEvent(reply.event);
    if (event.isRelation("m.thread")) throw new Error("the event is in a thread");
    const newestFirst = [
      ...[...reply.events_after].reverse().map(toEvent),
      event,
      ...reply.events_before.map(toEvent),
    ];
    const own = new EventTimeline(this.#set);
    own.setPaginationToken(reply.end, Direction.Forward);
    own.getState(Direction.Backward)?.setUnknownStateEvents(reply.state.map(toEvent));
    this.close();
    // What is newer than the oldest that is here already is here too.
    const known = newestFirst
      .map((event) => this.#set.getTimelineForEvent(event.getId()) === live)
      .lastIndexOf(true);
    this.#parts = known < 0 ? [own] : [own, live];
    this.#add(newestFirst.slice(known + 1), own, Direction.Backward, reply.start);
  }

  #all(): MatrixEvent[] {
    return this.#parts.flatMap((part) => part.getEvents());
  }

  #edge(direction: Direction): EventTimeline | undefined {
    return this.#parts.at(direction === Direction.Backward ? 0 : -1);
  }

  /** What comes after the newest comes by itself. */
  #tokenOf(timeline: EventTimeline | undefined, direction: Direction): string | null {
    const isNewest = direction === Direction.Forward && timeline === this.#set.getLiveTimeline();
    return timeline === undefined || isNewest ? null : timeline.getPaginationToken(direction);
  }

  /** The timeline that older events go to. */
  #forOlder(): EventTimeline | undefined {
    const [oldest] = this.#parts;
    const [first] = oldest?.getEvents() ?? [];
    const token = oldest?.getPaginationToken(Direction.Backward) ?? null;
    if (oldest !== this.#set.getLiveTimeline() || oldest.getEvents().length < NEWEST) return oldest;
    if (first === undefined || token === null) return oldest;
    const own = new EventTimeline(this.#set);
    own.setPaginationToken(token, Direction.Backward);
    this.#tokens.set(idOf(first), token);
    this.#parts = [own, ...this.#parts];
    return own;
  }

  /** @returns those that are new, as far as the first that another timeline has, and that one */
  #new(events: readonly MatrixEvent[], timeline: EventTimeline) {
    const added: MatrixEvent[] = [];
    for (const event of events) {
      const known = this.#set.getTimelineForEvent(event.getId());
      if (known !== null && known !== timeline) return { added, met: known };
      if (known === null) added.push(event);
    }
    return { added, met: undefined };
  }

  /** Where a request began, by the event that is next to it on the newer side. */
  #mark(added: readonly MatrixEvent[], timeline: EventTimeline, direction: Direction, token: string): void {
    const next = direction === Direction.Backward ? timeline.getEvents()[0] : added[0];
    if (next !== undefined) this.#tokens.set(idOf(next), token);
  }

  #add(events: MatrixEvent[], timeline: EventTimeline, direction: Direction, next: string | null): void {
    const [own, , others] = this.#room.partitionThreadedEvents(events);
    this.#set.addEventsToTimeline(own, direction === Direction.Backward, false, timeline, next);
    this.#client.processAggregatedTimelineEvents(this.#room, own);
    const roots = own.filter((event) => event.getServerAggregatedRelation("m.thread") !== undefined);
    this.#client.processThreadRoots(this.#room, roots, false);
    for (const event of others) this.#room.relations.aggregateChildEvent(event);
  }

  #join(timeline: EventTimeline, direction: Direction): void {
    if (this.#parts.includes(timeline)) return;
    this.#parts = direction === Direction.Backward ? [timeline, ...this.#parts] : [...this.#parts, timeline];
  }

  /** Takes away what is far from the window, as far as places that can be gone on from. */
  #cut(): void {
    const [first, last] = [this.#window[0], this.#window.at(-1)];
    if (first === undefined || last === undefined) return;
    const all = this.#all();
    const live = this.#set.getLiveTimeline();
    const newest = this.#parts.includes(live) ? all.length - live.getEvents().length : all.length;
    const places = [...all.keys()].filter((index) => index <= newest && this.#tokens.has(idOf(all[index])));
    const start = places.filter((index) => index <= all.indexOf(first) - AROUND).at(-1) ?? 0;
    const end = places.find((index) => index > all.indexOf(last) + AROUND) ?? all.length;
    const [before, after] = [all[start], all[end]].map((event) => this.#tokens.get(idOf(event)));
    this.#keep(start, end);
    if (start > 0) this.#edge(Direction.Backward)?.setPaginationToken(before ?? null, Direction.Backward);
    if (end < all.length) this.#edge(Direction.Forward)?.setPaginationToken(after ?? null, Direction.Forward);
  }

  /** Takes away everything else, but for the room's newest timeline and threads', which are the library's. */
  #keep(start: number, end: number): void {
    if (this.#isThread) return;
    const live = this.#set.getLiveTimeline();
    let at = 0;
    this.#parts = this.#parts.filter((part) => {
      const from = at;
      const events = [...part.getEvents()];
      at += events.length;
      const isKept = (index: number) => index >= start && index < end;
      if (part !== live) {
        const gone = events.filter((_, index) => !isKept(from + index));
        // From the end, where the library begins to look.
        for (const event of [...gone].reverse()) this.#set.removeEvent(idOf(event));
        for (const event of gone) {
          this.#tokens.delete(idOf(event));
          this.#forgetRelations(idOf(event));
          this.#forgetRelations(event.relationEventId);
        }
      }
      // An empty one may have asked the server already, and knows where to go on.
      return events.length === 0
        ? from >= start && from <= end
        : events.some((_, index) => isKept(from + index));
    });
  }

  /**
   * What was said about an event that is no longer here, if all of it comes back with the event. The library has no
   * way to let go of it. What was said much later has to stay: nothing says so when the event is asked for again.
   */
  #forgetRelations(id: string | undefined): void {
    const isHere = (eventId: string | undefined) => this.#set.getTimelineForEvent(eventId) !== null;
    const { relations } = this.#set;
    if (id === undefined || isHere(id)) return;
    const comesBack = (event: MatrixEvent) => this.#near.has(event) && !isHere(event.getId());
    if (!relations.getAllChildEventsForEvent(id).every(comesBack)) return;
    (relations as unknown as { readonly relations?: Map<string, unknown> }).relations?.delete(id);
  }
}

const idOf = (event: MatrixEvent | undefined): string => event?.getId() ?? "";

/** A thread's timeline with those that the library has joined to it, the oldest first. */
function joinedTo(timeline: EventTimeline): readonly EventTimeline[] {
  const parts = [timeline];
  for (let part = timeline.getNeighbouringTimeline(Direction.Backward); part !== null;) {
    parts.unshift(part);
    part = part.getNeighbouringTimeline(Direction.Backward);
  }
  for (let part = timeline.getNeighbouringTimeline(Direction.Forward); part !== null;) {
    parts.push(part);
    part = part.getNeighbouringTimeline(Direction.Forward);
  }
  return parts;
}
