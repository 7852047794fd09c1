/** A client of sliding sync that is not more than its requests. */
import type { Person } from "./test-server.js";

interface SlidingEvent {
  readonly type: string;
  readonly event_id: string;
  readonly state_key?: string;
  readonly sender: string;
  readonly content: Readonly<Record<string, unknown>>;
}

export interface SlidingRoom {
  readonly initial?: boolean;
  readonly name?: string | null;
  readonly avatar?: string | null;
  readonly is_dm?: boolean;
  readonly heroes?: readonly { readonly user_id: string; readonly displayname?: string }[];
  readonly invite_state?: readonly SlidingEvent[];
  readonly required_state?: readonly SlidingEvent[];
  readonly timeline?: readonly SlidingEvent[];
  readonly prev_batch?: string;
  readonly limited?: boolean;
  readonly num_live?: number;
  readonly bump_stamp?: number;
  readonly joined_count?: number;
  readonly invited_count?: number;
  readonly notification_count?: number;
  readonly highlight_count?: number;
  readonly unstable_expanded_timeline?: boolean;
}

interface RoomEvents {
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
}

export interface SlidingAnswer {
  readonly pos: string;
  readonly txn_id?: string;
  readonly lists: Readonly<Record<string, { readonly count: number }>>;
  readonly rooms: Readonly<Record<string, SlidingRoom>>;
  readonly extensions: {
    readonly to_device?: { readonly next_batch: string; readonly events: readonly RoomEvents[] };
    readonly e2ee?: {
      readonly device_lists?: { readonly changed: readonly string[]; readonly left: readonly string[] };
      readonly device_one_time_keys_count: Readonly<Record<string, number>>;
      readonly device_unused_fallback_key_types: readonly string[];
    };
    readonly account_data?: {
      readonly global: readonly RoomEvents[];
      readonly rooms: Readonly<Record<string, readonly RoomEvents[]>>;
    };
    readonly receipts?: { readonly rooms: Readonly<Record<string, RoomEvents>> };
    readonly typing?: { readonly rooms: Readonly<Record<string, RoomEvents>> };
  };
}

/** One request. */
export function slide(
  person: Pick<Person, "call">,
  body: object,
  pos?: string,
  timeoutMs = 0,
): Promise<SlidingAnswer> {
  const query = new URLSearchParams({ timeout: String(timeoutMs), ...(pos !== undefined && { pos }) });
  const path = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?${query.toString()}`;
  return person.call("POST", path, body);
}

/** A connection: each request goes on from where the one before ended. */
export class Slider {
  request: object;
  readonly #person: Pick<Person, "call">;
  #pos: string | undefined;

  constructor(person: Pick<Person, "call">, request: object) {
    this.#person = person;
    this.request = request;
  }

  async sync(timeoutMs = 0): Promise<SlidingAnswer> {
    const answer = await slide(this.#person, this.request, this.#pos, timeoutMs);
    this.#pos = answer.pos;
    return answer;
  }
}
