/**
 * Content hashes and event ids.
 *
 * Source: Matrix specification, server-server API, "Calculating the content hash for an event",
 * "Calculating the reference hash for an event"; "Room Version 4", "Event IDs"; "Room Version 12", "Room IDs".
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.js";
import type { JsonObject } from "./json.js";
import { redactEvent } from "./redaction.js";
import type { EventDraft, RoomEvent } from "./event.js";
import type { RoomVersion } from "./room-versions.js";

/** Largest event in its full form, in bytes. */
export const MAX_EVENT_BYTES = 65_536;

/** An event, or one of its fields, is larger than the protocol allows. */
export class EventTooLargeError extends Error {
  override readonly name = "EventTooLargeError";
}

/** An event's place in the room: what it follows and what it leans on. */
export interface Place {
  /** Empty for a create event of a version whose room id is that event's hash. */
  readonly roomId: string;
  readonly seq: number;
  readonly ts: number;
  readonly prevEvents: readonly string[];
  readonly authEvents: readonly string[];
  readonly replaces?: string;
}

/**
 * Gives a draft its hashes and its id.
 *
 * @throws EventTooLargeError beyond {@link MAX_EVENT_BYTES}
 * @throws NotCanonicalError when the content has no canonical form
 */
export function sealEvent(version: RoomVersion, draft: EventDraft, place: Place): RoomEvent {
  const { redacts, ...rest } = draft;
  const content =
    redacts !== undefined && version.redactsInContent ? { ...draft.content, redacts } : draft.content;
  const full = fullEvent(version, { ...draft, content }, place);

  const text = canonicalJson(full);
  if (Buffer.byteLength(text) > MAX_EVENT_BYTES)
    throw new EventTooLargeError(`an event has at most ${MAX_EVENT_BYTES} bytes`);
  const hash = unpadded(sha256(text));

  const reference = referenceHash(version, { ...full, hashes: { sha256: hash } });
  const isHashedRoom = version.creatorsRule && draft.type === "m.room.create";
  return {
    ...rest,
    ...(redacts !== undefined && { redacts }),
    content,
    ...place,
    roomId: isHashedRoom ? `!${reference}` : place.roomId,
    eventId: `$${reference}`,
    hash,
  };
}

/** @returns the hash of a whole event, but for what is added to it later: base64 without padding */
export function contentHash(event: JsonObject): string {
  const { signatures: _signatures, unsigned: _unsigned, hashes: _hashes, ...hashed } = event;
  return unpadded(sha256(canonicalJson(hashed)));
}

/** @returns the hash that event ids are made of: base64 with `-` and `_`, without padding. */
export function referenceHash(version: RoomVersion, event: JsonObject): string {
  const {
    signatures: _signatures,
    unsigned: _unsigned,
    age_ts: _age,
    event_id: _id,
    ...hashed
  } = redactEvent(version, event);
  return sha256(canonicalJson(hashed)).toString("base64url");
}

function fullEvent(version: RoomVersion, draft: EventDraft, place: Place): JsonObject {
  return {
    auth_events: place.authEvents,
    content: draft.content,
    depth: place.seq,
    origin_server_ts: place.ts,
    prev_events: place.prevEvents,
    ...(place.roomId !== "" && { room_id: place.roomId }),
    sender: draft.sender,
    ...(draft.stateKey !== undefined && { state_key: draft.stateKey }),
    type: draft.type,
    ...(draft.redacts !== undefined && !version.redactsInContent && { redacts: draft.redacts }),
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

const unpadded = (hash: Buffer): string => hash.toString("base64").replace(/=+$/, "");
