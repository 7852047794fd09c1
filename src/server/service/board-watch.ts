/**
 * The server's own view of itself and its board: what it measures, what it remembers, and what it makes of it.
 */
import { dirname } from "node:path";
import type { ServerConfig } from "../../shared/server-config.js";
import type { Bus } from "../bus/bus.js";
import { readBoard, type BoardFigures } from "../runtime/board.js";
import { StoreError } from "../store/database.js";
import type { Store } from "../store/store.js";
import { findingsOf, type Finding, type OutboxFigures } from "./board-health.js";
import { Figures, quantile, type Durations, type Sample } from "./figures.js";
import type { Metrics } from "./metrics.js";
import { assertStoreReady } from "./store-ready.js";

/** Rates over less than this say little, in milliseconds. */
const LEAST_SPAN_MS = 5_000;
/** Under-voltage, and what slows the processors. Source: Raspberry Pi documentation, `vcgencmd get_throttled`. */
const SLOWED_NOW = 0b1111;

/** What was counted until a moment. */
interface Counted {
  /** Milliseconds of a clock that nobody sets. */
  readonly at: number;
  readonly events: number;
  readonly durations: Durations;
}

interface Parts {
  readonly store: Store;
  readonly metrics: Metrics;
  readonly stream: { readonly waiting: number };
  readonly config: ServerConfig;
}

/** Where the server's data are: SQLite's folder, or that of the media. */
export const dataFolderOf = ({ store, media }: Pick<ServerConfig, "store" | "media">): string =>
  store.kind === "sqlite" ? dirname(store.path) : (media.folder ?? process.cwd());

export class BoardWatch {
  readonly figures = new Figures();
  readonly #parts: Parts;
  readonly #readBoard: () => BoardFigures;
  #bus: Bus | undefined;
  #events = 0;
  #last: Counted;
  /** The one before: for who looks shortly after the last. */
  #previous: Counted | undefined;

  /** @param root of the file system that the board is read from; another one is for tests */
  constructor(parts: Parts, root?: string) {
    this.#parts = parts;
    this.#readBoard = () => readBoard(dataFolderOf(parts.config), root);
    parts.store.onChanges((changes) => {
      for (const { kind } of changes) if (kind === "event") this.#events += 1;
    });
    this.#last = this.#count();
  }

  /** @param bus where the events go; never called where they do not leave the process */
  follow(bus: Bus): void {
    this.#bus = bus;
  }

  /** Takes a sample of the time since the last one. @param now milliseconds since 1970 */
  async take(now: number): Promise<void> {
    const counted = this.#count();
    const sample = await this.#measure(this.#last, counted);
    this.#previous = this.#last;
    this.#last = counted;
    this.figures.add(now, sample);
  }

  /** As it is now; rates and latencies are those since the last sample, or a little longer. */
  look(): Promise<Sample> {
    const counted = this.#count();
    const isRecent = counted.at - this.#last.at < LEAST_SPAN_MS;
    // Until a new server has run a while, its rates are unknown.
    return this.#measure(isRecent ? this.#previous : this.#last, counted);
  }

  async health(now: Date): Promise<Finding[]> {
    const { config, store } = this.#parts;
    const storeTrouble = await assertStoreReady(store).then(
      () => undefined,
      (error: unknown) =>
        (error instanceof StoreError ? error.trouble : undefined) ??
        (error instanceof Error ? error.message : String(error)),
    );
    return findingsOf(
      {
        config,
        board: this.#readBoard(),
        storeTrouble,
        bus: this.#bus && { trouble: this.#bus.trouble, outbox: await this.#outbox(this.#bus) },
      },
      now,
    );
  }

  #count(): Counted {
    return { at: performance.now(), events: this.#events, durations: this.#parts.metrics.durations() };
  }

  async #measure(from: Counted | undefined, to: Counted): Promise<Sample> {
    const board = this.#readBoard();
    const { flags } = board.power;
    const outbox = this.#bus === undefined ? undefined : await this.#outbox(this.#bus);
    return known({
      ...(from !== undefined && ratesOf(from, to)),
      waiting_syncs: this.#parts.stream.waiting,
      memory: process.memoryUsage.rss(),
      board_memory: board.memoryBytes,
      board_memory_available: board.memoryAvailableBytes,
      load: board.load,
      disk_used: board.diskUsedBytes,
      disk_free: board.diskFreeBytes,
      temperature: board.temperatureC,
      throttled: flags === undefined ? undefined : (flags & SLOWED_NOW) === 0 ? 0 : 1,
      broker_up: this.#bus === undefined ? undefined : this.#bus.trouble === undefined ? 1 : 0,
      outbox_lag: outbox?.events,
      dead_letters: outbox?.deadLetters,
    });
  }

  /** @returns undefined while the store does not answer */
  #outbox(bus: Bus): Promise<OutboxFigures | undefined> {
    return this.#parts.store.outbox.lag(bus.name).catch((error: unknown) => {
      if (error instanceof StoreError) return undefined;
      throw error;
    });
  }
}

function ratesOf(from: Counted, to: Counted): Sample {
  const minutes = (to.at - from.at) / 60_000;
  const [before, after] = [from.durations, to.durations];
  const [p50, p99] = [quantile(0.5, before, after), quantile(0.99, before, after)];
  return {
    events: (to.events - from.events) / minutes,
    requests: (sum(after.counts) - sum(before.counts)) / minutes,
    ...(p50 !== undefined && { latency_p50: p50 }),
    ...(p99 !== undefined && { latency_p99: p99 }),
  };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** Without what is undefined. */
const known = (values: Readonly<Partial<Record<keyof Sample, number | undefined>>>): Sample =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
