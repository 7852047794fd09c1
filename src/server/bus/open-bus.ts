import type { ServerConfig } from "../../shared/server-config.js";
import type { Bus } from "./bus.js";
import { MemoryBus } from "./memory/bus.js";

/** Opens no connection yet. */
export async function openBus(config: ServerConfig["bus"]): Promise<Bus> {
  if (config.kind === "memory") return new MemoryBus();
  if (config.kind === "kafka") {
    const { KafkaBus } = await import("./kafka/bus.js");
    return new KafkaBus(config);
  }
  const { RabbitmqBus } = await import("./rabbitmq/bus.js");
  return new RabbitmqBus(config);
}
