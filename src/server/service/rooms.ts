/**
 * Rooms: judging what people want to say, and giving it its place.
 *
 * A room's state is kept in memory and moves ahead of the disk: the next event is judged against the state
 * that the one before leaves, while that one is still being written. So a busy room is not held up by fsyncs,
 * and its events share commits. Nobody is answered before their event is durable; and as the store takes an
 * append only on the head that it names, a write that fails takes down what was built on it, never less.
 */
import { authEventsOf, authorise, authoriseRedaction } from "../core/auth-rules.js";
import type { EventDraft, RoomEvent } from "../core/event.js";
import { EventTooLargeError, sealEvent } from "../core/event-hash.js";
import { newRoomId } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import { MalformedError, NotAllowedError } from "../core/not-allowed.js";
import { redactContent } from "../core/redaction.js";
import { RoomState, type StateEvent } from "../core/room-state.js";
import { roomVersion, type RoomVersion } from "../core/room-versions.js";
import type { Append, NewEvent, Origin } from "../store/append.js";
import type { Store } from "../store/store.js";
import { Failure, forbidden, notFound } from "./failure.js";
import { strippedFor } from "./stripped-state.js";

/** Times that an append is judged again when another node was faster. */
const ATTEMPTS = 10;

interface LiveRoom {
  readonly roomId: string;
  readonly version: RoomVersion;
  readonly state: RoomState;
  head: number;
  headEvent: string;
  /** An administrator has closed it: people may leave, and nothing else happens. */
  readonly isBlocked: boolean;
  /** What it holds did not come to be, or was overtaken. */
  isStale: boolean;
}

export class Rooms {
  readonly #store: Store;
  readonly #serverName: string;
  readonly #limit: number;
  readonly #live = new Map<string, LiveRoom | Promise<LiveRoom>>();

  constructor(store: Store, serverName: string, limit: number) {
    this.#store = store;
    this.#serverName = serverName;
    this.#limit = limit;
    store.onGap(() => this.#live.clear());
    store.onChanges((changes) => {
      for (const { isRemote, kind, roomId } of changes)
        if (isRemote === true && kind === "event") this.#live.delete(roomId ?? "");
    });
  }

  /** @throws Failure M_NOT_FOUND for a room that does not exist */
  async state(roomId: string): Promise<RoomState> {
    return (await this.#room(roomId)).state;
  }

  /** The room is read anew when it is next asked for. */
  forget(roomId: string): void {
    this.#live.delete(roomId);
  }

  /** @returns the new event's id, once it is durable */
  send(roomId: string, draft: EventDraft, origin?: Origin): Promise<string> {
    return this.sendAll(roomId, () => [draft], origin).then(([event]) => event?.eventId ?? "");
  }

  /**
   * Appends events that belong together: all of them or none.
   *
   * @param decide what to say, given the state; called again when the state has changed meanwhile
   */
  async sendAll(
    roomId: string,
    decide: (state: RoomState) => readonly EventDraft[],
    origin?: Origin,
    emptied?: (redaction: RoomEvent, version: RoomVersion) => NonNullable<Append["emptied"]>,
  ): Promise<readonly RoomEvent[]> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.#room(roomId);
      const room = found instanceof Promise ? await found : found;
      const expectedHead = room.head;
      const drafts = decide(room.state);
      if (room.isBlocked && !drafts.every(isLeaving))
        throw forbidden("an administrator has blocked this room");
      const events = this.#buildAll(room, drafts);
      const last = events.at(-1);
      if (last === undefined) return [];
      const append: Append = {
        ...{ roomId, expectedHead, events, origin },
        emptied: emptied?.(last, room.version),
      };
      for (const { eventId, content } of append.emptied ?? []) emptyState(room.state, eventId, content);
      try {
        const appended = await this.#store.events.append(append);
        if ("positions" in appended) return events;
      } catch (error) {
        this.#discard(room);
        throw error;
      }
      this.#discard(room);
    }
    throw new Failure("M_UNKNOWN", "the room changes too fast", { status: 503 });
  }

  /** @throws Failure M_NOT_FOUND for an event that is not in the room; M_FORBIDDEN without the power, and for the room's first one */
  async redact(
    roomId: string,
    redaction: {
      readonly sender: string;
      readonly eventId: string;
      readonly content: JsonObject;
      readonly ts?: number;
    },
    origin: Origin,
  ): Promise<string> {
    const target = await this.#store.events.event(redaction.eventId);
    if (target === undefined || target.roomId !== roomId)
      throw notFound("there is no such event in this room");
    // What the room is, up to its version, is said there alone.
    if (target.type === "m.room.create") throw forbidden("a room's create event cannot be redacted");
    const { sender, eventId: redacts, content, ts } = redaction;
    const decide = (state: RoomState): EventDraft[] => {
      judged(() => authoriseRedaction(state, sender, target));
      return [{ type: "m.room.redaction", sender, redacts, content, ...(ts !== undefined && { ts }) }];
    };
    const [event] = await this.sendAll(roomId, decide, origin, (because, version) => [
      {
        eventId: redacts,
        position: target.position,
        content: redactContent(version, target.type, target.content),
        because: becauseOf(because),
      },
    ]);
    return event?.eventId ?? "";
  }

  /**
   * Makes a room: its first events become durable together, or there is no room.
   *
   * @param drafts the create event first
   */
  async create(version: RoomVersion, drafts: readonly EventDraft[]): Promise<string> {
    const roomId = version.creatorsRule ? "" : newRoomId(this.#serverName);
    const room: LiveRoom = {
      roomId,
      version,
      state: new RoomState(),
      head: 0,
      headEvent: "",
      isBlocked: false,
      isStale: false,
    };
    const events: NewEvent[] = [];
    for (const draft of drafts) {
      const id = events[0]?.roomId ?? roomId;
      events.push(
        ...this.#build(
          { ...room, roomId: id, head: events.length, headEvent: events.at(-1)?.eventId ?? "" },
          [draft],
        ),
      );
    }
    const id = events[0]?.roomId ?? roomId;
    const appended = await this.#store.events.append({
      roomId: id,
      expectedHead: 0,
      events,
      version: version.id,
    });
    if (!("positions" in appended)) throw new Failure("M_ROOM_IN_USE", "the room exists already");
    return id;
  }

  /** A room that was moved ahead by only some of the drafts has nothing to do with what is stored. */
  #buildAll(room: LiveRoom, drafts: readonly EventDraft[]): NewEvent[] {
    const before = room.head;
    try {
      return this.#build(room, drafts);
    } catch (error) {
      if (room.head !== before) this.#discard(room);
      throw error;
    }
  }

  /** Judges and seals drafts one after the other, and moves the room ahead. */
  #build(room: LiveRoom, drafts: readonly EventDraft[]): NewEvent[] {
    return drafts.map((draft) => {
      const event = judged(() => {
        authorise(room.state, draft);
        const replaces =
          draft.stateKey === undefined ? undefined : room.state.get(draft.type, draft.stateKey)?.eventId;
        return sealEvent(room.version, draft, {
          roomId: draft.type === "m.room.create" && room.version.creatorsRule ? "" : room.roomId,
          seq: room.head + 1,
          ts: draft.ts ?? Date.now(),
          prevEvents: room.headEvent === "" ? [] : [room.headEvent],
          authEvents: authEventsOf(room.state, draft),
          ...(replaces !== undefined && { replaces }),
        });
      });
      const stripped = strippedFor(room.state, event);
      room.state.set(event);
      room.head += 1;
      room.headEvent = event.eventId;
      return stripped === undefined ? event : { ...event, stripped };
    });
  }

  /** At once for a room that is in memory. */
  #room(roomId: string): LiveRoom | Promise<LiveRoom> {
    const room = this.#live.get(roomId) ?? this.#loading(roomId);
    // A Map remembers the order of insertion: the first is the one that was used longest ago. While half of the place
    // is free, nobody asks for it.
    if (this.#live.size * 2 > this.#limit) {
      this.#live.delete(roomId);
      this.#live.set(roomId, room);
      if (this.#live.size > this.#limit) this.#live.delete(this.#live.keys().next().value ?? "");
    }
    return room;
  }

  #loading(roomId: string): Promise<LiveRoom> {
    const loading = this.#load(roomId);
    this.#live.set(roomId, loading);
    const end = (room?: LiveRoom) => {
      if (this.#live.get(roomId) !== loading) return; // forgotten meanwhile
      if (room === undefined) this.#live.delete(roomId);
      else this.#live.set(roomId, room);
    };
    loading.then(end, () => end());
    return loading;
  }

  async #load(roomId: string): Promise<LiveRoom> {
    const head = await this.#store.events.room(roomId);
    if (head === undefined) throw notFound("there is no such room");
    const events = await this.#store.events.currentState(roomId);
    return {
      roomId,
      version: roomVersion(head.version),
      state: new RoomState<StateEvent>(events),
      head: head.head,
      headEvent: head.headEvent,
      isBlocked: await this.#store.roomAdministration.isBlocked(roomId),
      isStale: false,
    };
  }

  #discard(room: LiveRoom): void {
    if (room.isStale) return;
    room.isStale = true;
    this.#live.delete(room.roomId);
  }
}

const isLeaving = ({ type, sender, stateKey, content }: EventDraft): boolean =>
  type === "m.room.member" && stateKey === sender && content["membership"] === "leave";

/** Turns the rules' refusals into answers. */
function judged<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    if (error instanceof MalformedError) throw new Failure("M_BAD_JSON", error.message);
    if (error instanceof NotAllowedError) throw forbidden(error.message);
    if (error instanceof EventTooLargeError) throw new Failure("M_TOO_LARGE", error.message);
    throw error;
  }
}

function emptyState(state: RoomState, eventId: string, content: JsonObject): void {
  for (const event of state.all()) if (event.eventId === eventId) return state.set({ ...event, content });
}

/** The redaction, as the emptied event carries it. */
function becauseOf(event: RoomEvent): JsonObject {
  return {
    type: event.type,
    sender: event.sender,
    event_id: event.eventId,
    room_id: event.roomId,
    origin_server_ts: event.ts,
    content: event.content,
    ...(event.redacts !== undefined && { redacts: event.redacts }),
    unsigned: {},
  };
}
