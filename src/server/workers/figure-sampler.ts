/**
 * Takes a sample of the figures each minute, and carries them over a restart.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ServerConfig } from "../../shared/server-config.js";
import type { Log } from "../runtime/log.js";
import { dataFolderOf, type BoardWatch } from "../service/board-watch.js";
import { FIGURE_NAMES, SAMPLE_MS, type FigureColumns } from "../service/figures.js";

const Column = z.array(z.number().nullable());
/** A figure that an older server did not have is unknown then. */
const Kept = z.object({ at: z.array(z.number()), figures: z.record(z.string(), Column) });

export class FigureSampler {
  readonly #watch: BoardWatch;
  readonly #log: Log;
  /** Undefined with PostgreSQL: nothing is the server's own there. */
  readonly #path: string | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #running: Promise<void> | undefined;

  constructor(watch: BoardWatch, log: Log, config: Pick<ServerConfig, "store" | "media">) {
    this.#watch = watch;
    this.#log = log;
    this.#path = config.store.kind === "sqlite" ? join(dataFolderOf(config), "figures.json") : undefined;
  }

  /** @param everyMs other times are for tests */
  start(everyMs = SAMPLE_MS): void {
    this.#restore();
    this.#timer = setInterval(() => {
      this.#running = this.#watch
        .take(Date.now())
        .catch((error: unknown) => this.#log.warn("the figures of this minute are missing", { error }));
    }, everyMs);
  }

  /** Keeps what there is for the next start. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    if (this.#path === undefined) return;
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify(this.#watch.figures.since(0)), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#log.warn("the figures of the last day are lost: their file cannot be written", { error });
    }
  }

  #restore(): void {
    if (this.#path === undefined) return;
    try {
      const { at, figures } = Kept.parse(JSON.parse(readFileSync(this.#path, "utf8")));
      const columns = FIGURE_NAMES.map((name) => [name, figures[name] ?? []]);
      this.#watch.figures.restore({ at, figures: Object.fromEntries(columns) as FigureColumns["figures"] });
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOENT")
        this.#log.warn("the figures of before are lost: their file cannot be read", { error });
    }
  }
}
