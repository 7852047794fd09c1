/** What comes into a room from now on, as one of its people hears it. */
import { sync, type TimelineEvent } from "./syncing.js";
import type { Person } from "./test-server.js";

export type HeardEvent = TimelineEvent;

const PATIENCE_MS = 40_000;
const WAIT_MS = 2_000;

export class Listener {
  readonly events: HeardEvent[] = [];
  readonly #person: Person;
  readonly #roomId: string;
  #since: string;

  static async in(person: Person, roomId: string): Promise<Listener> {
    const { next_batch: since } = await sync(person);
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
      const answer = await sync(this.#person, this.#since, "", WAIT_MS);
      this.#since = answer.next_batch;
      this.events.push(...(answer.rooms?.join?.[this.#roomId]?.timeline.events ?? []));
    }
  }
}
