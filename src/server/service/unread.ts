/**
 * How many events of a room a user has not read, by the user's push rules: in the main timeline and in each thread.
 *
 * Counted when the user asks, from where the last count stopped: a message costs nothing for members who are
 * not there, and a sync costs the events that are new. A receipt takes away from what was counted. A long count is kept
 * on the disk: a bot that never says what it has read would have the server count all of its rooms at each start.
 *
 * Source: Matrix client-server API v1.19, "Threaded read receipts", "Receiving notifications".
 */
import type { StoredEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { relationOf } from "../core/relations.js";
import { membershipOf } from "../core/room-state.js";
import type { Viewpoint } from "../core/visibility.js";
import { InTurn } from "../runtime/in-turn.js";
import { StoreError } from "../store/database.js";
import type { ReadUpTo, Receipt, UnreadCount, UnreadEvent, UnreadTally } from "../store/personal.js";
import type { Store } from "../store/store.js";
import type { Judge, Verdicts } from "./verdicts.js";

/** Counts that are remembered, over all users and rooms. */
const REMEMBERED = 20_000;
/** Unread events of one room that are remembered one by one; the older ones are a number. */
const LISTED = 1_000;
/** Events that are judged before others have their turn: some milliseconds of a small board. */
const BATCH = 100;
/** A count is kept after so many more events. */
const KEPT_EVERY = 5_000;
/** Steps from an event to the one that stands in a thread. */
const STEPS = 3;
/** What receipts call everything that is in no thread. */
const MAIN = "main";

interface Count extends UnreadCount {
  /** Events judged since it was kept. */
  readonly unkept: number;
}

const NONE: UnreadTally = { notifications: 0, highlights: 0 };

export class UnreadCounts {
  readonly #store: Store;
  readonly #verdicts: Verdicts;
  readonly #counts = new Map<string, Count>();
  /** By user and room: what two count at once, they count twice. */
  readonly #turns = new InTurn();

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
  ): Promise<UnreadTally> {
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

  #unread(
    userId: string,
    roomId: string,
    upTo: number,
    memberships?: Viewpoint["memberships"],
  ): Promise<UnreadCount> {
    const key = `${userId} ${roomId}`;
    return this.#turns.run(key, async () => {
      const read = await this.readUpTo(userId, roomId, memberships);
      const known = this.#counts.get(key);
      const earlier = known && isSame(known.read, read) ? until(known, upTo) : undefined;
      if (earlier !== undefined) return earlier;
      const fit = known && known.countedUpTo <= upTo ? reduced(known, read) : undefined;
      const start = fit ?? (await this.#start(userId, roomId, read, upTo, known === undefined));
      const count = await this.#count(userId, roomId, start, upTo);
      this.#counts.delete(key);
      this.#counts.set(key, count);
      if (this.#counts.size > REMEMBERED) this.#counts.delete(this.#counts.keys().next().value ?? "");
      return count;
    });
  }

  /** What was kept, if that serves and is to be asked for; else the beginning. */
  async #start(
    userId: string,
    roomId: string,
    read: ReadUpTo,
    upTo: number,
    mayBeKept: boolean,
  ): Promise<Count> {
    const kept = mayBeKept ? await this.#store.personal.unreadCount(userId, roomId) : undefined;
    if (kept !== undefined && kept.countedUpTo <= upTo && isSame(kept.read, read))
      return { ...kept, unkept: 0 };
    return this.#threadsBefore(userId, roomId, read, upTo);
  }

  async #memberships(userId: string, roomId: string): Promise<Viewpoint["memberships"]> {
    const members = await this.#store.events.stateContents(roomId, "m.room.member", userId);
    return members.map(({ position, content }) => ({ position, value: membershipOf(content) }));
  }

  /** Who has read the main timeline further than everything has unread events in threads alone before that. */
  async #threadsBefore(userId: string, roomId: string, read: ReadUpTo, upTo: number): Promise<Count> {
    const start: Count = { read, countedUpTo: read.all, unread: [], older: new Map(), unkept: 0 };
    const main = Math.min(read.threads.get(MAIN) ?? 0, upTo);
    if (main <= read.all) return start;
    const judge = await this.#verdicts.of(userId, roomId);
    const events = await this.#store.relations.inThreads(roomId, { after: read.all, upTo: main });
    return { ...start, countedUpTo: main, unread: await this.#notifying(events, judge, read) };
  }

  async #count(userId: string, roomId: string, start: Count, upTo: number): Promise<Count> {
    let count = start;
    let judge: Judge | undefined;
    while (count.countedUpTo < upTo) {
      const after = count.countedUpTo;
      const events = await this.#store.events.history(roomId, { after, upTo }, "f", BATCH);
      let unread = await this.#withoutRedacted(count.unread, events);
      const others = events.filter(({ sender }) => sender !== userId);
      // The rules need the whole room: only when there is something to judge.
      if (others.length > 0) {
        judge ??= await this.#verdicts.of(userId, roomId);
        const found = await this.#notifying(others, judge, count.read);
        if (found.length > 0) unread = [...unread, ...found];
      }
      const isOver = events.length < BATCH;
      const countedUpTo = isOver ? upTo : (events.at(-1)?.position ?? upTo);
      count = {
        ...count,
        ...shortened(unread, count.older),
        countedUpTo,
        unkept: count.unkept + events.length,
      };
      if (count.unkept >= KEPT_EVERY && (await this.#keep(userId, roomId, count)))
        count = { ...count, unkept: 0 };
    }
    return count;
  }

  /** @returns false where nothing can be written, which keeps nobody from reading: the next events try again */
  #keep(userId: string, roomId: string, count: Count): Promise<boolean> {
    return this.#store.personal.keepUnreadCount(userId, roomId, count).then(
      () => true,
      (error: unknown) => {
        if (error instanceof StoreError) return false;
        throw error;
      },
    );
  }

  async #notifying(events: readonly StoredEvent[], judge: Judge, read: ReadUpTo): Promise<UnreadEvent[]> {
    const unread: UnreadEvent[] = [];
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
    unread: readonly UnreadEvent[],
    events: readonly StoredEvent[],
  ): Promise<readonly UnreadEvent[]> {
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
function tally(
  older: ReadonlyMap<string, UnreadTally>,
  unread: readonly UnreadEvent[],
): Map<string, UnreadTally> {
  const threads = new Map(older);
  for (const { thread, isHighlight } of unread)
    threads.set(
      thread,
      sum(threads.get(thread) ?? NONE, { notifications: 1, highlights: isHighlight ? 1 : 0 }),
    );
  return threads;
}

function sum(one: UnreadTally, other: UnreadTally): UnreadTally {
  return {
    notifications: one.notifications + other.notifications,
    highlights: one.highlights + other.highlights,
  };
}

const rendered = ({ notifications, highlights }: UnreadTally): JsonObject => ({
  notification_count: notifications,
  highlight_count: highlights,
});

/** Of the newest each one, of the others how many. */
function shortened(unread: readonly UnreadEvent[], older: Count["older"]): Pick<Count, "unread" | "older"> {
  if (unread.length <= 2 * LISTED) return { unread, older };
  return { unread: unread.slice(-LISTED), older: tally(older, unread.slice(0, -LISTED)) };
}

/** @returns what was counted up to an earlier moment, which a slower answer is about; undefined when that is not known */
function until(count: Count, upTo: number): UnreadCount | undefined {
  if (count.countedUpTo < upTo) return undefined;
  if (count.older.size > 0 && (count.unread[0]?.position ?? 0) > upTo) return undefined;
  return { ...count, unread: count.unread.filter(({ position }) => position <= upTo) };
}

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
