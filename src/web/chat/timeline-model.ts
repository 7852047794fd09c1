/**
 * What of a room, or of a thread in it, is on the screen: a window over its timeline that moves with scrolling, so that
 * neither the number of rows nor the memory grows with the room.
 */
import { signal, type Signal } from "@preact/signals";
import {
  Direction,
  EventStatus,
  MatrixEventEvent,
  ReceiptType,
  RoomEvent,
  ThreadEvent,
  type MatrixClient,
  type MatrixEvent,
  type Room,
  type Thread,
} from "matrix-js-sdk";
import { nextFrame, oncePerFrame } from "../ui/frame.js";
import { startOfDay } from "../ui/when.js";
import { inBlocks, type Block, type Row } from "./blocks.js";
import { describeMessage, describeState } from "./describe.js";
import { Past } from "./past.js";

/** Screens that are drawn, and how low a row may be, in CSS pixels: fewer than what is asked for ahead would never do. */
const SCREENS = 4;
const ROW = 24;
const LEAST = 120;
/** Events for the first screen. */
const FIRST = 40;
/** Events that become rows in one frame: with fewer the frames are no shorter on an old phone, and more of them. */
const SLICE = 3;
/** Between two messages of one person that are shown as one block, in milliseconds. */
const BLOCK_MS = 5 * 60_000;

export class TimelineModel {
  readonly blocks: Signal<readonly Block[]> = signal([]);
  /** Whether the newest message is among the rows. */
  readonly isAtEnd = signal(true);
  readonly isAtStart = signal(false);
  readonly isLoading = signal(false);
  readonly room: Room;
  /** Whether the first events are there; all of them may be such that make no rows. */
  isOpen = false;

  readonly #client: MatrixClient;
  readonly #thread: Thread | undefined;
  readonly #past: Past;
  readonly #facts = new WeakMap<MatrixEvent, Facts>();
  readonly #versions = new WeakMap<MatrixEvent, number>();
  #epoch = 0;
  /** Whether somebody looks at the newest, as of their last step: what arrives meanwhile does not change it. */
  #isAtLiveEnd = true;
  #isFollowDue = false;
  readonly #readUpTo: string | undefined;
  readonly #rebuild = oncePerFrame(() => this.#build());
  readonly #listeners: (() => void)[] = [];
  #steps: Promise<unknown> = Promise.resolve();

  /** @param thread only what was said in it; else what was said in the room itself */
  constructor(client: MatrixClient, room: Room, thread?: Thread) {
    this.#client = client;
    this.room = room;
    this.#thread = thread;
    this.#past = new Past(
      client,
      room,
      thread?.timelineSet ?? room.getUnfilteredTimelineSet(),
      Math.max(LEAST, Math.ceil((SCREENS * innerHeight) / ROW)),
      nextFrame,
    );
    const me = client.getSafeUserId();
    this.#readUpTo = (thread ?? room).getEventReadUpTo(me) ?? undefined;
    this.#listen();
  }

  /** @param eventId what is to be in the middle; the newest else. @throws MatrixError when it cannot be had */
  async open(eventId?: string): Promise<void> {
    await this.#one(() => this.#past.open(eventId, FIRST));
    this.isOpen = true;
    this.#isAtLiveEnd = this.#past.isLive;
    this.#build();
  }

  /** @returns whether there was more @throws MatrixError */
  readonly older = (): Promise<boolean> => this.#page(Direction.Backward);
  readonly newer = (): Promise<boolean> => this.#page(Direction.Forward);

  close(): void {
    for (const stop of this.#listeners.splice(0)) stop();
    this.#past.close();
  }

  /** The newest that is shown and that the server knows. */
  get last(): MatrixEvent | undefined {
    return this.#past.events.at(-1);
  }

  async #page(direction: Direction): Promise<boolean> {
    if (!this.#past.canMove(direction)) return false;
    const isMore = await this.#one(async () => {
      const { last } = this;
      const isExtended = await this.#extend(direction);
      // What came meanwhile waits for its turn: only what fell out of the window makes it end before the newest.
      if (direction === Direction.Backward) this.#isAtLiveEnd &&= this.last === last;
      else this.#isAtLiveEnd = this.#past.isLive;
      return isExtended;
    });
    this.#build();
    return isMore;
  }

  /** Moves the window on by what one frame can draw; what is asked of the server for that is more. */
  async #extend(direction: Direction): Promise<boolean> {
    await nextFrame();
    if (this.#past.move(direction, SLICE)) return true;
    await this.#past.fetch(direction);
    await nextFrame();
    return this.#past.move(direction, SLICE);
  }

  /** One after the other: two at once would each see the other's half. */
  async #one<T>(work: () => Promise<T>): Promise<T> {
    const step = this.#steps.then(async () => {
      this.isLoading.value = true;
      try {
        return await work();
      } finally {
        this.isLoading.value = false;
      }
    });
    this.#steps = step.catch(() => undefined);
    return step;
  }

  #listen(): void {
    const { room } = this;
    const touch = (event: MatrixEvent | undefined) => {
      if (event === undefined) return;
      this.#versions.set(event, (this.#versions.get(event) ?? 0) + 1);
      this.#rebuild();
    };
    const on = <E extends string, F>(
      emitter: { on(name: E, f: F): unknown; off(name: E, f: F): unknown },
      name: E,
      f: F,
    ) => {
      emitter.on(name, f);
      this.#listeners.push(() => emitter.off(name, f));
    };
    on(
      room,
      RoomEvent.Timeline,
      (event: MatrixEvent, _room: Room | undefined, isAtStart: boolean | undefined, isGone: boolean) => {
        if (isGone) {
          if (this.#past.drop(event)) this.#rebuild();
          return;
        }
        // What relates to another one changes that one.
        const target = event.relationEventId;
        if (target !== undefined) touch(room.findEventById(target));
        if (isAtStart !== true) this.#behind(this.#follow());
      },
    );
    on(room, RoomEvent.LocalEchoUpdated, (event: MatrixEvent) => {
      touch(event);
      const target = event.relationEventId;
      if (target !== undefined) touch(room.findEventById(target));
      this.#rebuild();
    });
    // What was taken back does not say any more what it was about.
    const touchAll = () => {
      this.#epoch += 1;
      this.#rebuild();
    };
    on(room, RoomEvent.Redaction, touchAll);
    on(room, RoomEvent.RedactionCancelled, touchAll);
    on(room, RoomEvent.TimelineReset, () => this.#behind(this.open()));
    on(this.#client, MatrixEventEvent.Replaced, touch);
    on(room, RoomEvent.Receipt, () => this.#rebuild());
    on(room, ThreadEvent.Update, (thread: Thread) => touch(thread.rootEvent));
    on(room, ThreadEvent.New, (thread: Thread) => touch(thread.rootEvent));
    on(this.#client, MatrixEventEvent.Decrypted, (event: MatrixEvent) => {
      if (event.getRoomId() === room.roomId) touch(event);
    });
  }

  /** Takes in what has just arrived, if the end of the window was the end of the room. */
  async #follow(): Promise<void> {
    if (this.#isAtLiveEnd && !this.#isFollowDue) {
      this.#isFollowDue = true;
      await this.#one(async () => {
        this.#isFollowDue = false;
        while (this.#past.move(Direction.Forward, SLICE)) {
          this.#build();
          await nextFrame();
        }
      });
    }
    this.#rebuild();
  }

  /** Work that nobody waits for; the next event, or scrolling, tries again. */
  #behind(work: Promise<void>): void {
    work.catch((error: unknown) => console.warn("the conversation could not be followed", error));
  }

  #build(): void {
    const { events } = this.#past;
    const isAtEnd = this.#isAtLiveEnd || !this.#past.canMove(Direction.Forward);
    const shown = isAtEnd ? [...events, ...this.#pending(events)] : events;
    const rows: Row[] = [];
    let before: (Facts & { readonly event: MatrixEvent }) | undefined;
    let isPassed = false;
    let isMarked = false;
    for (const event of shown) {
      const facts = this.#factsOf(event);
      const { kind, version, day } = facts;
      const id = event.getTxnId() ?? event.getId() ?? "";
      if (kind !== undefined) {
        const isFirstNew: boolean =
          isPassed && !isMarked && event.getSender() !== this.#client.getSafeUserId();
        isMarked ||= isFirstNew;
        const isNewDay = before?.day !== day;
        rows.push({
          id,
          event,
          kind,
          version,
          isNewDay,
          isFirstNew,
          readers: readersOf(event, this.room),
          isContinued:
            !isNewDay &&
            !isFirstNew &&
            kind === "message" &&
            before?.kind === "message" &&
            before.event.getSender() === event.getSender() &&
            event.getTs() - before.event.getTs() < BLOCK_MS,
        });
        before = { ...facts, event };
      }
      if (event.getId() === this.#readUpTo) isPassed = true;
    }
    this.isAtEnd.value = isAtEnd;
    this.isAtStart.value = !this.#past.canMove(Direction.Backward);
    this.blocks.value = inBlocks(rows, this.blocks.value);
  }

  /** What was written here and has not come back from the server yet. */
  #pending(events: readonly MatrixEvent[]): MatrixEvent[] {
    const known = new Set(events.map((event) => event.getId()));
    return this.room
      .getPendingEvents()
      .filter((event) => event.threadRootId === this.#thread?.id && !known.has(event.getId()))
      .filter((event) => event.status !== EventStatus.CANCELLED);
  }

  #kindOf(event: MatrixEvent): Row["kind"] | undefined {
    if (event.isRelation("m.replace") || event.isRelation("m.annotation") || event.isRedaction())
      return undefined;
    if (event.isState()) return describeState(event, this.room) === undefined ? undefined : "state";
    if (this.#thread === undefined && event.threadRootId !== undefined && !event.isThreadRoot)
      return undefined;
    if (event.isRedacted() || event.isBeingDecrypted() || event.isEncrypted())
      return isNote(event) ? undefined : "message";
    return describeMessage(event) === "" ? undefined : "message";
  }

  /** Found out once for each version of an event: all rows are looked at for each that is new. */
  #factsOf(event: MatrixEvent): Facts {
    const version = (this.#versions.get(event) ?? 0) + this.#epoch;
    const known = this.#facts.get(event);
    if (known?.version === version) return known;
    const facts = { version, kind: this.#kindOf(event), day: startOfDay(new Date(event.getTs())) };
    this.#facts.set(event, facts);
    return facts;
  }
}

interface Facts {
  readonly version: number;
  readonly kind: Row["kind"] | undefined;
  /** When the day began on which it was said, in milliseconds. */
  readonly day: number;
}

/** Those who have read up to here, and no further. */
function readersOf(event: MatrixEvent, room: Room): string {
  return room
    .getReceiptsForEvent(event)
    .filter(({ type, userId }) => type === ReceiptType.Read && userId !== room.myUserId)
    .map(({ userId }) => userId)
    .sort()
    .join(" ");
}

/** What is encrypted and is, once it can be read, about other messages or the conversation itself. */
function isNote(event: MatrixEvent): boolean {
  const type = event.getType();
  if (event.isRedacted()) return type !== "m.room.message" && type !== "m.room.encrypted";
  return type !== "m.room.encrypted" && type !== "m.room.message" && describeMessage(event) === "";
}
