/**
 * The administration API, as whoever is signed in here. docs/admin-api.md
 */
import { signal } from "@preact/signals";
import { ApiError, call } from "../api.js";
import { forgetSession, storedSession } from "../session.js";

export const session = signal(storedSession());

const BASE = "/_imcloud/admin/v1";
/** How often a request that came too soon is asked again. */
const PATIENCE = 5;

type Method = "GET" | "POST" | "PUT" | "DELETE";

/**
 * Asks; waits where the server says that it was too soon.
 *
 * @param path below the API's own
 * @throws ApiError, OfflineError; where the session is over, also whoever was signed in is forgotten
 */
export async function ask<T = object>(method: Method, path: string, body?: object): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call<T>(BASE + path, {
        method,
        token: session.value?.accessToken,
        ...(body !== undefined && { body }),
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) {
        await forgetSession();
        session.value = undefined;
      }
      if (error.code !== "M_LIMIT_EXCEEDED" || attempt >= PATIENCE) throw error;
      await wait(Number(error.body["retry_after_ms"] ?? 1_000));
    }
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const get = <T>(path: string): Promise<T> => ask<T>("GET", path);

/** A part of a path. */
export const part = (text: string): string => encodeURIComponent(text);

/** @returns `?a=1&b=2`, without what is empty */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query === "" ? "" : `?${query}`;
}

export interface User {
  readonly user_id: string;
  readonly display_name?: string;
  readonly admin: boolean;
  readonly deactivated: boolean;
  readonly suspended: boolean;
  readonly locked: boolean;
  readonly created_at: number;
  readonly media_quota_bytes?: number;
}

export interface Device {
  readonly device_id: string;
  readonly display_name?: string;
  readonly last_seen_at?: number;
  readonly last_seen_ip?: string;
}

export interface UserDetails extends User {
  readonly devices: readonly Device[];
  readonly joined_rooms: number;
  readonly media_count: number;
  readonly media_bytes: number;
}

export interface Room {
  readonly room_id: string;
  readonly name?: string;
  readonly canonical_alias?: string;
  readonly version: string;
  readonly joined: number;
  readonly published: boolean;
  readonly blocked: boolean;
}

export interface RoomDetails extends Room {
  readonly topic?: string;
  readonly creator: string;
  readonly created_at: number;
  readonly encrypted: boolean;
  readonly join_rule: string;
  readonly history_visibility: string;
  readonly members: Readonly<Record<string, readonly string[]>>;
}

export interface Token {
  readonly id: string;
  readonly uses?: number;
  readonly used: number;
  readonly expires_at?: number;
  readonly created_at: number;
}

/** The answer that is the only one to show it. */
export interface Invitation {
  readonly token: string;
  readonly link: string;
  readonly fingerprint?: readonly string[];
  readonly trouble?: string;
}

export interface MediaFile {
  readonly media_id: string;
  readonly created_at: number;
  readonly quarantined: boolean;
  readonly bytes?: number;
  readonly type?: string;
  readonly name?: string;
}

export interface Report {
  readonly report_id: number;
  readonly reporter: string;
  readonly room_id?: string;
  readonly event_id?: string;
  readonly user_id?: string;
  readonly reason: string;
  readonly reported_at: number;
}

export interface Finding {
  readonly check: string;
  readonly title: string;
  readonly verdict: "ok" | "warning" | "critical" | "unknown";
  readonly summary: string;
  readonly measured?: string;
  readonly threshold?: string;
  readonly hint?: string;
}

type Values<T> = Readonly<Record<string, T>>;

export interface FiguresAnswer {
  readonly interval_ms: number;
  readonly at: readonly number[];
  readonly figures: Values<readonly (number | null)[]>;
  readonly now: { readonly at: number; readonly figures: Values<number | null> };
}

export interface Settings {
  readonly server_name: string;
  /** Where somebody begins whose device may not know the server: the chat, or the welcome page. */
  readonly entrance: string;
  /** Of the cloud's own authority, in lines. */
  readonly fingerprint?: readonly string[];
  readonly registration: "closed" | "token" | "open";
  readonly password_minimum: number;
  readonly user_media_bytes: number;
  readonly notices_user_id: string;
  readonly retention: {
    readonly enabled: boolean;
    readonly message_days?: number;
    readonly least_message_days?: number;
    readonly most_message_days?: number;
    readonly media_days?: number;
  };
}
