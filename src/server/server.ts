/**
 * The running server: what is started, in which order, and how it stops.
 */
import type { ServerConfig } from "../shared/server-config.js";
import { openBus } from "./bus/open-bus.js";
import { App, type AppOptions } from "./http/app.js";
import { Operations } from "./http/operations.js";
import { WelcomeListener } from "./http/welcome/listener.js";
import { WelcomePages } from "./http/welcome/pages.js";
import { addGauges } from "./gauges.js";
import { listen, type RunningListener } from "./runtime/http.js";
import type { Log } from "./runtime/log.js";
import { holdLock } from "./runtime/sqlite.js";
import { openServices, type Services } from "./service/services.js";
import { openStore } from "./store/store.js";
import { PushSender } from "./workers/push-sender.js";
import { FigureSampler } from "./workers/figure-sampler.js";
import { RetentionJob } from "./workers/retention-job.js";
import { ServiceSender } from "./workers/service-sender.js";
import { OutboxDrainer } from "./workers/outbox-drainer.js";

/** Time for requests under way when the server stops, in milliseconds. */
const GRACE_MS = 10_000;
/** How late somebody may be said to be idle or gone, in milliseconds. */
const SWEEP_MS = 5_000;
/** Between two rounds of tidying, in milliseconds. */
const TIDY_MS = 10 * 60_000;

export interface RunningServer {
  readonly services: Services;
  readonly operations: Operations;
  /** The port of each listener, in the configuration's order. */
  readonly ports: readonly number[];
  /** Reads the certificates anew. */
  reload(): void;
  /** Answers what was asked, then closes everything. */
  stop(): Promise<void>;
}

/** @throws Error when the store or a listener cannot be opened; nothing stays open then */
export async function startServer(
  config: ServerConfig,
  log: Log,
  options: AppOptions = {},
): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack();
  if (config.store.kind === "sqlite")
    opened.adopt(holdServerLock(config.store.path), (lock) => lock.release());
  const store = opened.adopt(await openStore(config), (it) => it.close());
  const services = await openServices(config, store, log);
  opened.defer(() => services.media.stop());
  await services.media.tidy();

  const bus = opened.adopt(await openBus(config.bus), (it) => it.close());
  const drainer = new OutboxDrainer(store, bus, log, config.serverName);
  // Within the process nobody listens yet, and a cursor that only moves costs writes.
  if (config.bus.kind !== "memory") {
    drainer.start();
    opened.defer(() => drainer.stop());
  }
  const sender = new PushSender(services, config.store.kind === "postgres");
  sender.start();
  opened.defer(() => sender.stop());
  const serviceSender = new ServiceSender(services, config.store.kind === "postgres");
  serviceSender.start();
  opened.defer(() => serviceSender.stop());
  addGauges(services, config.bus.kind === "memory" ? undefined : bus);
  if (config.bus.kind !== "memory") services.watch.follow(bus);
  const sampler = new FigureSampler(services.watch, log, config);
  sampler.start();
  opened.defer(() => sampler.stop());

  services.delayedEvents.start();
  opened.defer(() => services.delayedEvents.stop());

  const operations = new Operations(services, {
    bus: () => bus.trouble,
    welcome: () => services.welcome.trouble,
  });
  const app = new App(services, options);
  const listeners: RunningListener[] = [];
  opened.defer(async () => {
    // No new connections; then those who wait are answered; then what is left is ended.
    for (const listener of listeners) listener.close();
    services.stream.wakeAll();
    await app.stop(GRACE_MS);
    await Promise.all(listeners.map((listener) => listener.end(GRACE_MS)));
  });
  const pages = new WelcomePages(services.welcome, config.serverName);
  const answer = async (request: Request, peer: () => string, isPrivate: boolean) =>
    pages.answer(request) ?? (await operations.answer(request, isPrivate)) ?? app.handle(request, peer);
  const mostBytes = Math.max(config.limits.requestBytes, config.media.uploadBytes);
  for (const listener of config.listeners) {
    listeners.push(
      listen(listener, mostBytes, (request, peer) =>
        isMatrix(request.url) ? app.handle(request, peer) : answer(request, peer, false),
      ),
    );
  }
  const ports = listeners.map(({ port }) => port);
  if (config.metrics.listener !== undefined) {
    listeners.push(
      listen(config.metrics.listener, mostBytes, (request, peer) => answer(request, peer, true)),
    );
  }

  if (config.welcome?.listener !== undefined) {
    const listener = new WelcomeListener(config.welcome.listener, services.welcome, pages, log);
    listener.start();
    opened.defer(() => listener.stop(GRACE_MS));
  }

  if (config.retention.enabled) {
    const retention = new RetentionJob(services.retention, log);
    retention.start();
    opened.defer(() => retention.stop());
  }
  const tidy = setInterval(() => {
    services.stream.tidy();
    store.tidy().catch((error: unknown) => log.warn("tidying failed", { error }));
    services.urlPreviews.tidy().catch((error: unknown) => log.warn("tidying failed", { error }));
  }, TIDY_MS);
  opened.defer(() => clearInterval(tidy));

  const indexing = setInterval(() => {
    store.search.indexSome().catch((error: unknown) => log.warn("words were not indexed", { error }));
  }, SWEEP_MS);
  opened.defer(() => clearInterval(indexing));
  const sweep = setInterval(() => services.presence.sweep(), SWEEP_MS);
  opened.defer(() => clearInterval(sweep));

  const running = opened.move();
  return {
    services,
    operations,
    ports,
    reload() {
      for (const listener of listeners) listener.reload();
      services.welcome.reload();
      pages.forget();
    },
    stop: () => running.disposeAsync(),
  };
}

/** A cheap look, before the URL is taken apart: nearly all requests are Matrix's. */
const isMatrix = (url: string): boolean => url.startsWith("/_matrix/", url.indexOf("/", "https://".length));

/** Two servers over one file would each miss what the other does. */
function holdServerLock(path: string): { release(): void } {
  try {
    return holdLock(`${path}.lock`);
  } catch (error) {
    throw new Error(`${path} is in use by another server, or its folder is not writable`, { cause: error });
  }
}
