/**
 * What the server remembers of a client's sliding syncs: what each connection was told of which room.
 *
 * In memory, bounded, and gone with the process: a client whose connection is gone is told so (`M_UNKNOWN_POS`) and
 * starts anew, as MSC4186 has it. Two states are kept for each: the one that the client has confirmed by asking for
 * what comes after it, and what its last answer adds to that. So a request may be repeated, also with other parameters.
 */
import type { RoomConfig } from "../core/room-config.js";
import type { Membership } from "../core/room-state.js";
import { newToken } from "../core/ids.js";
import type { Viewer } from "../core/event.js";
import { parseSlidingPos, renderSlidingPos } from "../core/tokens.js";
import { Failure } from "./failure.js";
import type { ListContext, SlidingLists } from "./sliding-lists.js";

/** Connections of one device; Element X has two or three. */
const OF_DEVICE = 8;
/** What a connection weighs beside its rooms. */
const BARE_WEIGHT = 16;

/** What a connection was told of a room. */
export interface SentRoom {
  /** Everything up to this position. */
  readonly upTo: number;
  /** The client has at least so many of the newest events, or all of them. */
  readonly limit: number;
  readonly config: RoomConfig;
  readonly membership: Membership;
  readonly isDirect: boolean;
  readonly notifications: number;
  readonly highlights: number;
  /** Members that were told because the timeline showed them. */
  readonly members: ReadonlySet<string>;
  /** From here on, receipts and account data were not told: the room was out of sight. */
  readonly missedSince?: number;
}

/** Where a connection stands. */
export interface Standing {
  readonly position: number;
  readonly typing: number;
}

interface Pending extends Standing {
  readonly serial: number;
  readonly sent: ReadonlyMap<string, SentRoom>;
}

export class SlidingConnection {
  readonly id = newToken("c");
  /** What was told and confirmed. */
  readonly rooms = new Map<string, SentRoom>();
  lists: SlidingLists | undefined;
  context: ListContext | undefined;
  /** The lists know of everything up to here. */
  listsUpTo = 0;
  /** The client has something to do that only its connection for keys makes it do: see {@link SlidingConnections.nudge}. */
  isNudged = false;
  /** The rules by which every room in sight was told up to {@link standing}. */
  checkedFor = "";
  #standing: Standing = { position: 0, typing: 0 };
  #serial = 0;
  #lastSerial = 0;
  #pending: Pending | undefined;
  #current: AbortController | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #configs = new Map<string, RoomConfig>();

  get standing(): Standing {
    return this.#standing;
  }

  get weight(): number {
    return BARE_WEIGHT + this.rooms.size + (this.#pending?.sent.size ?? 0) + (this.lists?.size ?? 0);
  }

  /**
   * Begins a request: what the client confirms by its `pos` is remembered, what it does not is forgotten.
   *
   * @returns false for a `pos` that is none of the last two
   */
  confirm(serial: number): boolean {
    if (this.#pending?.serial === serial) {
      for (const [roomId, sent] of this.#pending.sent) this.rooms.set(roomId, sent);
      this.#serial = serial;
      this.#standing = this.#pending;
    } else if (serial !== this.#serial) {
      return false;
    } else if (this.#pending !== undefined) {
      // The answer did not arrive: rooms that it told of must be found again.
      this.checkedFor = "";
    }
    this.#pending = undefined;
    return true;
  }

  /** Nothing was to be told up to here, so the client knows everything. */
  advance(standing: Standing, noted: ReadonlyMap<string, SentRoom>): void {
    this.#standing = standing;
    for (const [roomId, sent] of noted) this.rooms.set(roomId, sent);
  }

  /** @returns the `pos` of an answer */
  issue(standing: Standing, sent: ReadonlyMap<string, SentRoom>): string {
    this.#lastSerial += 1;
    this.#pending = { ...standing, serial: this.#lastSerial, sent };
    return renderSlidingPos({ connection: this.id, serial: this.#lastSerial, position: standing.position });
  }

  /** Runs requests one at a time; a newer one ends the wait of the one before. */
  async inTurn<T>(run: (superseded: AbortSignal) => Promise<T>): Promise<T> {
    this.#current?.abort();
    const current = new AbortController();
    this.#current = current;
    const turn = this.#turn.then(
      () => run(current.signal),
      () => run(current.signal),
    );
    this.#turn = turn;
    return turn;
  }

  /** One object for equal configurations: each room refers to one. */
  intern(config: RoomConfig): RoomConfig {
    const key = `${config.timelineLimit} ${config.id}`;
    const known = this.#configs.get(key);
    if (known !== undefined) return known;
    if (this.#configs.size >= 64) this.#configs.clear();
    this.#configs.set(key, config);
    return config;
  }
}

export class SlidingConnections {
  readonly #limit: number;
  /** By device, then by the client's name for it; the device that was used longest ago goes first. */
  readonly #devices = new Map<string, Map<string, SlidingConnection>>();

  /** @param limit rooms that are remembered, over all connections */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws Failure M_UNKNOWN_POS when the client has to start anew */
  find({ userId, deviceId }: Viewer, name: string, pos: string | undefined): SlidingConnection {
    const key = JSON.stringify([userId, deviceId]);
    const connections = this.#devices.get(key) ?? new Map<string, SlidingConnection>();
    if (pos === undefined) {
      this.#use(key, connections);
      connections.delete(name);
      if (connections.size >= OF_DEVICE) connections.delete(connections.keys().next().value ?? "");
      const connection = new SlidingConnection();
      connections.set(name, connection);
      this.#trim();
      return connection;
    }
    const token = parseSlidingPos(pos);
    const connection = connections.get(name);
    if (token === undefined || connection === undefined || connection.id !== token.connection)
      throw unknownPos();
    this.#use(key, connections);
    connections.delete(name);
    connections.set(name, connection);
    return connection;
  }

  /**
   * Lets the other connections of a device come back at their next look, though they have nothing to tell.
   *
   * Element X's SDK answers a step of a verification in a room only when its connection for keys has come back, which
   * without other news is half a minute later. Source: matrix-rust-sdk, pull request 6753.
   */
  nudge({ userId, deviceId }: Viewer, from: SlidingConnection): void {
    for (const connection of this.#devices.get(JSON.stringify([userId, deviceId]))?.values() ?? [])
      if (connection !== from) connection.isNudged = true;
  }

  #use(key: string, connections: Map<string, SlidingConnection>): void {
    this.#devices.delete(key);
    this.#devices.set(key, connections);
  }

  /** Forgets what was used longest ago when there is too much. */
  #trim(): void {
    let weight = 0;
    for (const connections of this.#devices.values())
      for (const connection of connections.values()) weight += connection.weight;
    for (const [key, connections] of this.#devices) {
      if (weight <= this.#limit || this.#devices.size === 1) return;
      for (const connection of connections.values()) weight -= connection.weight;
      this.#devices.delete(key);
    }
  }
}

export const unknownPos = (): Failure =>
  new Failure("M_UNKNOWN_POS", "this connection is not known any more: start anew without `pos`");
