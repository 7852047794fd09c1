/**
 * One pusher's way out: what it is to be told, in order, each thing until it is taken.
 *
 * Every pusher has its own, so one that is slow or dead delays nobody else. What waits is kept in memory up to a
 * bound; beyond that, and after a restart, it is found again in the events themselves, from the pusher's position on.
 */
import type { StoredEvent } from "../core/event.js";
import type { JsonValue } from "../core/json.js";
import type { Log } from "../runtime/log.js";
import { Pause } from "../runtime/pause.js";
import type { Delivery } from "../service/push-delivery.js";
import type { Pusher } from "../store/pushers.js";

/** Events that wait in memory for one pusher. */
const QUEUE = 50;
/** Events looked at in one go when what was missed is found again. */
const BATCH = 200;
/** Waits after a failure, doubled each time. In milliseconds. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60 * 60_000;
/** Nobody is told of what is older, in milliseconds. */
const TOO_OLD_MS = 24 * 60 * 60_000;

export interface Item {
  readonly event: StoredEvent;
  readonly actions: readonly JsonValue[];
}

/** What a lane asks of the rest. */
export interface LaneWork {
  /** @throws when it is to be tried again */
  deliver(pusher: Pusher, item: Item | undefined): Promise<Delivery | "read">;
  /** Those of a user's events that notify, and up to where they were looked for. */
  missed(
    userId: string,
    after: number,
    upTo: number,
    limit: number,
  ): Promise<{ items: Item[]; upTo: number }>;
  told(pusher: Pusher, position: number): Promise<unknown>;
  gone(pusher: Pusher): Promise<unknown>;
}

export class PushLane {
  readonly pusher: Pusher;
  readonly #work: LaneWork;
  readonly #log: Log;
  readonly #queue: Item[] = [];
  #position: number;
  /** Up to here there may be events that are not in the queue. */
  #missedUpTo: number;
  #isCountDue = false;
  #running: Promise<void> | undefined;
  #isStopped = false;
  readonly #pause = new Pause();
  #retryMs = FIRST_RETRY_MS;

  /** @param upTo events up to here were not offered */
  constructor(pusher: Pusher, upTo: number, work: LaneWork, log: Log) {
    this.pusher = pusher;
    this.#position = pusher.position;
    this.#missedUpTo = upTo;
    this.#work = work;
    this.#log = log;
    if (this.isBusy) this.#start();
  }

  get position(): number {
    return this.#position;
  }

  /** Whether something is left to tell. */
  get isBusy(): boolean {
    return this.#queue.length > 0 || this.#missedUpTo > this.#position;
  }

  /** An event that notifies, newer than all that were offered before. */
  offer(item: Item): void {
    if (this.#isStopped || item.event.position <= this.#position) return;
    const last = this.#queue.at(-1)?.event.position ?? this.#position;
    if (this.#missedUpTo > last || this.#queue.length >= QUEUE) this.#missedUpTo = item.event.position;
    else this.#queue.push(item);
    this.#start();
  }

  /** What is unread has changed without an event that notifies. */
  tellCount(): void {
    if (this.#isStopped) return;
    this.#isCountDue = true;
    this.#start();
  }

  /** Everything up to here was offered, and nothing is left of it. */
  passed(position: number): void {
    if (!this.isBusy) this.#position = Math.max(this.#position, position);
  }

  /** Resolves when what is under way is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#pause.close();
    await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Something came between the last look and now.
      if (!this.#isStopped && (this.isBusy || this.#isCountDue)) this.#start();
    });
  }

  async #run(): Promise<void> {
    while (!this.#isStopped && (this.isBusy || this.#isCountDue)) {
      try {
        await this.#next();
        this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        const { id, kind } = this.pusher;
        this.#log.debug("a pusher waits", { pusher: id, kind, retryMs: this.#retryMs, error });
        await this.#pause.take(this.#retryMs, true);
        this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
      }
    }
  }

  async #next(): Promise<void> {
    const [item] = this.#queue;
    if (item === undefined && this.#missedUpTo > this.#position) return this.#fill();
    const wasDue = this.#isCountDue;
    this.#isCountDue = false;
    const delivery = await this.#deliver(item).catch((error: unknown) => {
      this.#isCountDue ||= wasDue;
      throw error;
    });
    // With each event goes what is unread; with none that was sent, it still has to be told.
    if (delivery === "read" && item !== undefined) this.#isCountDue ||= wasDue;
    if (item !== undefined) {
      this.#queue.shift();
      this.#position = item.event.position;
      if (delivery === "sent") await this.#work.told(this.pusher, this.#position);
    }
    if (delivery === "gone") {
      this.#isStopped = true;
      await this.#work.gone(this.pusher);
    }
  }

  async #deliver(item: Item | undefined): Promise<Delivery | "read"> {
    const isOld = item !== undefined && Date.now() - item.event.ts > TOO_OLD_MS;
    return isOld ? "read" : this.#work.deliver(this.pusher, item);
  }

  async #fill(): Promise<void> {
    const upTo = this.#missedUpTo;
    const found = await this.#work.missed(this.pusher.userId, this.#position, upTo, BATCH);
    this.#queue.push(...found.items);
    // What was looked at and notifies of nothing is done with; what notifies stands in the queue.
    if (found.items.length === 0) this.#position = found.upTo;
    else this.#missedUpTo = Math.max(this.#missedUpTo, found.upTo);
  }
}
