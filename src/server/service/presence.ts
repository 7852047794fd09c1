/**
 * Who is there: never stored, gone with the server, known to the node that somebody syncs with.
 *
 * Only a change of what one is, or says of oneself, is news; being active again is not. So people who chat cost
 * nobody a sync.
 * Source: Matrix client-server API v1.19, "Presence".
 */
import { passes, type EventFilter } from "../core/filter.js";
import type { JsonObject } from "../core/json.js";
import type { Log } from "../runtime/log.js";
import type { Stream } from "./stream.js";

export type PresenceState = "online" | "unavailable" | "offline";

/** Who does nothing for so long is not there, though their client is. In milliseconds. */
const IDLE_MS = 5 * 60_000;
/** Who has not synced for so long is gone, in milliseconds. */
const GONE_MS = 30_000;
/** Who did something within this time is active, in milliseconds. */
const ACTIVE_MS = 60_000;
/** Changes that are remembered; who knows less is told of everybody. */
const REMEMBERED = 4_096;
/** Those who wait hear of changes together, so often for each who syncs here: bounds what presence costs. In milliseconds. */
const WAKE_MS_EACH = 2;
const LEAST_WAKE_MS = 50;

interface Entry {
  state: PresenceState;
  statusMsg: string | undefined;
  /** Milliseconds since 1970. */
  activeAt: number;
  syncs: number;
  /** When the last sync ended. */
  leftAt: number;
  /** Made by the user themself: their other devices hear of it. */
  isOwnWill: boolean;
}

export class Presence {
  readonly #stream: Stream;
  readonly #log: Log;
  readonly #isEnabled: boolean;
  readonly #users = new Map<string, Entry>();
  // Starts at the time, so that numbers go on rising over a restart and old tokens stay older.
  #serial = Date.now();
  /** Who changed, one a serial, up to the last. */
  #recent: string[] = [];
  #unheard = new Set<string>();
  readonly #listeners: ((userId: string) => void)[] = [];

  constructor(stream: Stream, log: Log, isEnabled: boolean) {
    this.#stream = stream;
    this.#log = log;
    this.#isEnabled = isEnabled;
  }

  /** @param listener hears of everybody who comes, goes, or says something else of themself */
  onChange(listener: (userId: string) => void): void {
    this.#listeners.push(listener);
  }

  get serial(): number {
    return this.#serial;
  }

  /** A client syncs. @returns what to call when it does no more */
  enter(userId: string, state: PresenceState): () => void {
    if (!this.#isEnabled || state === "offline") return () => undefined;
    const entry = this.#entry(userId);
    entry.syncs += 1;
    if (entry.state === "offline") entry.activeAt = Date.now();
    // Who fell idle is not back because their client asks on.
    const isIdle = entry.state === "unavailable" && Date.now() - entry.activeAt > IDLE_MS;
    if (!isIdle) this.#change(userId, entry, state, entry.statusMsg, false);
    return () => {
      entry.syncs -= 1;
      entry.leftAt = Date.now();
    };
  }

  /** The user did something. */
  acted(userId: string): void {
    const entry = this.#users.get(userId);
    if (entry === undefined || entry.state === "offline") return;
    entry.activeAt = Date.now();
    this.#change(userId, entry, "online", entry.statusMsg, false);
  }

  set(userId: string, state: PresenceState, statusMsg: string | undefined): void {
    if (!this.#isEnabled) return;
    const entry = this.#entry(userId);
    if (state === "online") entry.activeAt = Date.now();
    entry.leftAt = Date.now();
    this.#change(userId, entry, state, statusMsg, true);
  }

  /** Finds who fell idle or went. */
  sweep(now = Date.now()): void {
    for (const [userId, entry] of [...this.#users]) {
      if (entry.state === "offline") continue;
      if (entry.syncs === 0 && now - entry.leftAt > GONE_MS)
        this.#change(userId, entry, "offline", entry.statusMsg, false);
      else if (entry.state === "online" && now - entry.activeAt > IDLE_MS)
        this.#change(userId, entry, "unavailable", entry.statusMsg, false);
    }
  }

  of(userId: string): JsonObject {
    const entry = this.#users.get(userId);
    if (entry === undefined) return { presence: "offline" };
    const { state, statusMsg, activeAt } = entry;
    const ago = Date.now() - activeAt;
    return {
      presence: state,
      ...(activeAt > 0 && { last_active_ago: ago }),
      ...(state === "online" && { currently_active: ago < ACTIVE_MS }),
      ...(statusMsg !== undefined && { status_msg: statusMsg }),
    };
  }

  /** Whether one may know of the other. */
  async isVisible(userId: string, toUserId: string): Promise<boolean> {
    return userId === toUserId || this.#stream.shareRoom(userId, toUserId);
  }

  /**
   * What a user may hear of.
   *
   * @param since the serial up to which they know; absent: nothing yet
   * @param newcomers people whom the user shares a room with only now
   * @param isNewcomer whether the user came into a room: then everybody may be new
   */
  async changes(
    userId: string,
    since: number | undefined,
    newcomers: readonly string[],
    isNewcomer: boolean,
    filter: EventFilter | null | undefined,
  ): Promise<JsonObject[]> {
    if (!this.#isEnabled) return [];
    const events: JsonObject[] = [];
    for (const other of this.#candidates(since, newcomers, isNewcomer)) {
      const entry = this.#users.get(other);
      if (entry === undefined || (other === userId && !entry.isOwnWill)) continue;
      if (since === undefined && entry.state === "offline") continue;
      if (!passes(filter, { type: "m.presence", sender: other })) continue;
      if (await this.isVisible(other, userId))
        events.push({ type: "m.presence", sender: other, content: this.of(other) });
    }
    return events;
  }

  #candidates(since: number | undefined, newcomers: readonly string[], isNewcomer: boolean): Set<string> {
    if (since === undefined || isNewcomer) return new Set(this.#users.keys());
    const found = new Set(newcomers);
    if (since >= this.#serial) return found;
    const first = this.#serial - this.#recent.length;
    if (since < first) return new Set(this.#users.keys());
    for (const userId of this.#recent.slice(since - first)) found.add(userId);
    return found;
  }

  #wakeLater(userId: string): void {
    this.#unheard.add(userId);
    if (this.#unheard.size > 1) return;
    const delayMs = Math.max(LEAST_WAKE_MS, WAKE_MS_EACH * this.#stream.followers);
    setTimeout(() => {
      const changed = this.#unheard;
      this.#unheard = new Set();
      this.#stream.wakeSharing([...changed]).catch((error: unknown) => {
        this.#log.warn("presence was not told at once", { error });
      });
    }, delayMs).unref();
  }

  #entry(userId: string): Entry {
    let entry = this.#users.get(userId);
    if (entry === undefined) {
      entry = {
        ...{ state: "offline", statusMsg: undefined, activeAt: 0 },
        ...{ syncs: 0, leftAt: 0, isOwnWill: false },
      };
      this.#users.set(userId, entry);
    }
    return entry;
  }

  #change(
    userId: string,
    entry: Entry,
    state: PresenceState,
    statusMsg: string | undefined,
    isOwnWill: boolean,
  ): void {
    if (entry.state === state && entry.statusMsg === statusMsg) return;
    this.#serial += 1;
    Object.assign(entry, { state, statusMsg, isOwnWill });
    this.#recent.push(userId);
    if (this.#recent.length > 2 * REMEMBERED) this.#recent = this.#recent.slice(-REMEMBERED);
    this.#wakeLater(userId);
    for (const listener of this.#listeners) listener(userId);
  }
}
