/**
 * The running server: what is started, in which order, and how it stops.
 */
import type { ServerConfig } from "../shared/server-config.js";
import { App, type AppOptions } from "./http/app.js";
import { listen, type RunningListener } from "./runtime/http.js";
import type { Log } from "./runtime/log.js";
import { openServices, type Services } from "./service/services.js";
import { openStore } from "./store/store.js";

/** Time for requests under way when the server stops, in milliseconds. */
const GRACE_MS = 10_000;
/** Between two rounds of tidying, in milliseconds. */
const TIDY_MS = 10 * 60_000;

export interface RunningServer {
  readonly services: Services;
  readonly app: App;
  readonly ports: readonly number[];
  reload(): void;
  /** Answers what was asked, then closes everything. */
  stop(): Promise<void>;
}

/** @throws Error when the store, the bus or a listener cannot be opened; nothing stays open then */
export async function startServer(
  config: ServerConfig,
  log: Log,
  options: AppOptions = {},
): Promise<RunningServer> {
  const store = await openStore(config);
  const services = await openServices(config, store, log);
  const app = new App(services, options);
  const listeners: RunningListener[] = [];
  const tidy = setInterval(() => {
    services.stream.tidy();
    store.tidy().catch((error: unknown) => log.warn("tidying failed", { error }));
  }, TIDY_MS);

  const stop = async () => {
    clearInterval(tidy);
    const closing = listeners.map((listener) => listener.stop(false));
    services.stream.wakeAll();
    await app.stop(GRACE_MS);
    await Promise.all(listeners.map((listener) => listener.stop(true)));
    await Promise.all(closing);
    await store.close();
  };

  try {
    for (const listener of config.listeners) {
      listeners.push(
        listen(listener, config.limits.requestBytes, (request, address) => app.handle(request, address)),
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    services,
    app,
    ports: listeners.map(({ port }) => port),
    reload: () => listeners.forEach((listener) => listener.reload()),
    stop,
  };
}
