/** `/sync` as a plain call, and what of its answers the tests look at. */
import type { Person } from "./test-server.js";

export interface TimelineEvent {
  event_id: string;
  type: string;
  sender: string;
  content: Record<string, unknown>;
  unsigned?: Record<string, unknown>;
}
interface Timeline {
  readonly events: readonly TimelineEvent[];
  readonly limited: boolean;
  readonly prev_batch: string;
}
interface JoinedRoom {
  readonly timeline: Timeline;
  readonly state: { readonly events: Timeline["events"] };
  readonly ephemeral: { readonly events: readonly { type: string; content: Record<string, unknown> }[] };
  readonly unread_notifications: { readonly notification_count: number; readonly highlight_count: number };
  readonly summary?: Record<string, unknown>;
}
export interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Record<string, JoinedRoom>;
    readonly invite?: Record<string, { invite_state: { events: { type: string }[] } }>;
    readonly leave?: Record<string, { timeline: Timeline }>;
  };
  readonly account_data?: { readonly events: readonly { type: string; content: Record<string, unknown> }[] };
  readonly to_device?: { readonly events: readonly Record<string, unknown>[] };
  readonly device_lists?: { readonly changed: string[]; readonly left: string[] };
}

/**
 * All that is there at once, unless something is to be waited for.
 * @param more of the query, with its `&`
 */
export const sync = (person: Person, since?: string, more = "", waitMs = 0): Promise<SyncAnswer> =>
  person.get<SyncAnswer>(`sync?timeout=${waitMs}${since === undefined ? "" : `&since=${since}`}${more}`);
