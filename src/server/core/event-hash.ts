/**
 * Content hashes and event ids.
 *
 * Source: Matrix specification, server-server API, "Calculating the content hash for an event",
 * "Calculating the reference hash for an event"; "Room Version 3" and "4", "Event IDs"; "Room Version 12", "Room IDs".
 */
import { hash as digest } from "node:crypto";
import { canonicalJson } from "./canonical-json.js";
import type { JsonObject } from "./json.js";
import { redactContent, redactEvent } from "./redaction.js";
import type { EventDraft, SealedEvent } from "./event.js";
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
 * Both hashes are over canonical texts that differ in the content and in `hashes` alone, so the texts are put
 * together of parts that are made once; {@link contentHash} and {@link referenceHash} say what they must be.
 *
 * @throws EventTooLargeError beyond {@link MAX_EVENT_BYTES}
 * @throws NotCanonicalError when the content has no canonical form
 */
export function sealEvent(version: RoomVersion, draft: EventDraft, place: Place): SealedEvent {
  const { type, sender, stateKey, redacts } = draft;
  const { ts, seq, prevEvents, authEvents, replaces } = place;
  const content =
    redacts !== undefined && version.redactsInContent ? { ...draft.content, redacts } : draft.content;
  // A redaction leaves nothing of what an older version says beside the content.
  const redactsBeside = version.redactsInContent ? undefined : redacts;

  const authText = canonicalJson(authEvents);
  const prevText = canonicalJson(prevEvents);
  const contentText = canonicalJson(content, ".content");
  // Every key in its place among the sorted ones.
  const head = `{"auth_events":${authText},"content":`;
  const depth = `,"depth":${seq},`;
  const time = `"origin_server_ts":${canonicalJson(ts)},"prev_events":${prevText},`;
  const redactsText = redactsBeside === undefined ? "" : `"redacts":${canonicalJson(redactsBeside)},`;
  const roomText = place.roomId === "" ? "" : `"room_id":${canonicalJson(place.roomId)},`;
  const keyText = stateKey === undefined ? "" : `"state_key":${canonicalJson(stateKey)},`;
  const tail = `${roomText}"sender":${canonicalJson(sender)},${keyText}"type":${canonicalJson(type)}}`;

  const text = head + contentText + depth + time + redactsText + tail;
  if (isTooLarge(text)) throw new EventTooLargeError(`an event has at most ${MAX_EVENT_BYTES} bytes`);
  const hash = unpadded(digest("sha256", text, "base64"));

  const kept = canonicalJson(redactContent(version, type, content));
  const reference = idDigest(version, `${head}${kept}${depth}"hashes":{"sha256":"${hash}"},${time}${tail}`);
  const isHashedRoom = version.creatorsRule && type === "m.room.create";
  const sealed: Writable<SealedEvent> = {
    eventId: `$${reference}`,
    roomId: isHashedRoom ? `!${reference}` : place.roomId,
    type,
    sender,
    content,
    ts,
    seq,
    prevEvents,
    authEvents,
    hash,
    contentText,
    proofText: `[${prevText},${authText},"${hash}"]`,
  };
  if (stateKey !== undefined) sealed.stateKey = stateKey;
  if (redacts !== undefined) sealed.redacts = redacts;
  if (replaces !== undefined) sealed.replaces = replaces;
  return sealed;
}

/** An object while it is put together: spreading parts into another costs more than all its fields. */
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A UTF-16 unit takes three bytes at most: most texts need not be counted. */
const isTooLarge = (text: string): boolean =>
  text.length > MAX_EVENT_BYTES / 3 && Buffer.byteLength(text) > MAX_EVENT_BYTES;

/** @returns the hash of a whole event, but for what is added to it later: base64 without padding */
export function contentHash(event: JsonObject): string {
  const { signatures: _signatures, unsigned: _unsigned, hashes: _hashes, ...hashed } = event;
  return unpadded(digest("sha256", canonicalJson(hashed), "base64"));
}

/** @returns the hash that event ids are made of, as the room version writes it. */
export function referenceHash(version: RoomVersion, event: JsonObject): string {
  const {
    signatures: _signatures,
    unsigned: _unsigned,
    age_ts: _age,
    event_id: _id,
    ...hashed
  } = redactEvent(version, event);
  return idDigest(version, canonicalJson(hashed));
}

const idDigest = ({ eventIdEncoding }: RoomVersion, text: string): string =>
  unpadded(digest("sha256", text, eventIdEncoding));

/** 32 bytes are 43 letters, and one that fills up. */
const unpadded = (base64: string): string => base64.slice(0, 43);
