import { isLoopback, type ServerConfig } from "../../shared/server-config.js";

/** Where this machine itself reaches a listener of its server. */
export function baseUrlOf({ address, port, tls }: ServerConfig["listeners"][number]): string {
  const everywhere = address === "0.0.0.0" || address === "::";
  const host = everywhere || isLoopback(address) ? "127.0.0.1" : address;
  return `${tls === undefined ? "http" : "https"}://${address === "::1" ? "[::1]" : host}:${port}`;
}
