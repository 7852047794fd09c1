/**
 * Simplified sliding sync: the rooms in sight of a client, told as far as it asks, or a wait until there is something.
 *
 * The first answer looks at all rooms of the user. From then on only those are looked at in which something happened,
 * unless the client asks for other rooms than before, or a room leaves a list and lets another one into sight.
 * Source: MSC4186, in the experimental form that clients speak.
 */
import { hash } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Viewer } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { RoomConfig } from "../core/room-config.js";
import type { ExtensionScope, SlidingRequest } from "../core/sliding-request.js";
import { parseSlidingPos } from "../core/tokens.js";
import type { Change } from "../store/database.js";
import type { Store } from "../store/store.js";
import {
  SlidingConnections,
  unknownPos,
  type SentRoom,
  type SlidingConnection,
  type Standing,
} from "./sliding-connection.js";
import type { ScopedName, SlidingExtensions } from "./sliding-extensions.js";
import type { SlidingListKeeper } from "./sliding-list-keeper.js";
import type { RoomTold, SlidingRooms } from "./sliding-rooms.js";
import { stretchOf } from "./stretch.js";
import type { Follower, Stream } from "./stream.js";
import type { Typing } from "./typing.js";

export interface SlidingCall {
  readonly viewer: Viewer;
  readonly body: SlidingRequest;
  readonly pos?: string;
  readonly timeoutMs: number;
  /** The client went away, or the server stops. */
  readonly signal: AbortSignal;
}

type SlidingBody = {
  readonly txn_id?: string;
  readonly lists: JsonObject;
  readonly rooms: JsonObject;
  readonly extensions: JsonObject;
};

/** One look at what is new. */
interface Round {
  readonly body: SlidingBody;
  readonly standing: Standing;
  readonly sent: ReadonlyMap<string, SentRoom>;
  readonly isEmpty: boolean;
}

/** What an answer is made for. */
interface Look {
  readonly call: SlidingCall;
  readonly connection: SlidingConnection;
  readonly follower: Follower;
  readonly upTo: number;
  /** The rooms in which something happened; undefined when nobody knows. */
  readonly touched: ReadonlySet<string> | undefined;
  /** The names of the lists that show a room now. */
  listsOf(roomId: string): readonly string[];
  readonly direct: ReadonlySet<string>;
}

export class SlidingSync {
  readonly #store: Store;
  readonly #stream: Stream;
  readonly #typing: Typing;
  readonly #lists: SlidingListKeeper;
  readonly #rooms: SlidingRooms;
  readonly #extensions: SlidingExtensions;
  readonly #connections: SlidingConnections;

  constructor(
    { store, stream, typing }: { readonly store: Store; readonly stream: Stream; readonly typing: Typing },
    lists: SlidingListKeeper,
    rooms: SlidingRooms,
    extensions: SlidingExtensions,
    roomsInMemory: number,
  ) {
    this.#store = store;
    this.#stream = stream;
    this.#typing = typing;
    this.#lists = lists;
    this.#rooms = rooms;
    this.#extensions = extensions;
    this.#connections = new SlidingConnections(roomsInMemory);
  }

  /** @throws Failure M_UNKNOWN_POS when the client has to start anew */
  async answer(call: SlidingCall): Promise<SlidingBody & { readonly pos: string }> {
    const connection = this.#connections.find(call.viewer, call.body.conn_id, call.pos);
    return connection.inTurn((superseded) =>
      this.#answerOn(connection, { ...call, signal: AbortSignal.any([call.signal, superseded]) }),
    );
  }

  async #answerOn(
    connection: SlidingConnection,
    call: SlidingCall,
  ): Promise<SlidingBody & { readonly pos: string }> {
    const before = connection.standing.position;
    if (call.pos !== undefined && !connection.confirm(parseSlidingPos(call.pos)?.serial ?? 0))
      throw unknownPos();
    await this.#passOn(call.viewer, connection, before);
    const deadline = performance.now() + call.timeoutMs;
    for (;;) {
      const follower = await this.#stream.follow(call.viewer.userId);
      follower.lastUsed = Date.now();
      const version = follower.version;
      const { body, standing, sent, isEmpty } = await this.#look(connection, call, follower);
      const leftMs = deadline - performance.now();
      const isNudged = connection.isNudged && call.body.extensions.e2ee.enabled === true;
      if (isNudged) connection.isNudged = false;
      if (!isEmpty || isNudged || call.pos === undefined || leftMs <= 0 || call.signal.aborted)
        return { pos: connection.issue(standing, sent), ...body };
      connection.advance(standing, sent);
      await follower.wait(version, leftMs, call.signal);
    }
  }

  /** Once a client has heard of a step of a verification on one connection, its others come back. */
  async #passOn(viewer: Viewer, connection: SlidingConnection, before: number): Promise<void> {
    const { position } = connection.standing;
    if (before === 0 || position === before) return;
    const changes = this.#stream.since(before) ?? [];
    const steps = changes.filter((change) => change.isReference === true && change.position <= position);
    if (steps.length === 0) return;
    const follower = await this.#stream.follow(viewer.userId);
    if (!steps.some(({ roomId = "" }) => follower.rooms.get(roomId)?.membership === "join")) return;
    this.#connections.nudge(viewer, connection);
    follower.wake();
  }

  async #look(connection: SlidingConnection, call: SlidingCall, follower: Follower): Promise<Round> {
    const { viewer, body } = call;
    const from = connection.standing;
    const upTo = Math.max(this.#stream.latest, from.position);
    const standing = { position: upTo, typing: this.#typing.serial };
    const changes = from.position === 0 ? undefined : this.#stream.since(from.position);
    const { direct, hasShifted } = await this.#lists.update(connection, follower, body.lists, upTo);

    const rules = hash("sha256", JSON.stringify([body.lists, body.room_subscriptions]), "base64");
    const { lists } = connection;
    const isKnown = changes !== undefined && connection.checkedFor === rules && !hasShifted;
    const shown = isKnown ? undefined : (lists?.shown(body.lists) ?? new Map<string, string[]>());
    const listsOf = (roomId: string) =>
      shown === undefined ? (lists?.showing(roomId, body.lists) ?? []) : (shown.get(roomId) ?? []);
    const touched = changes && touchedIn(changes, viewer.userId);
    const look: Look = { call, connection, follower, upTo, touched, listsOf, direct };
    const candidates =
      shown === undefined
        ? (touched ?? [])
        : new Set([...shown.keys(), ...Object.keys(body.room_subscriptions)]);
    const { told, missed } = await this.#tell(look, candidates);
    connection.checkedFor = rules;

    const sent = new Map([...told].map(([roomId, room]) => [roomId, room.sent]));
    for (const roomId of missed.keys()) {
      const known = sent.get(roomId) ?? connection.rooms.get(roomId);
      if (known !== undefined) sent.set(roomId, withoutMissed(known));
    }
    const stretch = await stretchOf(this.#store, follower, from.position, upTo, changes);
    const extended = await this.#extensions.answer({
      ...{ viewer, follower, wanted: body.extensions, from, stretch, changes, told, missed },
      speaksOf: (name, roomId) => isInScope(name, body, roomId, listsOf(roomId)),
      defer: (roomId) => {
        const known = sent.get(roomId) ?? connection.rooms.get(roomId);
        if (known !== undefined)
          sent.set(roomId, { ...known, missedSince: known.missedSince ?? from.position });
      },
    });
    return {
      standing,
      sent,
      isEmpty: told.size === 0 && extended.isEmpty,
      body: {
        ...(body.txn_id !== undefined && { txn_id: body.txn_id }),
        lists: Object.fromEntries(
          Object.keys(body.lists).map((name) => [name, { count: lists?.count(name) ?? 0 }]),
        ),
        rooms: Object.fromEntries([...told].map(([roomId, room]) => [roomId, room.body])),
        extensions: extended.body,
      },
    };
  }

  /** Of the rooms that may have something to tell, those that are in sight and have. */
  async #tell(
    look: Look,
    candidates: Iterable<string>,
  ): Promise<{ told: Map<string, RoomTold>; missed: Map<string, number> }> {
    const { call, connection, follower, upTo, direct } = look;
    const { body, viewer } = call;
    const configs = new Map<string, RoomConfig>();
    const told = new Map<string, RoomTold>();
    const missed = new Map<string, number>();
    for (const roomId of candidates) {
      const names = look.listsOf(roomId);
      const subscription = body.room_subscriptions[roomId];
      const own = follower.rooms.get(roomId);
      if ((names.length === 0 && subscription === undefined) || own === undefined || own.position > upTo)
        continue;
      const key = subscription === undefined ? names.join("\n") : `${names.join("\n")}\n\n${roomId}`;
      let config = configs.get(key);
      if (config === undefined) {
        const rules = [...names.flatMap((name) => body.lists[name] ?? []), subscription ?? []].flat();
        config = connection.intern(new RoomConfig(viewer.userId, rules));
        configs.set(key, config);
      }
      const sent = connection.rooms.get(roomId);
      if (sent?.missedSince !== undefined) missed.set(roomId, sent.missedSince);
      if (sent !== undefined && !this.#mayHaveNews(look, roomId, sent, config)) continue;
      const isDirect = direct.has(roomId);
      const since = connection.standing.position;
      const room = await this.#rooms.tell({ viewer, roomId, own, config, sent, since, upTo, isDirect });
      if (room !== undefined) told.set(roomId, room);
    }
    return { told, missed };
  }

  /** Spares rooms that are in sight, and quiet, from being read. */
  #mayHaveNews(
    { connection, direct, touched }: Look,
    roomId: string,
    sent: SentRoom,
    config: RoomConfig,
  ): boolean {
    const activity = connection.lists?.fact(roomId)?.activity ?? Infinity;
    return (
      activity > sent.upTo ||
      config.id !== sent.config.id ||
      config.timelineLimit > sent.limit ||
      direct.has(roomId) !== sent.isDirect ||
      sent.missedSince !== undefined ||
      touched?.has(roomId) !== false
    );
  }
}

function withoutMissed({ missedSince: _, ...sent }: SentRoom): SentRoom {
  return sent;
}

/** The rooms in which something happened that may show in what is told of them: not others' receipts. */
function touchedIn(changes: readonly Change[], userId: string): Set<string> {
  const touched = new Set<string>();
  for (const { kind, roomId, userId: concerned, about } of changes) {
    if (roomId === undefined || (concerned !== undefined && concerned !== userId)) continue;
    if (kind === "receipt" && about !== userId) continue;
    touched.add(roomId);
  }
  return touched;
}

/** Source: MSC3959, "lists and rooms": `*` stands for all. */
function isInScope(
  name: ScopedName,
  { extensions, room_subscriptions }: SlidingRequest,
  roomId: string,
  lists: readonly string[],
): boolean {
  const scope: ExtensionScope = extensions[name];
  const names = (wanted: readonly string[] | null | undefined, item: string) =>
    wanted == null || wanted.includes("*") || wanted.includes(item);
  return (
    lists.some((list) => names(scope.lists, list)) ||
    (room_subscriptions[roomId] !== undefined && names(scope.rooms, roomId))
  );
}
