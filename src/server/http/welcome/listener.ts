/**
 * The plain listener: nobody's chat depends on it, so a port that another program holds is told of and tried again,
 * and stops nothing.
 */
import type { WelcomeConfig } from "../../../shared/welcome-config.js";
import { listen, type RunningListener } from "../../runtime/http.js";
import type { Log } from "../../runtime/log.js";
import type { Welcome } from "../../service/welcome.js";
import type { WelcomePages } from "./pages.js";

/** Between two trials, in milliseconds: what health says is at most that old. */
const RETRY_MS = 30_000;
/** Nobody has a body to send here. */
const MOST_BYTES = 1_024;

const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program has it",
  EACCES: "the server may not have it; ports below 1024 need CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "this machine does not have the address",
};

export class WelcomeListener {
  readonly #at: NonNullable<WelcomeConfig["listener"]>;
  readonly #welcome: Welcome;
  readonly #pages: WelcomePages;
  readonly #log: Log;
  readonly #retryMs: number;
  #running: RunningListener | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    at: NonNullable<WelcomeConfig["listener"]>,
    welcome: Welcome,
    pages: WelcomePages,
    log: Log,
    retryMs = RETRY_MS,
  ) {
    this.#at = at;
    this.#welcome = welcome;
    this.#pages = pages;
    this.#log = log;
    this.#retryMs = retryMs;
  }

  /** Listens, or tries until it can. */
  start(): void {
    const { address, port } = this.#at;
    const wasTrouble = this.#welcome.trouble;
    try {
      this.#running = listen(this.#at, MOST_BYTES, (request) =>
        Promise.resolve(this.#pages.answerAlone(request)),
      );
      this.#welcome.port = this.#running.port;
      this.#welcome.trouble = undefined;
      if (wasTrouble !== undefined) this.#log.info("the welcome page is there now", { address, port });
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      this.#welcome.trouble = `port ${port} for the welcome page: ${WORDS[code] ?? message}`;
      if (this.#welcome.trouble !== wasTrouble)
        this.#log.warn("no welcome page; everything else goes on", {
          address,
          port,
          error,
        });
      this.#timer = setTimeout(() => this.start(), this.#retryMs);
    }
  }

  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#running?.close();
    this.#welcome.port = undefined;
    await this.#running?.end(graceMs);
  }
}
