/**
 * A server with people, each of whom syncs in both ways, and what is true of their rooms: for the model-based test.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slide, type SlidingAnswer } from "./slider.js";
import {
  ApiError,
  personOf,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

const at = encodeURIComponent;
/** Small, so that there are gaps. */
const TIMELINE = 3;
const WHOLE = 1_000;

interface WireEvent {
  readonly type: string;
  readonly event_id: string;
  readonly state_key?: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** What a client knows of a room. */
export interface View {
  /** Ids since the last gap, oldest first. */
  timeline: string[];
  /** Ids by type and state key. */
  readonly state: Map<string, string>;
  unread: number;
  joined: number | undefined;
}

interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Readonly<
      Record<
        string,
        {
          readonly timeline: { readonly events: readonly WireEvent[]; readonly limited: boolean };
          readonly state?: { readonly events: readonly WireEvent[] };
          readonly state_after?: { readonly events: readonly WireEvent[] };
          readonly unread_notifications: { readonly notification_count: number };
          readonly summary?: { readonly "m.joined_member_count"?: number };
        }
      >
    >;
    readonly leave?: Readonly<Record<string, unknown>>;
  };
}

const newView = (): View => ({ timeline: [], state: new Map(), unread: 0, joined: undefined });

/** Adds news; a gap takes away what was known before. @throws Error for an event that was told before */
function tell(view: View, events: readonly WireEvent[], isGap: boolean): void {
  if (isGap) view.timeline = [];
  for (const { event_id: id } of events) {
    if (view.timeline.includes(id)) throw new Error(`${id} is told twice`);
    view.timeline.push(id);
  }
}

function setState(view: View, events: readonly WireEvent[]): void {
  for (const event of events)
    if (event.state_key !== undefined) view.state.set(`${event.type}|${event.state_key}`, event.event_id);
}

/** A client by `/sync`. It learns of state from the timeline, or asks for what is after it. */
export class ClassicClient {
  readonly rooms = new Map<string, View>();
  readonly #limit: number;
  readonly #asksAfter: boolean;
  #since: string | undefined;

  constructor(limit = TIMELINE, asksAfter = false) {
    this.#limit = limit;
    this.#asksAfter = asksAfter;
  }

  async sync(person: Person): Promise<void> {
    const filter = at(JSON.stringify({ room: { timeline: { limit: this.#limit } } }));
    const since = this.#since === undefined ? "" : `&since=${this.#since}`;
    const answer = await person.get<SyncAnswer>(
      `sync?timeout=0&use_state_after=${this.#asksAfter}&filter=${filter}${since}`,
    );
    this.#since = answer.next_batch;
    for (const [roomId, room] of Object.entries(answer.rooms?.join ?? {})) {
      const view = this.rooms.get(roomId) ?? newView();
      this.rooms.set(roomId, view);
      setState(view, room.state?.events ?? []);
      tell(view, room.timeline.events, room.timeline.limited);
      setState(view, room.state_after?.events ?? room.timeline.events);
      view.unread = room.unread_notifications.notification_count;
      view.joined = room.summary?.["m.joined_member_count"] ?? view.joined;
    }
    for (const roomId of Object.keys(answer.rooms?.leave ?? {})) this.rooms.delete(roomId);
  }
}

/** A client by sliding sync. */
export class SlidingClient {
  readonly rooms = new Map<string, View>();
  /** The last room of its list that it sees. */
  last: number;
  readonly #limit: number;
  readonly #name: string;
  #pos: string | undefined;

  constructor(name = "main", last = 1, limit = TIMELINE) {
    this.#name = name;
    this.last = last;
    this.#limit = limit;
  }

  async sync(person: Person): Promise<void> {
    const body = {
      conn_id: this.#name,
      lists: { all: { ranges: [[0, this.last]], required_state: [["*", "*"]], timeline_limit: this.#limit } },
    };
    let answer: SlidingAnswer;
    try {
      answer = await slide(person, body, this.#pos);
    } catch (error) {
      // After a restart of the server, a client starts anew.
      if (!(error instanceof ApiError) || error.code !== "M_UNKNOWN_POS") throw error;
      this.rooms.clear();
      answer = await slide(person, body);
    }
    this.#pos = answer.pos;
    for (const [roomId, room] of Object.entries(answer.rooms)) {
      const timeline = room.timeline ?? [];
      const isOut = timeline.findLast(
        ({ type, state_key: key }) => type === "m.room.member" && key === person.userId,
      );
      if (isOut !== undefined && isOut.content["membership"] !== "join") {
        this.rooms.delete(roomId);
        continue;
      }
      const view = room.initial === true ? newView() : this.rooms.get(roomId);
      if (view === undefined) throw new Error(`${roomId} is not whole the first time`);
      this.rooms.set(roomId, view);
      tell(view, timeline, room.limited === true);
      setState(view, timeline);
      setState(view, room.required_state ?? []);
      view.unread = room.notification_count ?? view.unread;
      view.joined = room.joined_count ?? view.joined;
    }
  }
}

/** A room, as those who act in it know it. */
export interface Place {
  readonly roomId: string;
  /** Who made it, and never leaves. */
  readonly owner: number;
  /** By person: how many of the room's messages they have read, or were there before they came. */
  readonly members: Set<number>;
  readonly messages: { readonly id: string; readonly sender: number }[];
  /** By person: the message up to which they have read; of whoever came later, none. */
  readonly readUpTo: Map<number, string>;
}

export class World {
  readonly places: Place[] = [];
  readonly classic: ClassicClient[] = [];
  readonly sliding: SlidingClient[] = [];
  people: Person[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "imcloud-model-"));
  #server: TestServer | undefined;

  static async open(count: number): Promise<World> {
    const world = new World();
    const server = await world.#start();
    for (let index = 0; index < count; index += 1) {
      world.people.push(await register(server, `person${index}`));
      world.classic.push(new ClassicClient(TIMELINE, index % 2 === 1));
      world.sliding.push(new SlidingClient());
    }
    return world;
  }

  person(index: number): Person {
    const person = this.people[index % this.people.length];
    if (person === undefined) throw new Error("nobody is there");
    return person;
  }

  /** The server ends and starts again, over the same database. */
  async restart(): Promise<void> {
    await this.#server?.stop();
    const server = await this.#start();
    this.people = this.people.map(({ userId, token, deviceId }) =>
      personOf(server, { user_id: userId, access_token: token, device_id: deviceId }),
    );
  }

  /** All of a room's events, oldest first, as its owner sees them. */
  async truth({ roomId, owner }: Place): Promise<WireEvent[]> {
    const path = `rooms/${at(roomId)}/messages?dir=f&limit=${WHOLE}`;
    return (await this.person(owner).get<{ chunk: WireEvent[] }>(path)).chunk;
  }

  async close(): Promise<void> {
    await this.#server?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<TestServer> {
    const path = join(this.#folder, "imcloud.sqlite");
    this.#server = await startTestServer({
      store: { kind: "sqlite", path },
      limits: { timelineEvents: 1_000 },
    });
    return this.#server;
  }
}
