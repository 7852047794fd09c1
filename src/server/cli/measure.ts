/**
 * `measure`: how fast the board's disk makes a message safe, and how fast the broker passes one on. A few
 * seconds of load on a live system, bounded in time and in bytes; nothing of it reaches a consumer.
 */
import { open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import type { ServerConfig } from "../../shared/server-config.js";
import type { BrokerPace } from "./measure-rabbitmq.js";
import { timesOf, type Times } from "./times.js";

const FSYNC_MS = 3_000;
const FSYNC_MOST = 2_000;
/** What SQLite writes at least for a commit. */
const PAGE_BYTES = 4096;

/** What `measure` prints, as one JSON document. */
interface Measured {
  /** A page written and made durable, again and again, in the data folder. */
  readonly fsync: Times;
  /** Durable messages, published with confirms and consumed with acknowledgements; absent without a broker. */
  readonly broker?: BrokerPace;
}

export async function measure(config: ServerConfig): Promise<void> {
  const folder = config.store.kind === "sqlite" ? dirname(config.store.path) : ".";
  const fsync = await measureFsync(folder);
  const broker = await measureBroker(config.bus);
  const measured: Measured = { fsync, ...(broker && { broker }) };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

async function measureBroker(bus: ServerConfig["bus"]): Promise<BrokerPace | undefined> {
  if (bus.kind === "memory") return undefined;
  if (bus.kind === "kafka") {
    const { measureKafka } = await import("./measure-kafka.js");
    return measureKafka(bus);
  }
  const { measureRabbitmq } = await import("./measure-rabbitmq.js");
  return measureRabbitmq(bus);
}

async function measureFsync(folder: string): Promise<Times> {
  const path = join(folder, `.measure-${process.pid}`);
  const file = await open(path, "w", 0o600);
  const times: number[] = [];
  try {
    const page = Buffer.alloc(PAGE_BYTES, 1);
    const end = performance.now() + FSYNC_MS;
    while (times.length < FSYNC_MOST && performance.now() < end) {
      const startedAt = performance.now();
      await file.write(page, 0, PAGE_BYTES, times.length * PAGE_BYTES);
      await file.datasync();
      times.push(performance.now() - startedAt);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  return timesOf(times);
}
