/**
 * Carries events from the store to the bus, in order, each until the broker has answered for it.
 *
 * One drainer at a time over all server nodes: whoever holds the lease. What is confirmed moves the cursor;
 * what was under way when a connection or a process died is published again.
 */
import { randomUUID } from "node:crypto";
import { BusDownError, toMessage, type Bus, type Publication } from "../bus/bus.js";
import type { Log } from "../runtime/log.js";
import type { StoredEvent } from "../core/event.js";
import { Pause } from "../runtime/pause.js";
import type { DeadLetter } from "../store/outbox.js";
import type { Store } from "../store/store.js";

/** Events under way at once. */
const BATCH = 512;
/**
 * From one batch that was not full to the next, in milliseconds: each costs a query, a write and a round trip, and what
 * comes after a silence does not wait.
 */
const GATHER_MS = 20;
/** A drainer that says nothing for so long has lost its right, in milliseconds. */
const LEASE_MS = 5_000;
/** How often a node that does not drain asks whether it may, in milliseconds. */
const IDLE_MS = 1_000;
/** Waits after a loss: doubled each time. In milliseconds. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 15_000;

export class OutboxDrainer {
  readonly #store: Store;
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #serverName: string;
  readonly #holder = randomUUID();
  #isStopped = false;
  readonly #forNews = new Pause();
  /** News do not shorten the wait after a loss: a busy server would hammer a broker that is starting. */
  readonly #afterLoss = new Pause();
  readonly #forMore = new Pause();
  #hasNews = true;
  #retryMs = FIRST_RETRY_MS;
  #running: Promise<void> | undefined;

  constructor(store: Store, bus: Bus, log: Log, serverName: string) {
    this.#store = store;
    this.#bus = bus;
    this.#log = log;
    this.#serverName = serverName;
    store.onChanges((changes) => {
      if (changes.some(({ kind }) => kind === "event")) this.#nudge();
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Finishes what is under way and gives the lease back, so that another node takes over at once. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#forNews.close();
    this.#afterLoss.close();
    this.#forMore.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#drain();
        this.#retryMs = FIRST_RETRY_MS;
        await this.#sleep(IDLE_MS);
      } catch (error) {
        this.#log.warn("the outbox waits", {
          bus: this.#bus.name,
          retryMs: this.#retryMs,
          error: error instanceof BusDownError ? error.message : error,
        });
        await this.#afterLoss.take(this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
      }
    }
    await this.#store.outbox.release(this.#bus.name, this.#holder).catch((error: unknown) => {
      this.#log.warn("the outbox's lease runs out by itself", { error });
    });
  }

  /** Until nothing is left, or somebody else drains. */
  async #drain(): Promise<void> {
    let cursor = await this.#store.outbox.lease(this.#bus.name, this.#holder, LEASE_MS);
    let leasedAt = performance.now();
    while (cursor !== null && !this.#isStopped) {
      this.#hasNews = false;
      const events = await this.#store.events.stream(cursor, BATCH);
      const last = events.at(-1);
      if (last === undefined) {
        if (!this.#hasNews) await this.#sleep(LEASE_MS / 2);
      } else {
        const outcomes = await this.#bus.publish(events.map((event) => toMessage(event, this.#serverName)));
        if (
          !(await this.#store.outbox.advance(
            this.#bus.name,
            this.#holder,
            last.position,
            refusalsOf(events, outcomes),
          ))
        )
          return;
        // The broker is there again: the next loss is another one.
        this.#retryMs = FIRST_RETRY_MS;
        cursor = last.position;
        if (events.length < BATCH) await this.#forMore.take(GATHER_MS);
      }
      if (performance.now() - leasedAt > LEASE_MS / 2) {
        cursor = await this.#store.outbox.lease(this.#bus.name, this.#holder, LEASE_MS);
        leasedAt = performance.now();
      }
    }
  }

  #nudge(): void {
    this.#hasNews = true;
    this.#forNews.end();
  }

  /** Until there is news, or for a while. */
  async #sleep(ms: number): Promise<void> {
    if (!this.#hasNews) await this.#forNews.take(ms);
  }
}

function refusalsOf(events: readonly StoredEvent[], outcomes: readonly Publication[]): DeadLetter[] {
  return events.flatMap(({ position, eventId, roomId }, index) => {
    const outcome = outcomes[index];
    return outcome?.kind === "refused" ? [{ position, eventId, roomId, reason: outcome.reason }] : [];
  });
}
