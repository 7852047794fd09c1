/**
 * `serve`: run until told to stop.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ServerConfig } from "../../shared/server-config.js";
import { Log } from "../runtime/log.js";
import { systemdNotifier, watchdogIntervalMs } from "../runtime/systemd.js";
import { startServer, type RunningServer } from "../server.js";
import { StoreError } from "../store/database.js";
import { UsageError } from "./usage.js";

const DEV_PORT = 8008;

/** A server for one's own machine: everything in one folder, nobody else can reach it. */
export function devConfig(folder: string, port = String(DEV_PORT)): ServerConfig {
  if (!/^\d{1,5}$/.test(port)) throw new UsageError("--port takes a number");
  const path = resolve(folder);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return ServerConfig.parse({
    serverName: "imcloud.localhost",
    listeners: [{ address: "127.0.0.1", port: Number(port) }],
    publicBaseUrl: `http://127.0.0.1:${port}`,
    store: { kind: "sqlite", path: join(path, "imcloud.sqlite") },
    registration: { mode: "open" },
  });
}

/** @returns the exit code, when SIGTERM or SIGINT has stopped the server */
export async function serve(config: ServerConfig): Promise<number> {
  const log = new Log(config.logLevel);
  const server = await startServer(config, log);
  const notify = systemdNotifier(log);
  process.on("SIGHUP", () => reload(server, log, notify));
  const stopped = new Promise<string>((tell) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => tell(signal));
  });
  const watchdog = startWatchdog(server, log, notify);
  const addresses = config.listeners.map(
    ({ address, tls }, index) => `${tls ? "https" : "http"}://${address}:${server.ports[index] ?? 0}`,
  );
  log.info("ready", {
    serverName: config.serverName,
    addresses,
    store: config.store.kind,
    bus: config.bus.kind,
  });
  notify("READY=1");

  const signal = await stopped;
  log.info("stopping", { signal });
  notify("STOPPING=1");
  clearInterval(watchdog);
  await server.stop();
  log.info("stopped");
  return 0;
}

/** A certificate that cannot be read leaves the old one in use. */
function reload(server: RunningServer, log: Log, notify: (state: string) => void): void {
  try {
    server.reload();
    log.info("reloaded");
  } catch (error) {
    log.error("the certificates were not reloaded", { error });
  }
  notify("READY=1");
}

/** Tells systemd that the server lives, as long as its store's writer does; else systemd restarts it. */
function startWatchdog(
  server: RunningServer,
  log: Log,
  notify: (state: string) => void,
): ReturnType<typeof setInterval> | undefined {
  const everyMs = watchdogIntervalMs();
  if (everyMs === undefined) return undefined;
  return setInterval(() => {
    server.operations.assertReady().then(
      () => notify("WATCHDOG=1"),
      (error: unknown) => {
        // What is stored can be read all the same, and no restart makes room on a disk.
        if (error instanceof StoreError && error.trouble !== undefined) notify("WATCHDOG=1");
        else log.error("the watchdog is not fed", { error });
      },
    );
  }, everyMs);
}
