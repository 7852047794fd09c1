/**
 * What somebody was notified of, the newest first.
 *
 * Found in the events themselves, by the rules that hold now: nothing is written for each message and member.
 * Source: Matrix client-server API v1.19, "Listing Notifications".
 */
import { toClientEvent, type StoredEvent, type Viewer } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import { mayRead, type Viewpoint } from "../core/visibility.js";
import type { Store } from "../store/store.js";
import type { History } from "./history.js";
import type { ReadUpTo } from "../store/personal.js";
import type { UnreadCounts } from "./unread.js";
import type { Judge, Verdicts } from "./verdicts.js";

/** Positions looked at in one go, and how often for one request: who is seldom notified gets a short page. */
const STRETCH = 2_000;
const STRETCHES = 10;

interface Room {
  readonly judge: Judge;
  readonly viewpoint: Viewpoint;
  readonly read: ReadUpTo;
}

export class Notifications {
  readonly #store: Store;
  readonly #history: History;
  readonly #verdicts: Verdicts;
  readonly #unread: UnreadCounts;

  constructor(store: Store, history: History, verdicts: Verdicts, unread: UnreadCounts) {
    this.#store = store;
    this.#history = history;
    this.#verdicts = verdicts;
    this.#unread = unread;
  }

  /** @returns a page, and where the next one starts; no `next` when there is nothing older */
  async page(
    viewer: Viewer,
    { upTo, limit, onlyHighlights }: { upTo: number; limit: number; onlyHighlights: boolean },
  ): Promise<{ notifications: JsonObject[]; next?: number }> {
    const rooms = new Map<string, Room>();
    const notifications: JsonObject[] = [];
    let next = upTo;
    for (let stretch = 0; stretch < STRETCHES && next > 0; stretch++) {
      const after = Math.max(0, next - STRETCH);
      for (const event of await this.#store.pushers.saidTo(viewer.userId, { after, upTo: next })) {
        const notification = await this.#judge(event, viewer, rooms, onlyHighlights);
        if (notification === undefined) continue;
        // The one that does not fit any more says that there is more.
        if (notifications.length === limit) return { notifications, next: event.position };
        notifications.push(notification);
      }
      next = after;
    }
    return { notifications, ...(next > 0 && { next }) };
  }

  async #judge(
    event: StoredEvent,
    viewer: Viewer,
    rooms: Map<string, Room>,
    onlyHighlights: boolean,
  ): Promise<JsonObject | undefined> {
    const room = rooms.get(event.roomId) ?? (await this.#room(viewer.userId, event.roomId));
    rooms.set(event.roomId, room);
    const { notify, highlight, actions } = room.judge(event);
    if (!notify || (onlyHighlights && !highlight) || event.redactedBecause !== undefined) return undefined;
    if (!wasThere(room.viewpoint, event, viewer.userId) || !mayRead(room.viewpoint, event.position))
      return undefined;
    return {
      actions: [...actions],
      event: toClientEvent(event, viewer, false),
      read: await this.#unread.isRead(room.read, event),
      room_id: event.roomId,
      ts: event.ts,
    };
  }

  async #room(userId: string, roomId: string): Promise<Room> {
    return {
      judge: await this.#verdicts.of(userId, roomId),
      viewpoint: await this.#history.viewpoint(roomId, userId),
      read: await this.#unread.readUpTo(userId, roomId),
    };
  }
}

/** Nobody is notified of what was said before they came, but of being asked in. */
function wasThere({ memberships }: Viewpoint, event: StoredEvent, userId: string): boolean {
  if (event.type === "m.room.member" && event.stateKey === userId) return true;
  return memberships.findLast(({ position }) => position <= event.position)?.value === "join";
}
