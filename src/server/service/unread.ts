/**
 * How many events of a room a user has not read, by the user's push rules: in the main timeline and in each thread.
 *
 * Counted when the user asks, from where the last count stopped: a message costs nothing for members who are
 * not there, and a sync costs the events that are new. A receipt takes away from what was counted.
 *
 * Source: Matrix client-server API v1.19, "Threaded read receipts", "Receiving notifications".
 */
import type { StoredEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { relationOf } from "../core/relations.js";
import { membershipOf } from "../core/room-state.js";
import type { Viewpoint } from "../core/visibility.js";
import type { Receipt } from "../store/personal.js";
import type { Store } from "../store/store.js";
import type { Judge, Verdicts } from "./verdicts.js";

/** Counts that are remembered, over all users and rooms. */
const REMEMBERED = 20_000;
/** Unread events of one room that are remembered one by one; the older ones are a number. */
const LISTED = 1_000;
const BATCH = 500;
/** Steps from an event to the one that stands in a thread. */
const STEPS = 3;
/** What receipts call everything that is in no thread. */
const MAIN = "main";

interface Unread {
  readonly position: number;
  /** The thread's root, or `main`. */
  readonly thread: string;
  readonly isHighlight: boolean;
}

export interface Tally {
  readonly notifications: number;
  readonly highlights: number;
}

interface Count {
  /** What it was counted by. */
  readonly read: ReadUpTo;
  readonly countedUpTo: number;
  /** The newest, oldest first. */
  readonly unread: readonly Unread[];
  /** Those before, by thread. */
  readonly older: ReadonlyMap<string, Tally>;
}

const NONE: Tally = { notifications: 0, highlights: 0 };

/** How far a user has read. */
export interface ReadUpTo {
  /** Everywhere: by a receipt without a thread, or because the user was not there. */
  readonly all: number;
  /** Beyond that, by the root of a thread or `main`. */
  readonly threads: ReadonlyMap<string, number>;
}

export class UnreadCounts {
  readonly #store: Store;
  readonly #verdicts: Verdicts;
  readonly #counts = new Map<string, Count>();

  constructor(store: Store, verdicts: Verdicts) {
    this.#store = store;
    this.#verdicts = verdicts;
  }

  /**
   * Of the room, its threads included.
   *
   * @param memberships what the user ever was in the room, where that is known
   */
  async of(
    userId: string,
    roomId: string,
    upTo: number,
    memberships?: Viewpoint["memberships"],
  ): Promise<Tally> {
    const { unread, older } = await this.#unread(userId, roomId, upTo, memberships);
    return [...tally(older, unread).values()].reduce(sum, NONE);
  }

  /**
   * The fields of a room in a sync answer.
   *
   * @param byThread whether threads are told apart; otherwise they count for the room
   */
  async fields(userId: string, roomId: string, upTo: number, byThread: boolean): Promise<JsonObject> {
    if (!byThread) return { unread_notifications: rendered(await this.of(userId, roomId, upTo)) };
    const { unread, older } = await this.#unread(userId, roomId, upTo);
    const threads = tally(older, unread);
    const main = threads.get(MAIN) ?? NONE;
    threads.delete(MAIN);
    return {
      unread_notifications: rendered(main),
      ...(threads.size > 0 && {
        unread_thread_notifications: Object.fromEntries(
          [...threads].map(([thread, count]) => [thread, rendered(count)]),
        ),
      }),
    };
  }

  /** How far the receipts say, and never from before the user came in, the last time. */
  async readUpTo(userId: string, roomId: string, memberships?: Viewpoint["memberships"]): Promise<ReadUpTo> {
    const receipts = await this.#store.personal.receiptsOf(userId, roomId);
    const furthest = (of: readonly Receipt[]) =>
      of.reduce((most, { eventPosition }) => Math.max(most, eventPosition), 0);
    const all = Math.max(
      furthest(receipts.filter(({ thread }) => thread === "")),
      joinedAt(memberships ?? (await this.#memberships(userId, roomId))),
    );
    const threads = new Map<string, number>();
    for (const { thread } of receipts) {
      const position = thread === "" ? 0 : furthest(receipts.filter((receipt) => receipt.thread === thread));
      if (position > all) threads.set(thread, position);
    }
    return { all, threads };
  }

  async isRead(read: ReadUpTo, event: StoredEvent): Promise<boolean> {
    if (event.position <= read.all) return true;
    if (read.threads.size === 0) return false;
    return event.position <= (read.threads.get(await this.#threadOf(event)) ?? 0);
  }

  async #unread(
    userId: string,
    roomId: string,
    upTo: number,
    memberships?: Viewpoint["memberships"],
  ): Promise<Count> {
    const key = `${userId} ${roomId}`;
    const read = await this.readUpTo(userId, roomId, memberships);
    const known = this.#counts.get(key);
    let start = known === undefined || known.countedUpTo > upTo ? undefined : reduced(known, read);
    if (start === undefined) start = await this.#threadsBefore(userId, roomId, read, upTo);
    const count = await this.#count(userId, roomId, start, upTo);
    this.#counts.delete(key);
    this.#counts.set(key, count);
    if (this.#counts.size > REMEMBERED) this.#counts.delete(this.#counts.keys().next().value ?? "");
    return count;
  }

  async #memberships(userId: string, roomId: string): Promise<Viewpoint["memberships"]> {
    const members = await this.#store.events.stateContents(roomId, "m.room.member", userId);
    return members.map(({ position, content }) => ({ position, value: membershipOf(content) }));
  }

  /** Who has read the main timeline further than everything has unread events in threads alone before that. */
  async #threadsBefore(userId: string, roomId: string, read: ReadUpTo, upTo: number): Promise<Count> {
    const start: Count = { read, countedUpTo: read.all, unread: [], older: new Map() };
    const main = Math.min(read.threads.get(MAIN) ?? 0, upTo);
    if (main <= read.all) return start;
    const judge = await this.#verdicts.of(userId, roomId);
    const events = await this.#store.relations.inThreads(roomId, { after: read.all, upTo: main });
    return { ...start, countedUpTo: main, unread: await this.#notifying(events, judge, read) };
  }

  async #count(userId: string, roomId: string, start: Count, upTo: number): Promise<Count> {
    let after = start.countedUpTo;
    if (after >= upTo) return start;
    let judge: Judge | undefined;
    let { unread, older } = start;
    for (;;) {
      const events = await this.#store.events.history(roomId, { after, upTo }, "f", BATCH);
      unread = await this.#withoutRedacted(unread, events);
      const others = events.filter(({ sender }) => sender !== userId);
      // The rules need the whole room: only when there is something to judge.
      if (others.length > 0) {
        judge ??= await this.#verdicts.of(userId, roomId);
        const found = await this.#notifying(others, judge, start.read);
        if (found.length > 0) unread = [...unread, ...found];
      }
      if (unread.length > 2 * LISTED) {
        older = tally(older, unread.slice(0, -LISTED));
        unread = unread.slice(-LISTED);
      }
      after = events.at(-1)?.position ?? upTo;
      if (events.length < BATCH) return { read: start.read, countedUpTo: upTo, unread, older };
    }
  }

  async #notifying(events: readonly StoredEvent[], judge: Judge, read: ReadUpTo): Promise<Unread[]> {
    const unread: Unread[] = [];
    for (const event of events) {
      const { notify, highlight } = judge(event);
      if (!notify || event.redactedBecause !== undefined) continue;
      const thread = await this.#threadOf(event);
      if (event.position > Math.max(read.all, read.threads.get(thread) ?? 0))
        unread.push({ position: event.position, thread, isHighlight: highlight });
    }
    return unread;
  }

  /** What was taken back is nothing to read any more. */
  async #withoutRedacted(
    unread: readonly Unread[],
    events: readonly StoredEvent[],
  ): Promise<readonly Unread[]> {
    let left = unread;
    for (const { redacts } of events) {
      if (redacts === undefined || left.length === 0) continue;
      const target = await this.#store.events.event(redacts);
      left = left.filter(({ position }) => position !== target?.position);
    }
    return left;
  }

  /** An edit or a reaction stands where the event stands that it speaks of. */
  async #threadOf(event: StoredEvent): Promise<string> {
    let at: StoredEvent | undefined = event;
    for (let step = 0; at !== undefined && step < STEPS; step++) {
      const relation = relationOf(at.content);
      if (relation === undefined) return MAIN;
      if (relation.relType === "m.thread") return relation.parent;
      at = await this.#store.events.event(relation.parent);
      if (at?.roomId !== event.roomId) return MAIN;
    }
    return MAIN;
  }
}

/** Where the user came in for the last time. */
function joinedAt(memberships: Viewpoint["memberships"]): number {
  const outside = memberships.findLastIndex(({ value }) => value !== "join");
  return memberships[outside + 1]?.position ?? 0;
}

/** What is unread in each thread. */
function tally(older: ReadonlyMap<string, Tally>, unread: readonly Unread[]): Map<string, Tally> {
  const threads = new Map(older);
  for (const { thread, isHighlight } of unread)
    threads.set(
      thread,
      sum(threads.get(thread) ?? NONE, { notifications: 1, highlights: isHighlight ? 1 : 0 }),
    );
  return threads;
}

function sum(one: Tally, other: Tally): Tally {
  return {
    notifications: one.notifications + other.notifications,
    highlights: one.highlights + other.highlights,
  };
}

const rendered = ({ notifications, highlights }: Tally): JsonObject => ({
  notification_count: notifications,
  highlight_count: highlights,
});

/** @returns undefined when what was counted does not say enough */
function reduced(count: Count, read: ReadUpTo): Count | undefined {
  if (isSame(count.read, read)) return count;
  // Who left and came back; and of those that are only a number nobody knows which are read now.
  if (read.all < count.read.all || count.older.size > 0) return undefined;
  const unread = count.unread.filter(
    ({ position, thread }) => position > Math.max(read.all, read.threads.get(thread) ?? 0),
  );
  return { ...count, read, unread };
}

function isSame(one: ReadUpTo, other: ReadUpTo): boolean {
  return (
    one.all === other.all &&
    one.threads.size === other.threads.size &&
    [...one.threads].every(([thread, position]) => other.threads.get(thread) === position)
  );
}
