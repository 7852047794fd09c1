/**
 * From the committed stream to the pushers: which event notifies whom, off every request's path.
 *
 * Nothing is written for an event that has to be told: the events are the queue, and each pusher has a position in
 * them. A server that died tells again what it had not noted as told, and what was read meanwhile not at all. Of
 * several nodes over one database one sends: whoever holds the lease. While nobody has a pusher, nothing is looked at.
 */
import { randomUUID } from "node:crypto";
import type { StoredEvent } from "../core/event.js";
import type { Log } from "../runtime/log.js";
import { Pause } from "../runtime/pause.js";
import type { Services } from "../service/services.js";
import type { Change } from "../store/database.js";
import type { Pusher } from "../store/pushers.js";
import { PushLane } from "./push-lane.js";
import { concerns, PushWork, type PushNeeds } from "./push-work.js";

const BATCH = 256;
const LEASE = "push";
/** A sender that says nothing for so long has lost its right, in milliseconds. */
const LEASE_MS = 30_000;
/** How often the lease is renewed, or asked for, in milliseconds. */
const RENEW_MS = 10_000;
/** How often the positions of pushers with nothing to tell are noted, in milliseconds: a write each time. */
const NOTE_MS = 60_000;
/** What is under way when the server stops has so long, in milliseconds. */
const GRACE_MS = 2_000;

export class PushSender {
  readonly #services: PushNeeds;
  readonly #log: Log;
  readonly #isShared: boolean;
  readonly #holder = randomUUID();
  /** By user, then by the pusher's id. */
  readonly #lanes = new Map<string, Map<string, PushLane>>();
  readonly #work: PushWork;
  readonly #reloading = new Map<string, Promise<void>>();
  #isServing = false;
  #isStopped = false;
  /** Events up to here were offered to those whom they notify. */
  #cursor = 0;
  #noted = 0;
  readonly #pause = new Pause();
  #hasNews = false;
  #running: Promise<void> | undefined;

  /** @param isShared whether other nodes work on the same database */
  constructor(services: PushNeeds, isShared: boolean) {
    this.#services = services;
    this.#work = new PushWork(services);
    this.#log = services.log;
    this.#isShared = isShared;
    services.store.onChanges((changes) => this.#hear(changes));
    services.store.onGap(() => this.#reloadAll());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#pause.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        if (await this.#mayServe()) await this.#serve();
      } catch (error) {
        this.#log.warn("pushes wait", { error });
      }
      await this.#sleep(RENEW_MS);
    }
    if (this.#isShared) await this.#services.store.outbox.release(LEASE, this.#holder).catch(() => undefined);
  }

  async #mayServe(): Promise<boolean> {
    return (
      !this.#isShared || (await this.#services.store.outbox.lease(LEASE, this.#holder, LEASE_MS)) !== null
    );
  }

  async #serve(): Promise<void> {
    const { store, stream } = this.#services;
    this.#cursor = stream.latest;
    this.#isServing = true;
    try {
      for (const pusher of await store.pushers.all()) this.#add(pusher);
      let renewedAt = performance.now();
      let notedAt = renewedAt;
      while (!this.#isStopped) {
        await this.#pump();
        const now = performance.now();
        if (now - notedAt > NOTE_MS) {
          notedAt = now;
          await this.#note();
        }
        if (this.#isShared && now - renewedAt > RENEW_MS) {
          if (!(await this.#mayServe())) return;
          renewedAt = now;
        }
        await this.#sleep(this.#isShared ? RENEW_MS : NOTE_MS);
      }
      await this.#note();
    } finally {
      this.#isServing = false;
      await this.#stopLanes();
    }
  }

  /** Offers what is new to those whom it notifies. */
  async #pump(): Promise<void> {
    for (;;) {
      this.#hasNews = false;
      if (this.#lanes.size === 0) return void (this.#cursor = this.#services.stream.latest);
      const events = await this.#services.store.events.stream(this.#cursor, BATCH);
      for (const event of events) {
        await this.#consider(event);
        this.#cursor = event.position;
      }
      if (events.length < BATCH || this.#isStopped) return;
    }
  }

  async #consider(event: StoredEvent): Promise<void> {
    const state = await this.#work.stateOf(event.roomId);
    if (state === undefined) return;
    let judgeOf: ReturnType<Services["verdicts"]["within"]> | undefined;
    for (const [userId, lanes] of this.#lanes) {
      if (!concerns(event, userId, state)) continue;
      judgeOf ??= this.#services.verdicts.within(state);
      const { notify, actions } = (await judgeOf(userId))(event);
      await this.#services.totals.changed(userId, event.roomId);
      if (notify) for (const lane of lanes.values()) lane.offer({ event, actions });
    }
  }

  #hear(changes: readonly Change[]): void {
    if (!this.#isServing) return;
    for (const { kind, userId, roomId, about } of changes) {
      if (kind === "pushers" && userId !== undefined) this.#reload(userId);
      if (this.#lanes.size === 0) continue;
      if (kind === "event") this.#nudge();
      if (roomId === undefined) continue;
      if (kind === "membership") void this.#services.totals.changed(userId ?? "", roomId);
      if (kind === "receipt") void this.#countChanged(about ?? userId ?? "", roomId);
    }
  }

  /** Reading changes the number that a phone shows. */
  async #countChanged(userId: string, roomId: string): Promise<void> {
    if (!this.#lanes.has(userId)) return;
    await this.#services.totals.changed(userId, roomId);
    for (const lane of this.#lanes.get(userId)?.values() ?? []) lane.tellCount();
  }

  #reloadAll(): void {
    if (!this.#isServing) return;
    for (const userId of this.#lanes.keys()) {
      this.#services.totals.forget(userId);
      this.#reload(userId);
    }
    this.#nudge();
  }

  /** One after the other for each user: a pusher that is changed waits for what is under way to it. */
  #reload(userId: string): void {
    const before = this.#reloading.get(userId) ?? Promise.resolve();
    const next = before
      .then(() => this.#load(userId))
      .catch((error: unknown) => this.#log.warn("pushers were not read again", { error }))
      .finally(() => {
        if (this.#reloading.get(userId) === next) this.#reloading.delete(userId);
      });
    this.#reloading.set(userId, next);
  }

  async #load(userId: string): Promise<void> {
    const pushers = await this.#services.store.pushers.of(userId);
    const lanes = this.#lanes.get(userId) ?? new Map<string, PushLane>();
    for (const [id, lane] of lanes) {
      const pusher = pushers.find((one) => one.id === id);
      if (pusher?.setAt === lane.pusher.setAt && pusher.isActive) continue;
      lanes.delete(id);
      this.#work.forget(id);
      await lane.stop();
    }
    if (lanes.size === 0) this.#lanes.delete(userId);
    if (!this.#isServing) return;
    for (const pusher of pushers) if (!lanes.has(pusher.id)) this.#add(pusher);
  }

  #add(pusher: Pusher): void {
    if (!pusher.isActive) return;
    if (this.#lanes.size === 0) this.#cursor = this.#services.stream.latest;
    const lanes = this.#lanes.get(pusher.userId) ?? new Map<string, PushLane>();
    this.#lanes.set(pusher.userId, lanes);
    lanes.set(pusher.id, new PushLane(pusher, this.#cursor, this.#work, this.#log));
  }

  /** Notes how far those are that have nothing left to tell. */
  async #note(): Promise<void> {
    if (this.#lanes.size === 0 || this.#noted >= this.#cursor) return;
    const position = this.#cursor;
    const busy: string[] = [];
    for (const lanes of this.#lanes.values()) {
      for (const [id, lane] of lanes) {
        lane.passed(position);
        if (lane.isBusy) busy.push(id);
      }
    }
    await this.#services.store.pushers.allTold(position, busy);
    this.#noted = position;
  }

  async #stopLanes(): Promise<void> {
    const lanes = [...this.#lanes.values()].flatMap((ofUser) => [...ofUser.values()]);
    this.#lanes.clear();
    const grace = new Promise<void>((resolve) => setTimeout(resolve, GRACE_MS).unref());
    await Promise.race([Promise.all(lanes.map((lane) => lane.stop())), grace]);
  }

  #nudge(): void {
    this.#hasNews = true;
    this.#pause.end();
  }

  /** Until there is news, or for a while. */
  async #sleep(ms: number): Promise<void> {
    if (!this.#hasNews) await this.#pause.take(ms);
  }
}
