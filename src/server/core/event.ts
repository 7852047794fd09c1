/**
 * Events: what the server stores, and the forms that clients see.
 *
 * Hashes and references are kept although there is no federation: a room id or event id of a current room
 * version is a hash, and a history without them could never be opened to other servers.
 */
import type { JsonObject } from "./json.js";

/** What somebody wants to say, before the room gives it its place. */
export interface EventDraft {
  readonly type: string;
  readonly stateKey?: string;
  readonly sender: string;
  readonly content: JsonObject;
  /** The event that this one redacts; for type `m.room.redaction` only. */
  readonly redacts?: string;
  /** When it was said, in milliseconds since 1970, where that is not now: a bridge knows better. */
  readonly ts?: number;
}

/** An event with its place in the room's history and its hashes; nothing in it can change any more. */
export interface RoomEvent extends EventDraft {
  readonly eventId: string;
  readonly roomId: string;
  /** Milliseconds since 1970: by this server's clock, or a bridge's. */
  readonly ts: number;
  /** 1 for the create event, and one more for every later event. */
  readonly seq: number;
  readonly prevEvents: readonly string[];
  readonly authEvents: readonly string[];
  /** SHA-256 of the whole event, base64 without padding. */
  readonly hash: string;
  /** The state event that this one replaced. */
  readonly replaces?: string;
}

/** An event as it was sealed, with the texts that sealing makes: what is stored need not be put together again. */
export interface SealedEvent extends RoomEvent {
  /** {@link content} as canonical JSON. */
  readonly contentText: string;
  /** JSON of {@link prevEvents}, {@link authEvents} and {@link hash}, in this order. */
  readonly proofText: string;
}

/** An event as the store gives it back. */
export interface StoredEvent extends RoomEvent {
  /** Its place among everything that ever happened on this server. */
  readonly position: number;
  /** The redaction that emptied it. */
  readonly redactedBecause?: JsonObject;
  /** Where it was sent from: only that device sees its transaction id. */
  readonly txn?: { readonly deviceId: string; readonly txnId: string };
}

/** Who asks: decides about `transaction_id`. */
export interface Viewer {
  readonly userId: string;
  readonly deviceId: string;
}

/**
 * The form of the client-server API.
 *
 * @param withRoomId false in sync, where the room is the key around it
 * @see Matrix client-server API, "Room event format"
 */
export function toClientEvent(
  event: StoredEvent,
  viewer: Viewer,
  withRoomId = true,
  nowMs = Date.now(),
): JsonObject {
  const own =
    event.txn !== undefined && event.sender === viewer.userId && event.txn.deviceId === viewer.deviceId;
  return {
    type: event.type,
    ...(event.stateKey !== undefined && { state_key: event.stateKey }),
    sender: event.sender,
    content: event.content,
    origin_server_ts: event.ts,
    event_id: event.eventId,
    ...(withRoomId && { room_id: event.roomId }),
    // Both forms, as the specification wants it: older clients look at the top, newer ones in the content.
    ...(event.redacts !== undefined && { redacts: event.redacts }),
    unsigned: {
      age: Math.max(0, nowMs - event.ts),
      ...(own && { transaction_id: event.txn.txnId }),
      ...(event.replaces !== undefined && { replaces_state: event.replaces }),
      ...(event.redactedBecause !== undefined && { redacted_because: event.redactedBecause }),
    },
  };
}

/** What an invited or knocking person may see of a room. */
export function toStrippedState(event: RoomEvent): JsonObject {
  return { type: event.type, state_key: event.stateKey ?? "", sender: event.sender, content: event.content };
}
