/**
 * One room in an answer of sliding sync: all of it the first time, and what is new from then on.
 *
 * Source: MSC4186, "Room results"; the fields' names are those of its experimental form.
 */
import { toClientEvent, type StoredEvent, type Viewer } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import type { RoomConfig } from "../core/room-config.js";
import type { Membership } from "../core/room-state.js";
import { renderHistoryToken } from "../core/tokens.js";
import { mayRead, type Sight } from "../core/visibility.js";
import type { Store } from "../store/store.js";
import type { History } from "./history.js";
import type { Relations } from "./relations.js";
import type { SentRoom } from "./sliding-connection.js";
import { NAMING_STATE, type SlidingNaming } from "./sliding-naming.js";
import { LazyMembers } from "./sliding-members.js";
import type { UnreadCounts } from "./unread.js";

const MEMBER = "m.room.member";
/** What moves a room up in a client's list. Source: MSC4186, `bump_stamp`. */
const BUMPING = [
  "m.room.create",
  "m.room.message",
  "m.room.encrypted",
  "m.sticker",
  "m.call.invite",
  "m.poll.start",
  "org.matrix.msc3381.poll.start",
  "m.beacon_info",
  "org.matrix.msc3672.beacon_info",
];
const NO_MEMBERS: ReadonlySet<string> = new Set();

export interface RoomAsked {
  readonly viewer: Viewer;
  readonly roomId: string;
  readonly own: { readonly membership: Membership; readonly position: number };
  readonly config: RoomConfig;
  /** What the connection was told before. */
  readonly sent: SentRoom | undefined;
  /** Where the connection stands; 0 at its first request. */
  readonly since: number;
  readonly upTo: number;
  readonly isDirect: boolean;
}

export interface RoomTold {
  readonly body: JsonObject;
  readonly sent: SentRoom;
  readonly isInitial: boolean;
  /** The position in front of the timeline. */
  readonly start: number;
}

interface Timeline {
  readonly events: readonly StoredEvent[];
  readonly isLimited: boolean;
  readonly isExpanded: boolean;
  readonly start: number;
  readonly sight: Sight;
}

export class SlidingRooms {
  readonly #store: Store;
  readonly #history: History;
  readonly #relations: Relations;
  readonly #unread: UnreadCounts;
  readonly #naming: SlidingNaming;
  readonly #timelineLimit: number;

  constructor(
    store: Store,
    history: History,
    relations: Relations,
    unread: UnreadCounts,
    naming: SlidingNaming,
    timelineLimit: number,
  ) {
    this.#store = store;
    this.#history = history;
    this.#relations = relations;
    this.#unread = unread;
    this.#naming = naming;
    this.#timelineLimit = timelineLimit;
  }

  /** @returns undefined when there is nothing to tell of the room */
  async tell(asked: RoomAsked): Promise<RoomTold | undefined> {
    switch (asked.own.membership) {
      case "join":
        return this.#joined(asked);
      case "invite":
      case "knock":
        return this.#isNew(asked) ? this.#outside(asked) : undefined;
      default:
        return this.#isNew(asked) ? this.#left(asked) : undefined;
    }
  }

  /** Whether the user's membership changed since the connection was told of the room. */
  #isNew({ sent, own }: RoomAsked): boolean {
    return sent === undefined || own.position > sent.upTo;
  }

  async #joined(asked: RoomAsked): Promise<RoomTold | undefined> {
    const { viewer, roomId, config, sent, upTo, isDirect } = asked;
    const knownUpTo = await this.#knownUpTo(asked);
    const isInitial = knownUpTo === 0;
    const timeline = await this.#timeline(asked, knownUpTo, upTo);
    const changes = isInitial
      ? []
      : await this.#store.events.stateChanges(roomId, { after: knownUpTo, upTo });
    const lazy = new LazyMembers(config, isInitial || timeline.isLimited ? undefined : sent?.members);
    const wanted = isInitial ? await this.#store.views.state(roomId, config.query) : undefined;
    const state = [
      ...(wanted ?? changes).filter(
        ({ type, stateKey = "" }) =>
          config.wants(type, stateKey) || (type === MEMBER && lazy.isOn && !isInitial && !timeline.isLimited),
      ),
      ...(isInitial ? [] : await this.#newlyWanted(asked, changes)),
    ];
    const missing = lazy.missing(timeline.events, state);
    if (missing.length > 0)
      state.push(...(await this.#store.views.state(roomId, { types: [], members: missing })));

    const unread = await this.#unread.of(viewer.userId, roomId, upTo, timeline.sight.memberships);
    const isQuiet =
      timeline.events.length + state.length === 0 &&
      !timeline.isLimited &&
      unread.notifications === sent?.notifications &&
      unread.highlights === sent.highlights &&
      isDirect === sent.isDirect;
    if (!isInitial && isQuiet) return undefined;
    const bump = await this.#bumpStamp(asked, timeline, knownUpTo);
    return {
      isInitial,
      start: timeline.start,
      body: {
        ...(isInitial && { initial: true }),
        ...(await this.#naming.of(
          roomId,
          viewer.userId,
          isInitial ? undefined : changes,
          NAMING_STATE.every((type) => config.wants(type, "")) ? wanted : undefined,
        )),
        ...(isDirect !== (isInitial ? false : sent?.isDirect) && { is_dm: isDirect }),
        ...(bump !== undefined && { bump_stamp: bump }),
        ...(await this.#timelineFields(asked, timeline)),
        required_state: state.map((event) => toClientEvent(event, viewer, false)),
        notification_count: unread.notifications,
        highlight_count: unread.highlights,
      },
      sent: {
        upTo,
        limit: limitAfter(config, timeline, isInitial ? undefined : sent),
        config,
        membership: "join",
        isDirect,
        notifications: unread.notifications,
        highlights: unread.highlights,
        members: lazy.told,
      },
    };
  }

  async #outside(asked: RoomAsked): Promise<RoomTold | undefined> {
    const { viewer, roomId, own, isDirect } = asked;
    const row = await this.#store.events.membership(viewer.userId, roomId);
    if (row?.stripped === undefined) return undefined;
    if (own.membership === "invite" && (await this.#history.isUnwanted(viewer.userId, row.stripped)))
      return undefined;
    return {
      isInitial: true,
      start: own.position,
      body: {
        initial: true,
        bump_stamp: own.position,
        ...(isDirect && { is_dm: true }),
        invite_state: row.stripped,
      },
      sent: sentOutside(asked),
    };
  }

  async #left(asked: RoomAsked): Promise<RoomTold | undefined> {
    const { viewer, roomId, own, config, sent } = asked;
    const row = await this.#store.events.membership(viewer.userId, roomId);
    if (row === undefined || row.forgotten) return undefined;
    const viewpoint = await this.#history.viewpoint(roomId, viewer.userId);
    const [leaving] = (await this.#store.events.stateHistory(roomId, MEMBER, viewer.userId)).slice(-1);
    // Whoever never was inside, and refuses an invite, learns only that.
    const isReadable = mayRead(viewpoint, own.position);
    const knownUpTo = sent?.membership === "join" ? sent.upTo : 0;
    const timeline = isReadable
      ? await this.#timeline(asked, knownUpTo, own.position)
      : {
          events: leaving === undefined ? [] : [leaving],
          isLimited: false,
          isExpanded: false,
          start: own.position - 1,
          sight: viewpoint,
        };
    const changes = isReadable
      ? await this.#store.events.stateChanges(roomId, { after: knownUpTo, upTo: own.position })
      : [leaving ?? []].flat();
    const state = changes.filter(
      ({ type, stateKey = "" }) =>
        config.wants(type, stateKey) || (type === MEMBER && stateKey === viewer.userId),
    );
    return {
      isInitial: knownUpTo === 0,
      start: timeline.start,
      body: {
        ...(knownUpTo === 0 && { initial: true }),
        bump_stamp: own.position,
        ...(await this.#timelineFields(asked, timeline)),
        required_state: state.map((event) => toClientEvent(event, viewer, false)),
      },
      sent: sentOutside(asked),
    };
  }

  #knownUpTo({ sent, own, roomId, viewer }: RoomAsked): Promise<number> | number {
    if (sent?.membership !== "join") return 0;
    return own.position > sent.upTo ? this.#history.knownUpTo(roomId, viewer.userId, sent.upTo) : sent.upTo;
  }

  /** When more is wanted than before, the newest events are told again as far as that. */
  async #timeline(asked: RoomAsked, knownUpTo: number, upTo: number): Promise<Timeline> {
    const { roomId, config, sent, viewer, own } = asked;
    const limit = Math.min(config.timelineLimit, this.#timelineLimit);
    const wantsMore = knownUpTo > 0 && sent !== undefined && limit > sent.limit;
    const isInside = own.membership === "join";
    const viewpoint = await this.#history.viewpoint(roomId, viewer.userId, isInside);
    const after = wantsMore ? 0 : knownUpTo;
    const page = await this.#history.page(roomId, { after, upTo }, "b", limit, viewpoint);
    const all = page.events.toReversed();
    const older = all.filter(({ position }) => position <= knownUpTo);
    // Everything that is older was told already.
    const isExpanded = wantsMore && (older.length > sent.limit || page.next !== undefined);
    const events = wantsMore && !isExpanded ? all.slice(older.length) : all;
    return {
      events,
      isLimited: page.next !== undefined,
      isExpanded,
      start: events[0] === undefined ? (page.next ?? upTo) : events[0].position - 1,
      sight: viewpoint,
    };
  }

  async #timelineFields({ viewer, since }: RoomAsked, timeline: Timeline): Promise<JsonObject> {
    const { events, isLimited, isExpanded, start, sight } = timeline;
    return {
      timeline: await this.#relations.render(events, viewer, { withRoomId: false, sight }),
      prev_batch: renderHistoryToken(start),
      limited: isLimited,
      ...(isExpanded && { unstable_expanded_timeline: true }),
      num_live: since === 0 ? 0 : events.filter(({ position }) => position > since).length,
    };
  }

  /** State that is wanted now and was not before. */
  async #newlyWanted(
    { roomId, config, sent }: RoomAsked,
    changes: readonly StoredEvent[],
  ): Promise<StoredEvent[]> {
    if (sent === undefined || sent.config.id === config.id) return [];
    const told = new Set(changes.map(({ eventId }) => eventId));
    const state = await this.#store.views.state(roomId, config.query);
    return state.filter(
      ({ eventId, type, stateKey = "" }) =>
        !told.has(eventId) && config.wants(type, stateKey) && !sent.config.wants(type, stateKey),
    );
  }

  async #bumpStamp(
    { roomId, own, upTo }: RoomAsked,
    { events, isLimited, isExpanded }: Timeline,
    knownUpTo: number,
  ): Promise<number | undefined> {
    const shown = events.findLast(({ type, position }) => position > knownUpTo && BUMPING.includes(type));
    if (shown !== undefined) return shown.position;
    if (knownUpTo > 0 && (!isLimited || isExpanded)) return undefined;
    const found = await this.#store.views.newestOf(roomId, BUMPING, { after: knownUpTo, upTo });
    return found ?? (knownUpTo === 0 ? own.position : undefined);
  }
}

function sentOutside({ own, config, upTo, isDirect }: RoomAsked): SentRoom {
  return {
    ...{ upTo, limit: 0, config, membership: own.membership, isDirect },
    ...{ notifications: 0, highlights: 0, members: NO_MEMBERS },
  };
}

function limitAfter(config: RoomConfig, timeline: Timeline, sent: SentRoom | undefined): number {
  if (sent === undefined || timeline.isLimited || timeline.isExpanded) return config.timelineLimit;
  return Math.max(config.timelineLimit, sent.limit + timeline.events.length);
}
