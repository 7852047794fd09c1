/**
 * How a connection to the broker is protected.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ServerConfig } from "../../../shared/server-config.js";

type RabbitmqConfig = Extract<ServerConfig["bus"], { kind: "rabbitmq" }>;

export interface TlsOptions {
  readonly ca?: Buffer[];
  readonly rejectUnauthorized?: true;
  readonly servername?: string;
}

/**
 * Nothing without `tls`; a certificate of that authority for the host otherwise.
 *
 * An address is no name to ask for (RFC 6066, section 3), and Bun refuses to ask for one.
 */
export function tlsOptions({ host, tls }: Pick<RabbitmqConfig, "host" | "tls">): TlsOptions {
  if (tls === undefined) return {};
  return {
    ca: [readFileSync(tls.caFile)],
    rejectUnauthorized: true,
    ...(isIP(host) === 0 && { servername: host }),
  };
}
