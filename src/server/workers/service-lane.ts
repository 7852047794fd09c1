/**
 * One application service's way out: what concerns it, in order, each thing until it is taken.
 *
 * Nothing is written for an event that has to be told: the events are the queue, and the service's position in them is
 * kept. A transaction is named by the stretch of events that it was made of, so a repetition of it has the same name.
 * Every service has a lane of its own: one that is slow or dead delays nobody else, and no request waits for any.
 * Source: Matrix Application Service API v1.19, "Pushing events".
 */
import { randomUUID } from "node:crypto";
import { toClientEvent, type StoredEvent } from "../core/event.js";
import { isObject, type JsonObject } from "../core/json.js";
import { Pause } from "../runtime/pause.js";
import { askService, isGood } from "../service/app-service-client.js";
import type { AppService } from "../service/app-service.js";
import type { Services } from "../service/services.js";
import type { Change } from "../store/database.js";
import { ServiceEphemera, type EphemeraNeeds } from "./service-ephemera.js";
import { ServiceInterest } from "./service-interest.js";

/** Events that are looked at in one go; a transaction has no more. */
const BATCH = 100;
/** A service has so long to take a transaction, in milliseconds. */
const TIMEOUT_MS = 30_000;
/** Waits after a failure, doubled each time. In milliseconds. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** A node that says nothing for so long has lost its right, in milliseconds: longer than a try and a wait. */
const LEASE_MS = 90_000;
/** How often a node that does not serve asks whether it may, in milliseconds. */
const IDLE_MS = 10_000;
/** How far the position may fall behind where nothing concerns the service, in events: a write each time. */
const NOTE_EVERY = 5_000;
/** What is under way when the server stops has so long, in milliseconds. */
const GRACE_MS = 2_000;

/** Who sees of no event which request it came from. */
const NOBODY = { userId: "", deviceId: "" };

export type LaneNeeds = EphemeraNeeds & Pick<Services, "log">;

export class ServiceLane {
  readonly #service: AppService;
  readonly #services: LaneNeeds;
  readonly #name: string;
  readonly #holder: string;
  readonly #interest: ServiceInterest;
  readonly #ephemera: ServiceEphemera;
  readonly #cut = new AbortController();
  #isStopped = false;
  #hasNews = true;
  readonly #forNews = new Pause();
  /** News do not shorten the wait after a failure: a busy server would hammer a service that is starting. */
  readonly #afterFailure = new Pause();
  #running: Promise<void> | undefined;
  /** Everything up to here was looked at, and told where it concerns the service. */
  #position = 0;
  #noted = 0;
  #ephemeral = 0;

  /** @param isShared whether other nodes work on the same database: then one of them serves */
  constructor(service: AppService, services: LaneNeeds, isShared: boolean) {
    this.#service = service;
    this.#services = services;
    this.#name = `app-service ${service.id}`;
    // A node alone goes on at once after it was killed.
    this.#holder = isShared ? randomUUID() : "alone";
    this.#interest = new ServiceInterest(service, services.store);
    this.#ephemera = new ServiceEphemera(services, this.#interest);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when what is under way is over, or its time is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#forNews.close();
    this.#afterFailure.close();
    const grace = setTimeout(() => this.#cut.abort(), GRACE_MS);
    await this.#running;
    clearTimeout(grace);
  }

  hear(changes: readonly Change[]): void {
    let isNews = false;
    for (const change of changes) {
      if (change.kind === "event") isNews = true;
      else if (this.#service.ephemeralNames.length > 0 && this.#ephemera.hear(change)) isNews = true;
    }
    if (isNews) this.nudge();
  }

  typed(roomId: string): void {
    if (this.#service.ephemeralNames.length === 0) return;
    this.#ephemera.typed(roomId);
    this.nudge();
  }

  changedPresence(userId: string): void {
    if (this.#service.ephemeralNames.length === 0) return;
    this.#ephemera.changedPresence(userId);
    this.nudge();
  }

  /** The service has shown that it lives: it is tried again at once. */
  retry(): void {
    this.#afterFailure.end();
  }

  async #run(): Promise<void> {
    const { log, store } = this.#services;
    while (!this.#isStopped) {
      try {
        await this.#serve();
      } catch (error) {
        log.warn("an application service's events wait", { service: this.#service.id, error });
      }
      await this.#afterFailure.take(IDLE_MS);
    }
    // Whoever stops may have lost the database; then the lease runs out by itself.
    await store.outbox.release(this.#name, this.#holder).catch((error: unknown) => {
      log.warn("an application service's lease was not given back", { service: this.#service.id, error });
    });
  }

  async #serve(): Promise<void> {
    const position = await this.#lease();
    if (position === null) return;
    this.#position = this.#noted = position;
    this.#interest.forget();
    let leasedAt = performance.now();
    while (!this.#isStopped) {
      this.#hasNews = false;
      if (!(await this.#pump())) return;
      if (performance.now() - leasedAt > LEASE_MS / 3) {
        if ((await this.#lease()) === null) return;
        leasedAt = performance.now();
      }
      if (!this.#hasNews) await this.#forNews.take(LEASE_MS / 3);
    }
    if (this.#noted < this.#position) await this.#note();
  }

  #lease(): Promise<number | null> {
    return this.#services.store.outbox.leaseFromNow(this.#name, this.#holder, LEASE_MS);
  }

  /** Tells all there is. @returns false when the right to is lost, or the server stops */
  async #pump(): Promise<boolean> {
    this.#interest.forgetAliases();
    for (;;) {
      const events = await this.#services.store.events.stream(this.#position, BATCH);
      const wanted: StoredEvent[] = [];
      for (const event of events) if (await this.#interest.wants(event)) wanted.push(event);
      const upTo = events.at(-1)?.position ?? this.#position;
      const ephemeral = await this.#ephemera.take(upTo);
      if (wanted.length + ephemeral.length > 0) {
        if (!(await this.#deliver(this.#nameOf(wanted, upTo), await this.#bodyOf(wanted, ephemeral))))
          return false;
      }
      this.#position = upTo;
      if (wanted.length > 0 || upTo - this.#noted > NOTE_EVERY) {
        if (!(await this.#note())) return false;
      }
      if (this.#isStopped) return true;
      if (events.length < BATCH && this.#ephemera.isEmpty) return true;
    }
  }

  #nameOf(wanted: readonly StoredEvent[], upTo: number): string {
    if (wanted.length > 0) return `${this.#position}-${upTo}`;
    this.#ephemeral += 1;
    return `${Date.now()}.${this.#ephemeral}`;
  }

  async #note(): Promise<boolean> {
    this.#noted = this.#position;
    return this.#services.store.outbox.advance(this.#name, this.#holder, this.#position, []);
  }

  /** Until it is taken. @returns false when the right to is lost, or the server stops */
  async #deliver(name: string, body: string): Promise<boolean> {
    const { log } = this.#services;
    let retryMs = FIRST_RETRY_MS;
    for (let failures = 0; ; failures += 1) {
      const trouble = await this.#put(name, body);
      if (trouble === undefined) {
        if (failures > 0) log.info("an application service is back", { service: this.#service.id });
        return true;
      }
      if (this.#isStopped) return false;
      const fields = { service: this.#service.id, retryMs, trouble };
      if (failures === 0) log.warn("an application service takes nothing", fields);
      else log.debug("an application service takes nothing", fields);
      await this.#afterFailure.take(retryMs);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      if (this.#isStopped || (await this.#lease()) === null) return false;
    }
  }

  /** @returns what went wrong, where something did */
  async #put(name: string, body: string): Promise<string | undefined> {
    try {
      const asked = { body, timeoutMs: TIMEOUT_MS, signal: this.#cut.signal };
      const answer = await askService(
        this.#service,
        "PUT",
        `/transactions/${encodeURIComponent(name)}`,
        asked,
      );
      return isGood(answer) ? undefined : `answered ${answer.status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** A transaction as the service gets it: by what an event replaced it tells an invite that is refused from a leave. */
  async #bodyOf(events: readonly StoredEvent[], ephemeral: readonly JsonObject[]): Promise<string> {
    const { ephemeralNames } = this.#service;
    const replaced = await this.#services.store.views.replaced(events);
    const shown = events.map((event) => {
      const whole = toClientEvent(event, NOBODY);
      const before = replaced.get(event.eventId);
      if (before === undefined || !isObject(whole["unsigned"])) return whole;
      return { ...whole, unsigned: { ...whole["unsigned"], prev_content: before.content } };
    });
    return JSON.stringify({
      events: shown,
      ...(ephemeral.length > 0 && Object.fromEntries(ephemeralNames.map((name) => [name, ephemeral]))),
    });
  }

  /** Something may be new. */
  nudge(): void {
    this.#hasNews = true;
    this.#forNews.end();
  }
}
