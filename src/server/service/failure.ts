/**
 * What the server answers when it cannot do what was asked: a Matrix error code and its HTTP status.
 *
 * Source: Matrix client-server API, "Standard error response".
 */
import type { JsonObject } from "../core/json.js";

const STATUS = {
  M_FORBIDDEN: 403,
  M_UNKNOWN_TOKEN: 401,
  M_MISSING_TOKEN: 401,
  M_USER_DEACTIVATED: 403,
  M_INVITE_BLOCKED: 403,
  M_USER_SUSPENDED: 403,
  M_USER_LOCKED: 401,
  M_BAD_JSON: 400,
  M_NOT_JSON: 400,
  M_NOT_FOUND: 404,
  M_LIMIT_EXCEEDED: 429,
  M_UNKNOWN: 500,
  M_UNRECOGNIZED: 404,
  M_USER_IN_USE: 400,
  M_INVALID_USERNAME: 400,
  M_ROOM_IN_USE: 400,
  M_INVALID_ROOM_STATE: 400,
  M_UNSUPPORTED_ROOM_VERSION: 400,
  M_BAD_STATE: 400,
  M_GUEST_ACCESS_FORBIDDEN: 403,
  M_MISSING_PARAM: 400,
  M_INVALID_PARAM: 400,
  M_TOO_LARGE: 413,
  M_EXCLUSIVE: 400,
  M_WEAK_PASSWORD: 400,
  M_PROFILE_TOO_LARGE: 400,
  M_KEY_TOO_LARGE: 400,
  M_CANNOT_LEAVE_SERVER_NOTICE_ROOM: 403,
  M_BAD_ALIAS: 400,
  M_DUPLICATE_ANNOTATION: 400,
  M_WRONG_ROOM_KEYS_VERSION: 403,
  M_NOT_YET_UPLOADED: 504,
  M_CANNOT_OVERWRITE_MEDIA: 409,
  M_INVALID_SIGNATURE: 400,
  M_UNKNOWN_POS: 400,
  M_UNKNOWN_ACTIVATION_TOKEN: 400,
  M_EXPIRED_ACTIVATION_TOKEN: 410,
  M_UNKNOWN_DEVICE: 400,
  M_URL_NOT_SET: 400,
  M_BAD_STATUS: 502,
  M_CONNECTION_FAILED: 502,
  M_CONNECTION_TIMEOUT: 504,
} as const;
export type FailureCode = keyof typeof STATUS;

/** Ends a request with an error that the client understands. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly status: number;
  readonly extra: JsonObject;

  /** @param extra further fields of the answer, such as `retry_after_ms` or `soft_logout` */
  constructor(code: FailureCode, message: string, extra: JsonObject & { readonly status?: number } = {}) {
    super(message);
    this.code = code;
    const { status, ...rest } = extra;
    this.status = status ?? STATUS[code];
    this.extra = rest;
  }

  toJSON(): JsonObject {
    return { errcode: this.code, error: this.message, ...this.extra };
  }
}

export const forbidden = (message: string): Failure => new Failure("M_FORBIDDEN", message);
export const notFound = (message: string): Failure => new Failure("M_NOT_FOUND", message);
export const invalid = (message: string): Failure => new Failure("M_INVALID_PARAM", message);
/** Source: Matrix client-server API, "Account suspension". */
export const suspended = (): Failure => new Failure("M_USER_SUSPENDED", "the account is suspended");
