/** What comes into a room from now on, as one of its people hears it. */
import type { Person } from "./test-server.js";

export interface HeardEvent {
  readonly type: string;
  readonly event_id: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: Readonly<Record<string, unknown>>;
}

interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Readonly<
      Record<string, { readonly timeline: { readonly events: readonly HeardEvent[] } }>
    >;
  };
}

const PATIENCE_MS = 40_000;
const WAIT_MS = 2_000;

export class Listener {
  readonly events: HeardEvent[] = [];
  readonly #person: Person;
  readonly #roomId: string;
  #since: string;

  static async in(person: Person, roomId: string): Promise<Listener> {
    const { next_batch: since } = await person.get<SyncAnswer>("sync?timeout=0");
    return new Listener(person, roomId, since);
  }

  private constructor(person: Person, roomId: string, since: string) {
    this.#person = person;
    this.#roomId = roomId;
    this.#since = since;
  }

  /** Resolves with the first event, of all that came, that is as it should be. @throws Error when none comes in time */
  async hears(isWanted: (event: HeardEvent) => boolean): Promise<HeardEvent> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.events.find(isWanted);
      if (found !== undefined) return found;
      if (performance.now() > deadline)
        throw new Error(
          `not within ${PATIENCE_MS} ms: ${isWanted.toString()}\n${JSON.stringify(this.events)}`,
        );
      const answer = await this.#person.get<SyncAnswer>(`sync?timeout=${WAIT_MS}&since=${this.#since}`);
      this.#since = answer.next_batch;
      this.events.push(...(answer.rooms?.join?.[this.#roomId]?.timeline.events ?? []));
    }
  }
}
