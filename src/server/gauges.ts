/**
 * What is measured when somebody looks.
 */
import type { Bus } from "./bus/bus.js";
import type { Services } from "./service/services.js";

/** @param bus absent where nothing leaves the process */
export function addGauges({ config, metrics, stream, store, welcome }: Services, bus: Bus | undefined): void {
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    metrics.add({ name, help, type: "gauge", read });
  gauge("imcloud_resident_memory_bytes", "Memory of the process.", () => process.memoryUsage.rss());
  gauge("imcloud_sync_waiters", "Syncs that wait for something new.", () => stream.waiting);
  gauge("imcloud_stream_position", "Everything that ever happened, counted.", () => stream.latest);
  if (config.welcome?.listener !== undefined)
    gauge("imcloud_welcome_up", "1 while the welcome page is there in plain HTTP.", () =>
      welcome.trouble === undefined ? 1 : 0,
    );
  if (bus === undefined) return;
  gauge(
    "imcloud_outbox_lag_events",
    "Events that the broker has not confirmed yet.",
    async () => (await store.outbox.lag(bus.name)).events,
  );
  gauge(
    "imcloud_dead_letters",
    "Events that the broker refused for good.",
    async () => (await store.outbox.lag(bus.name)).deadLetters,
  );
  gauge("imcloud_bus_up", "1 while the broker can be reached.", () => (bus.trouble === undefined ? 1 : 0));
}
