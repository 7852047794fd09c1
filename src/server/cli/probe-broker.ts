import type { ServerConfig } from "../../shared/server-config.js";

/** The event that the probe has sent through the server. */
export interface Sent {
  readonly roomId: string;
  /** Stands in its content, and nowhere else. */
  readonly nonce: string;
  /** When, in milliseconds since 1970. */
  readonly sentAt: number;
}

/**
 * @returns what is not as it should be, though the event came back
 * @throws Error when the broker does not give back in time what it was given
 */
export async function probeBroker(
  bus: Exclude<ServerConfig["bus"], { kind: "memory" }>,
  sent: Sent,
  timeoutMs: number,
): Promise<string | undefined> {
  if (bus.kind === "kafka") {
    const { probeKafka } = await import("./probe-kafka.js");
    return probeKafka(bus, sent, timeoutMs);
  }
  const { probeRabbitmq } = await import("./probe-rabbitmq.js");
  await probeRabbitmq(bus, timeoutMs);
  return undefined;
}
