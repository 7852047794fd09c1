/**
 * Runs retention again and again, in the background.
 */
import type { Log } from "../runtime/log.js";
import type { Retention } from "../service/retention.js";

/** Between two runs, in milliseconds: a message stays at most so much longer than it should. */
const EVERY_MS = 60 * 60_000;

export class RetentionJob {
  readonly #retention: Pick<Retention, "run">;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;

  constructor(retention: Pick<Retention, "run">, log: Log) {
    this.#retention = retention;
    this.#log = log;
  }

  /** @param everyMs milliseconds to the first run, and from the end of one to the next */
  start(everyMs = EVERY_MS): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#run().finally(() => {
        if (!this.#stopping.signal.aborted) this.start(everyMs);
      });
    }, everyMs);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      const { messages, media } = await this.#retention.run(Date.now(), this.#stopping.signal);
      if (messages + media > 0) this.#log.info("retention", { messages, media });
    } catch (error) {
      this.#log.warn("retention failed, and is tried again", { error });
    }
  }
}
