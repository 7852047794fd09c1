/**
 * Identifiers: how they look, and how new ones are made.
 *
 * Source: Matrix specification, appendices, "Identifier Grammar". All are at most 255 bytes.
 */
import { randomBytes } from "node:crypto";
import { z } from "zod";

const MAX_BYTES = 255;
/** Most are so short that their bytes need not be counted: a UTF-16 unit takes three at most. */
const short = (text: string): boolean =>
  (text.length <= MAX_BYTES / 3 || Buffer.byteLength(text) <= MAX_BYTES) &&
  !text.includes("\0") &&
  text.isWellFormed();
const TOO_LONG = `at most ${MAX_BYTES} bytes, without NUL`;

/** Historical user ids may hold more characters than new ones; here only what every id must have. */
export const UserId = z.string().startsWith("@").includes(":").refine(short, TOO_LONG);
/** With a server name in room versions up to 11; from 12 on, the create event's hash. */
export const RoomId = z.string().startsWith("!").min(2).refine(short, TOO_LONG);
export const EventId = z.string().startsWith("$").min(2).refine(short, TOO_LONG);
export const RoomAlias = z.string().startsWith("#").includes(":").refine(short, TOO_LONG);
export const RoomIdOrAlias = z.string().regex(/^[!#]/).refine(short, TOO_LONG);
export const DeviceId = z.string().min(1).refine(short, TOO_LONG);
export const TxnId = z.string().min(1).refine(short, TOO_LONG);
export const EventType = z.string().min(1).refine(short, TOO_LONG);
export const StateKey = z.string().refine(short, TOO_LONG);

/** New localparts: lower case, digits and `._=-/+`. */
const LOCALPART = /^[a-z0-9._=\-/+]+$/;

/** @returns whether a new account of the server may have this user id. */
export function isNewUserId(userId: string, serverName: string): boolean {
  const colon = userId.indexOf(":");
  return (
    userId.startsWith("@") &&
    LOCALPART.test(userId.slice(1, colon)) &&
    userId.slice(colon + 1) === serverName &&
    short(userId)
  );
}

/** `@alice:example.org` from `alice` or from the full id; upper case is folded, as login is not case-sensitive. */
export function toUserId(localpartOrId: string, serverName: string): string {
  const colon = localpartOrId.indexOf(":");
  if (!localpartOrId.startsWith("@") || colon < 0) return `@${localpartOrId.toLowerCase()}:${serverName}`;
  // The name of a server is its own: only the part before it is folded.
  return localpartOrId.slice(0, colon).toLowerCase() + localpartOrId.slice(colon);
}

/** @returns the part behind the first colon, or an empty text. */
export function serverOf(id: string): string {
  const colon = id.indexOf(":");
  return colon < 0 ? "" : id.slice(colon + 1);
}

/** A host name or address, with an optional port. Source: "Server Name". */
const SERVER_NAME = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?$/;
export const isServerName = (text: string): boolean => SERVER_NAME.test(text);

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Ten random letters, as people read device ids aloud. */
export function newDeviceId(): string {
  return Array.from(randomBytes(10), (byte) => LETTERS[byte % 26]).join("");
}

/** A room id of a version up to 11. */
export function newRoomId(serverName: string): string {
  return `!${randomBytes(14).toString("base64url")}:${serverName}`;
}

/** 192 random bits, unguessable: access tokens and session ids. */
export function newToken(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString("base64url")}`;
}
