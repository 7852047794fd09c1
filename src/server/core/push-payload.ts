/**
 * What a pusher is told of an event.
 * Source: Matrix Push Gateway API v1.19; client-server API, "Push Notifications", `event_id_only`.
 */
import type { StoredEvent } from "./event.js";
import { isObject, stringOrNone, type JsonObject, type JsonValue } from "./json.js";
import type { RoomState } from "./room-state.js";

/** One thing to tell: an event that somebody is notified of, or without one only how much is unread. */
export interface Notice {
  readonly unread: number;
  readonly about?: {
    readonly event: StoredEvent;
    readonly actions: readonly JsonValue[];
    readonly state: RoomState;
  };
}

export interface PushTarget {
  readonly userId: string;
  readonly appId: string;
  readonly pushkey: string;
  /** Milliseconds since 1970. */
  readonly setAt: number;
  readonly data: JsonObject;
}

/** @returns `notification` of `POST /_matrix/push/v1/notify` */
export function notificationOf(notice: Notice, target: PushTarget): JsonObject {
  const { url: _url, ...data } = target.data;
  const isShort = target.data["format"] === "event_id_only";
  const tweaks = notice.about === undefined || isShort ? {} : { tweaks: tweaksOf(notice.about.actions) };
  return {
    ...factsOf(notice, target.userId, isShort),
    devices: [
      {
        app_id: target.appId,
        pushkey: target.pushkey,
        pushkey_ts: Math.floor(target.setAt / 1000),
        data,
        ...tweaks,
      },
    ],
  };
}

/**
 * The same for Web Push, where nobody but the device reads along: flat, on top of what the client wants to find in
 * each message (`default_payload`), as the gateways for browsers have it.
 *
 * @param mostBytes what does not fit is left to the client to fetch
 */
export function webPushPayload(notice: Notice, target: PushTarget, mostBytes: number): string {
  const own = target.data["default_payload"];
  const textOf = (isShort: boolean) => {
    const { counts, ...facts } = factsOf(notice, target.userId, isShort);
    return JSON.stringify({ ...(isObject(own) && own), ...facts, ...(isObject(counts) && counts) });
  };
  const isShort = target.data["format"] === "event_id_only";
  const text = textOf(isShort);
  return isShort || Buffer.byteLength(text) <= mostBytes ? text : textOf(true);
}

/** Whether it should wake a phone. */
export function isUrgent({ about }: Notice): boolean {
  if (about === undefined) return false;
  const { sound, highlight } = tweaksOf(about.actions);
  // What an encrypted message is worth, only the device knows.
  return about.event.type === "m.room.encrypted" || sound !== undefined || (highlight ?? false) !== false;
}

function factsOf(notice: Notice, userId: string, isShort: boolean): JsonObject {
  const { unread, about } = notice;
  if (about === undefined) {
    // A zero may be left out of an event's counts; here it is all there is to say.
    return { counts: { unread } };
  }
  const { event, state } = about;
  const counts = unread === 0 ? {} : { counts: { unread } };
  const ids = { event_id: event.eventId, room_id: event.roomId, ...counts };
  if (isShort) return ids;
  const content = (type: string, key: string, stateKey = "") =>
    stringOrNone(state.content(type, stateKey)?.[key]);
  const sender = content("m.room.member", "displayname", event.sender);
  const alias = content("m.room.canonical_alias", "alias");
  const name = content("m.room.name", "name") ?? alias;
  return {
    ...ids,
    type: event.type,
    sender: event.sender,
    ...(sender !== undefined && { sender_display_name: sender }),
    ...(name !== undefined && { room_name: name }),
    ...(alias !== undefined && { room_alias: alias }),
    ...(event.type === "m.room.member" && { user_is_target: event.stateKey === userId }),
    prio: isUrgent(notice) ? "high" : "low",
    content: event.content,
  };
}

/** @see client-server API, "Actions": a highlight without a value is true */
function tweaksOf(actions: readonly JsonValue[]): Record<string, JsonValue> {
  const tweaks: Record<string, JsonValue> = {};
  for (const action of actions) {
    const name = isObject(action) ? stringOrNone(action["set_tweak"]) : undefined;
    if (isObject(action) && name !== undefined)
      tweaks[name] = action["value"] ?? (name === "highlight" ? true : "");
  }
  return tweaks;
}
