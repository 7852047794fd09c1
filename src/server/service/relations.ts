/**
 * What was said of an event: lists of it, and the summary that comes with the event wherever it is shown.
 * Source: Matrix client-server API v1.19, "Aggregations of child events", "Threading".
 */
import { toClientEvent, type EventDraft, type StoredEvent, type Viewer } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { isEditOf, reactionOf, relationOf } from "../core/relations.js";
import { isErased, isShown, mayRead, type Sight } from "../core/visibility.js";
import type { Stretch } from "../store/events.js";
import type { RelationFilter, ThreadCount } from "../store/relations.js";
import type { Store } from "../store/store.js";
import { Failure } from "./failure.js";
import { Hindsight } from "./hindsight.js";
import type { History, Page } from "./history.js";

/** Read at once while looking for those that the user may read. */
const BATCH = 100;

export class Relations {
  readonly #store: Store;
  readonly #history: History;
  readonly #hindsight: Hindsight;

  constructor(store: Store, history: History) {
    this.#store = store;
    this.#history = history;
    this.#hindsight = new Hindsight(store);
  }

  /** @throws Failure M_NOT_FOUND for an event that does not exist or that the user may not read */
  async page(
    {
      roomId,
      eventId,
      userId,
    }: { readonly roomId: string; readonly eventId: string; readonly userId: string },
    filter: RelationFilter,
    stretch: Stretch,
    direction: "f" | "b",
    limit: number,
  ): Promise<Page> {
    await this.#history.event(roomId, eventId, userId);
    const viewpoint = await this.#history.viewpoint(roomId, userId);
    const found: StoredEvent[] = [];
    for (let { after, upTo } = stretch; ;) {
      const events = await this.#store.relations.children(
        { roomId, eventId },
        filter,
        { after, upTo },
        direction,
        BATCH,
      );
      for (const event of events) {
        // The event that does not fit any more only says that there is more.
        if (found.length === limit)
          return { events: found, next: direction === "f" ? event.position - 1 : event.position };
        if (isShown(viewpoint, event)) found.push(event);
        if (direction === "f") after = event.position;
        else upTo = event.position - 1;
      }
      if (events.length < BATCH) return { events: found };
    }
  }

  /** The roots of a room's threads, the one with the newest reply first. */
  async threads(
    roomId: string,
    viewer: Viewer,
    {
      participated,
      upTo,
      limit,
    }: { readonly participated: boolean; readonly upTo: number; readonly limit: number },
  ): Promise<Page> {
    const viewpoint = await this.#history.viewpointOrRefuse(roomId, viewer.userId);
    const roots: StoredEvent[] = [];
    for (let from = upTo; ;) {
      const threads = await this.#store.relations.threads(roomId, from, BATCH);
      for (const { parent, latest } of threads) {
        if (roots.length === limit) return { events: roots, next: latest };
        from = latest - 1;
        const root = await this.#store.events.event(parent);
        if (root?.roomId !== roomId || !mayRead(viewpoint, root.position)) continue;
        if (participated && !(await this.#participates(root, viewer.userId))) continue;
        // Source: "Querying threads in a room": as if the client had put the thread together by itself.
        roots.push(isShown(viewpoint, root) ? root : { ...root, content: {} });
      }
      if (threads.length < BATCH) return { events: roots };
    }
  }

  /** @throws Failure M_DUPLICATE_ANNOTATION for a reaction that its sender has given already */
  async assertNew({ sender, type, content }: EventDraft): Promise<void> {
    const key = reactionOf(content);
    const parent = relationOf(content)?.parent;
    if (key === undefined || parent === undefined) return;
    if (await this.#store.relations.hasReaction(parent, type, sender, key))
      throw new Failure("M_DUPLICATE_ANNOTATION", "you have said so already");
  }

  /**
   * Events in the form of the client-server API, each with what was said of it.
   *
   * @param sight the viewer's of the one room that the events are of, where it is known
   */
  async render(
    events: readonly StoredEvent[],
    viewer: Viewer,
    { withRoomId = true, sight }: { readonly withRoomId?: boolean; readonly sight?: Sight } = {},
  ): Promise<JsonObject[]> {
    const sights = await this.#sightsOf(events, viewer.userId, sight);
    const bundles = await this.#bundles(events, viewer, sights);
    const hindsight = await this.#hindsight.of(events, sights);
    return events.map((event) => {
      const shown = toClientEvent(asShown(event, sights), viewer, withRoomId);
      const bundle = event.redactedBecause === undefined ? bundles.get(event.eventId) : undefined;
      return {
        ...shown,
        unsigned: {
          ...(shown["unsigned"] as JsonObject),
          ...hindsight.get(event.eventId),
          ...(bundle !== undefined && { "m.relations": bundle }),
        },
      };
    });
  }

  /** The newest edit of each event that has one, as far as the viewer may see it; by the ids of the events. */
  async newestEdits(
    events: readonly StoredEvent[],
    sights: ReadonlyMap<string, Sight>,
  ): Promise<ReadonlyMap<string, StoredEvent>> {
    const newest = new Map<string, StoredEvent>();
    for (const [roomId, sight] of sights) {
      const byId = new Map(
        events.flatMap((event) => (event.roomId === roomId ? [[event.eventId, event] as const] : [])),
      );
      for (const child of await this.#store.relations.editsAndReferences(roomId, [...byId.keys()])) {
        const relation = relationOf(child.content);
        const parent = byId.get(relation?.parent ?? "");
        if (relation?.relType !== "m.replace" || parent === undefined) continue;
        if (isEditOf(child, parent) && isShown(sight, child) && !isErased(sight, child))
          newest.set(parent.eventId, child);
      }
    }
    return newest;
  }

  async #sightsOf(
    events: readonly StoredEvent[],
    userId: string,
    known: Sight | undefined,
  ): Promise<ReadonlyMap<string, Sight>> {
    const sights = new Map<string, Sight>();
    for (const { roomId } of events)
      if (!sights.has(roomId)) sights.set(roomId, known ?? (await this.#history.viewpoint(roomId, userId)));
    return sights;
  }

  async #participates({ roomId, eventId, sender }: StoredEvent, userId: string): Promise<boolean> {
    if (sender === userId) return true;
    return (await this.#store.relations.threadCounts(roomId, [eventId], userId)).get(eventId)?.own === true;
  }

  /** What the viewer may see of what was said of the events. */
  async #bundles(
    events: readonly StoredEvent[],
    viewer: Viewer,
    sights: ReadonlyMap<string, Sight>,
  ): Promise<Map<string, JsonObject>> {
    const bundles = new Map<string, Record<string, JsonObject>>();
    const into = (eventId: string, name: string, value: JsonObject) => {
      const bundle = bundles.get(eventId) ?? {};
      bundle[name] = value;
      bundles.set(eventId, bundle);
    };
    for (const [roomId, sight] of sights) {
      const byId = new Map(
        events.flatMap((event) => (event.roomId === roomId ? [[event.eventId, event] as const] : [])),
      );
      const ids = [...byId.keys()];
      const references = new Map<string, JsonObject[]>();
      for (const child of await this.#store.relations.editsAndReferences(roomId, ids)) {
        const relation = relationOf(child.content);
        const parent = byId.get(relation?.parent ?? "");
        if (relation === undefined || parent === undefined || !isShown(sight, child)) continue;
        if (relation.relType === "m.reference")
          references.set(parent.eventId, [
            ...(references.get(parent.eventId) ?? []),
            { event_id: child.eventId },
          ]);
        // They come oldest first: the last one counts.
        else if (isEditOf(child, parent) && !isErased(sight, child))
          into(parent.eventId, "m.replace", toClientEvent(child, viewer));
      }
      for (const [eventId, chunk] of references) into(eventId, "m.reference", { chunk });
      for (const [eventId, all] of await this.#store.relations.threadCounts(roomId, ids, viewer.userId)) {
        const { count, own, last } = await this.#threadFor({ roomId, eventId }, all, viewer.userId, sight);
        if (last === undefined) continue;
        into(eventId, "m.thread", {
          count,
          current_user_participated: own || byId.get(eventId)?.sender === viewer.userId,
          latest_event: toClientEvent(asShown(last, sights), viewer),
        });
      }
    }
    return bundles;
  }

  /** A thread without what is not for the viewer's eyes. Source: "Server-side aggregation of `m.thread` relationships". */
  async #threadFor(
    root: { readonly roomId: string; readonly eventId: string },
    { count, own, latest }: ThreadCount,
    userId: string,
    sight: Sight,
  ): Promise<{ readonly count: number; readonly own: boolean; readonly last: StoredEvent | undefined }> {
    const last = await this.#store.events.eventAt(latest);
    // Who reads the newest reply and ignores nobody is spared a look at all the others.
    if (last !== undefined && sight.ignored.size === 0 && isShown(sight, last)) return { count, own, last };
    const shown: StoredEvent[] = [];
    for (let after = 0; ;) {
      const stretch = { after, upTo: latest };
      const filter = { relType: "m.thread", depth: 1 };
      const replies = await this.#store.relations.children(root, filter, stretch, "f", BATCH);
      shown.push(...replies.filter((reply) => isShown(sight, reply)));
      after = replies.at(-1)?.position ?? latest;
      if (replies.length < BATCH) break;
    }
    return {
      count: shown.length,
      own: shown.some(({ sender }) => sender === userId),
      last: shown.at(-1),
    };
  }
}

/** The event, or what a redaction would leave of it. */
function asShown(event: StoredEvent, sights: ReadonlyMap<string, Sight>): StoredEvent {
  const sight = sights.get(event.roomId);
  return sight !== undefined && isErased(sight, event) ? { ...event, content: {} } : event;
}
