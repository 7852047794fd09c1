/**
 * The bus: where every accepted event goes, for other systems to hear of.
 *
 * Delivery is at least once, in the order of the room for whoever drops repetitions by event id. The bus is
 * a hint; the store is the truth.
 */
import { hash } from "node:crypto";
import type { BusEvent, BusHeaders } from "../../shared/bus-event.js";
import type { StoredEvent } from "../core/event.js";

/** An event on its way. */
export interface BusMessage {
  readonly routingKey: string;
  readonly headers: Readonly<BusHeaders>;
  /** A {@link BusEvent}: the event as clients see it, as JSON. */
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly ts: number;
}

/** Taken over by the broker, or refused for good, with what it said. */
export type Publication =
  { readonly kind: "confirmed" } | { readonly kind: "refused"; readonly reason: string };

export interface Bus {
  /** Names the cursor in the store. */
  readonly name: string;
  /**
   * Hands messages over in order. Resolves when the broker has answered for each.
   *
   * @throws BusDownError when the connection is lost before that: what was taken over is unknown
   */
  publish(messages: readonly BusMessage[]): Promise<readonly Publication[]>;
  /** Why nothing can be published at present; undefined when it can. */
  readonly trouble: string | undefined;
  close(): Promise<void>;
}

/** The broker cannot be reached; it may be back later. */
export class BusDownError extends Error {
  override readonly name = "BusDownError";
}

/** AMQP allows 255 bytes in all; the room's part takes 17. */
const TYPE_BYTES = 200;

/** Rooms whose part of the key is remembered: those that talk, talk again. */
const REMEMBERED = 4_096;
const roomKeys = new Map<string, string>();

/** A room's part of the key binds all of the room's events, the type's part all of a type. */
export function routingKeyOf(roomId: string, eventType: string): string {
  return `${roomKeyOf(roomId)}.${cutBytes(eventType, TYPE_BYTES)}`;
}

function roomKeyOf(roomId: string): string {
  const known = roomKeys.get(roomId);
  if (known !== undefined) return known;
  const key = hash("sha256", roomId, "hex").slice(0, 16);
  if (roomKeys.size >= REMEMBERED) roomKeys.clear();
  roomKeys.set(roomId, key);
  return key;
}

export function toMessage(event: StoredEvent, serverName: string): BusMessage {
  const { type, stateKey, sender, content, ts, eventId, roomId, redacts, seq } = event;
  const body: BusEvent = {
    type,
    ...(stateKey !== undefined && { state_key: stateKey }),
    sender,
    content,
    origin_server_ts: ts,
    event_id: eventId,
    room_id: roomId,
    ...(redacts !== undefined && { redacts }),
  };
  return {
    routingKey: routingKeyOf(roomId, type),
    headers: { event_id: eventId, room_id: roomId, event_type: type, sender, seq, server_name: serverName },
    body: JSON.stringify(body),
    ts,
  };
}

/** Cuts a text to a number of bytes, between characters. */
function cutBytes(text: string, bytes: number): string {
  if (text.length <= bytes / 3) return text; // a UTF-16 unit takes three bytes at most
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.toString("utf8", 0, end);
}
