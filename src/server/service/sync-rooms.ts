/**
 * The rooms of a sync answer: joined, invited, knocked, left.
 */
import { toClientEvent, type StoredEvent } from "../core/event.js";
import { passes, passesEvent, passesRoom } from "../core/filter.js";
import { itemsOf, type JsonObject, type JsonValue } from "../core/json.js";
import { renderHistoryToken } from "../core/tokens.js";
import { mayRead, type Sight } from "../core/visibility.js";
import type { AccountData, Receipt } from "../store/personal.js";
import type { Store } from "../store/store.js";
import type { History } from "./history.js";
import type { Relations } from "./relations.js";
import type { Follower } from "./stream.js";
import type { Stretched } from "./stretch.js";
import type { SyncRequest } from "./sync.js";
import { SyncState } from "./sync-state.js";
import { SyncTimeline, type Timeline, type TimelineRequest } from "./sync-timeline.js";
import type { Summaries } from "./summaries.js";
import type { Typing } from "./typing.js";
import type { UnreadCounts } from "./unread.js";

/** What a room is called by, and where it says so. */
const NAMES: Readonly<Record<string, string>> = { "m.room.name": "name", "m.room.canonical_alias": "alias" };

interface RoomRequest extends TimelineRequest {
  readonly stretch: Stretched;
}

export class SyncRooms {
  readonly #store: Store;
  readonly #history: History;
  readonly #typing: Typing;
  readonly #unread: UnreadCounts;
  readonly #summaries: Summaries;
  readonly #relations: Relations;
  readonly #states: SyncState;
  readonly #timelines: SyncTimeline;

  constructor(
    store: Store,
    history: History,
    typing: Typing,
    unread: UnreadCounts,
    summaries: Summaries,
    relations: Relations,
    timelineLimit: number,
  ) {
    this.#store = store;
    this.#history = history;
    this.#typing = typing;
    this.#unread = unread;
    this.#summaries = summaries;
    this.#relations = relations;
    this.#states = new SyncState(store);
    this.#timelines = new SyncTimeline(store, history, timelineLimit);
  }

  /** @returns undefined when there is nothing to tell of any room */
  async sections(
    request: SyncRequest,
    follower: Follower,
    stretch: Stretched,
    typing: ReadonlySet<string>,
    data: ReadonlyMap<string, readonly AccountData[]>,
  ): Promise<JsonObject | undefined> {
    const sections = {
      join: {} as Record<string, JsonObject>,
      invite: {} as Record<string, JsonObject>,
      knock: {} as Record<string, JsonObject>,
      leave: {} as Record<string, JsonObject>,
    };
    const candidates = request.fullState
      ? new Set(follower.rooms.keys())
      : new Set([...stretch.touched, ...typing, ...data.keys()]);
    for (const roomId of candidates) {
      const own = follower.rooms.get(roomId);
      if (own === undefined || own.position > stretch.upTo || !passesRoom(request.filter.room, roomId))
        continue;
      const isNew = own.position > stretch.since;
      if (own.membership === "join") {
        const room = await this.#joined(
          { request, roomId, stretch, knownUpTo: await this.#knownUpTo(request, roomId, stretch, isNew) },
          typing.has(roomId),
          data.get(roomId) ?? [],
        );
        if (room !== undefined) sections.join[roomId] = room;
      } else if (own.membership === "invite" || own.membership === "knock") {
        const room =
          isNew || request.fullState ? await this.#outside(request, roomId, own.membership) : undefined;
        if (room !== undefined) sections[own.membership][roomId] = room;
      } else if (isNew || request.fullState) {
        const room = await this.#left(request, roomId, own.position, stretch);
        if (room !== undefined) sections.leave[roomId] = room;
      }
    }
    const filled = Object.entries(sections).filter(([, rooms]) => Object.keys(rooms).length > 0);
    return filled.length === 0 ? undefined : Object.fromEntries(filled);
  }

  #knownUpTo(
    { viewer }: SyncRequest,
    roomId: string,
    { since }: Stretched,
    isNew: boolean,
  ): Promise<number> | number {
    return isNew && since > 0 ? this.#history.knownUpTo(roomId, viewer.userId, since) : since;
  }

  async #joined(
    room: RoomRequest,
    isTyping: boolean,
    data: readonly AccountData[],
  ): Promise<JsonObject | undefined> {
    const { request, roomId, stretch, knownUpTo } = room;
    const { viewer, filter } = request;
    const isWhole = knownUpTo === 0 || request.fullState;
    const timeline = await this.#timelines.of(room, stretch.upTo);
    const before = await this.#state(room, timeline, stretch.upTo, isWhole);
    const receipts = await this.#receipts(room);
    const ephemeral = [
      ...(receipts !== undefined && passes(filter.room?.ephemeral, { type: "m.receipt" }) ? [receipts] : []),
      ...((isTyping || (isWhole && this.#typing.in(roomId).length > 0)) &&
      passes(filter.room?.ephemeral, { type: "m.typing" })
        ? [{ type: "m.typing", content: { user_ids: this.#typing.in(roomId) } }]
        : []),
    ];
    const accountData = data
      .filter(({ type }) => passes(filter.room?.account_data, { type }))
      .map(({ type, content }) => ({ type, content }));
    const isQuiet =
      timeline.events.length + before.length + ephemeral.length + accountData.length === 0 &&
      !timeline.isLimited;
    if (isQuiet && !isWhole && !(await this.#mayCountAnew(room, timeline.sight))) return undefined;

    // Members that are told of late, because somebody speaks whom the client knows nothing of, change nothing.
    const hasNewMembers =
      isWhole ||
      [...timeline.events, ...before].some(
        ({ type, position }) => type === "m.room.member" && position > knownUpTo,
      );
    const summary = hasNewMembers ? await this.#summaries.of(roomId, viewer.userId) : undefined;
    const heroes = summary && (await this.#heroes(room, itemsOf(summary["m.heroes"]), timeline, before));
    return {
      timeline: await this.#renderTimeline(room, timeline),
      ...stateField(request, [...before, ...(heroes ?? [])]),
      ephemeral: { events: ephemeral },
      account_data: { events: accountData },
      ...(await this.#unread.fields(
        viewer.userId,
        roomId,
        stretch.upTo,
        filter.room?.timeline?.unread_thread_notifications === true,
      )),
      ...(summary !== undefined && { summary }),
    };
  }

  /**
   * Whether the unread counts may be others than before although there is nothing to show: what the filter keeps back
   * counts, what people say whom the user ignores does not, and wakes nobody.
   */
  async #mayCountAnew({ request, roomId, stretch, knownUpTo }: RoomRequest, sight: Sight): Promise<boolean> {
    if (!stretch.touched.has(roomId)) return false;
    const { userId } = request.viewer;
    const receipts = await this.#store.personal.receipts(roomId, knownUpTo);
    if (receipts.some((receipt) => receipt.userId === userId)) return true;
    const others = { not_senders: [userId] };
    const page = await this.#history.page(
      roomId,
      { after: knownUpTo, upTo: stretch.upTo },
      "b",
      1,
      sight,
      others,
    );
    return page.events.length > 0;
  }

  async #left(
    request: SyncRequest,
    roomId: string,
    leftAt: number,
    stretch: Stretched,
  ): Promise<JsonObject | undefined> {
    const { viewer, filter } = request;
    const row = await this.#store.events.membership(viewer.userId, roomId);
    // Of a room that was forgotten, a device learns once that it was left: it may not have seen that yet.
    if (row?.forgotten === true && (stretch.since === 0 || leftAt <= stretch.since)) return undefined;
    const isOld = stretch.since === 0 || leftAt <= stretch.since;
    if (isOld && filter.room?.include_leave !== true) return undefined;
    const knownUpTo =
      stretch.since > 0 && !isOld
        ? await this.#history.knownUpTo(roomId, viewer.userId, stretch.since, leftAt)
        : stretch.since;
    const room = { request, roomId, stretch, knownUpTo };
    const viewpoint = await this.#history.viewpoint(roomId, viewer.userId);
    // Somebody who never was inside, and refuses an invite, learns only that.
    if (!mayRead(viewpoint, leftAt)) {
      const [own] = (await this.#store.events.stateHistory(roomId, "m.room.member", viewer.userId)).slice(-1);
      return {
        timeline: {
          events: own === undefined ? [] : [toClientEvent(own, viewer, false)],
          limited: false,
          prev_batch: renderHistoryToken(leftAt - 1),
        },
        [request.stateAfter ?? "state"]: { events: [] },
        account_data: { events: [] },
      };
    }
    const timeline = await this.#timelines.of(room, leftAt);
    const state = await this.#state(room, timeline, leftAt, request.fullState || knownUpTo === 0);
    return {
      timeline: await this.#renderTimeline(room, timeline),
      ...stateField(request, state),
      account_data: { events: [] },
    };
  }

  async #outside(
    { viewer }: SyncRequest,
    roomId: string,
    membership: "invite" | "knock",
  ): Promise<JsonObject | undefined> {
    const { stripped = [] } = (await this.#store.events.membership(viewer.userId, roomId)) ?? {};
    if (membership === "invite" && (await this.#history.isUnwanted(viewer.userId, stripped)))
      return undefined;
    return { [`${membership}_state`]: { events: stripped } };
  }

  /** What the state was before the timeline, or is after it. */
  async #state(
    { request, roomId, knownUpTo }: RoomRequest,
    timeline: Timeline,
    upTo: number,
    isWhole: boolean,
  ): Promise<StoredEvent[]> {
    const { viewer, filter, stateAfter } = request;
    const start = timeline.events.length === 0 ? upTo : timeline.start;
    return this.#states.of({
      roomId,
      userId: viewer.userId,
      filter: filter.room?.state,
      isWhole,
      stretch: { after: knownUpTo, upTo: stateAfter === undefined ? start : upTo },
      isAfter: stateAfter !== undefined,
      hasGap: timeline.isLimited,
      timeline: timeline.events,
    });
  }

  /**
   * The members that a lazy client names a room by which has no name of its own, as far as it is not told of them.
   * Source: `m.heroes`.
   */
  async #heroes(
    { request: { filter }, roomId, stretch }: RoomRequest,
    heroes: readonly JsonValue[],
    timeline: Timeline,
    state: readonly StoredEvent[],
  ): Promise<StoredEvent[]> {
    if (filter.room?.state?.lazy_load_members !== true) return [];
    const names = await this.#store.views.state(roomId, { types: Object.keys(NAMES), members: [] });
    const isNamed = names.some(
      ({ type, stateKey, content }) => stateKey === "" && Boolean(content[NAMES[type] ?? ""]),
    );
    if (isNamed) return [];
    const known = new Set([...timeline.events, ...state].map(({ eventId }) => eventId));
    const members = heroes.filter((hero) => typeof hero === "string");
    return (await this.#store.views.state(roomId, { types: [], members })).filter(
      (event) =>
        event.position <= stretch.upTo && !known.has(event.eventId) && passesEvent(filter.room?.state, event),
    );
  }

  async #renderTimeline(
    { request }: RoomRequest,
    { events, isLimited, start, sight }: Timeline,
  ): Promise<JsonObject> {
    return {
      events: await this.#relations.render(events, request.viewer, { withRoomId: false, sight }),
      limited: isLimited,
      prev_batch: renderHistoryToken(start),
    };
  }

  async #receipts({ request, roomId, knownUpTo, stretch }: RoomRequest): Promise<JsonObject | undefined> {
    const receipts = (await this.#store.personal.receipts(roomId, request.fullState ? 0 : knownUpTo)).filter(
      ({ type, userId }) => type === "m.read" || userId === request.viewer.userId,
    );
    if (receipts.length === 0 || stretch.upTo === 0) return undefined;
    return { type: "m.receipt", content: renderReceipts(receipts) };
  }
}

/** The section of the state, by the name that the client knows it by. */
function stateField({ viewer, stateAfter }: SyncRequest, events: readonly StoredEvent[]): JsonObject {
  return {
    [stateAfter ?? "state"]: { events: events.map((event) => toClientEvent(event, viewer, false)) },
  };
}

/** By event, then by type, then by user. Source: `m.receipt`. */
export function renderReceipts(receipts: readonly Receipt[]): JsonObject {
  const events: Record<string, Record<string, Record<string, JsonObject>>> = {};
  for (const { eventId, type, userId, ts, thread } of receipts) {
    const ofType = ((events[eventId] ??= {})[type] ??= {});
    // A user may have a receipt of each thread on one event; the one for all threads goes first.
    if (ofType[userId] === undefined || thread === "")
      ofType[userId] = { ts, ...(thread !== "" && { thread_id: thread }) };
  }
  return events;
}
