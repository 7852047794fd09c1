/**
 * The adapter to Bun's HTTP server.
 */
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { ServerConfig } from "../../shared/server-config.js";

/** Longest silence on a connection, in seconds; Bun takes at most 255. Syncs wait longer than a request may idle. */
const IDLE_SECONDS = 255;
/** Between two looks whether the last answers are out, in milliseconds. */
const LOOK_MS = 5;

export interface RunningListener {
  readonly port: number;
  /**
   * New connections get the certificate that the files hold now; open ones go on.
   *
   * @throws Error when the files hold none; the old one stays in use
   */
  reload(): void;
  /** Takes no new connections. */
  close(): void;
  /** Waits until the answers that were given are sent, or for `graceMs`, and ends all connections. */
  end(graceMs: number): Promise<void>;
}

type Listener = Pick<ServerConfig["listeners"][number], "address" | "port" | "tls">;
/** @param peer asks for the client's address: as dear as reading the request's head, and seldom needed */
type Handler = (request: Request, peer: () => string) => Promise<Response>;

/** @throws Error when the address or port is taken, or the certificate is none */
export function listen(listener: Listener, maxBodyBytes: number, handle: Handler): RunningListener {
  const start = (port: number) =>
    Bun.serve({
      hostname: listener.address,
      port,
      idleTimeout: IDLE_SECONDS,
      // Above our own limit, so that ours answers with an error that the client understands.
      maxRequestBodySize: maxBodyBytes * 2,
      // With TLS, a second server takes over the port at each reload.
      ...(listener.tls !== undefined && { tls: readCertificate(listener.tls), reusePort: true }),
      fetch: (request, server) => handle(request, () => server.requestIP(request)?.address ?? ""),
    });
  let server = start(listener.port);
  const port = server.port ?? 0;
  return {
    port,
    reload() {
      if (listener.tls === undefined) return;
      // Bun's own `reload` keeps the certificate.
      const old = server;
      server = start(port);
      void old.stop(false);
    },
    close: () => void server.stop(false),
    async end(graceMs) {
      const deadline = performance.now() + graceMs;
      while (server.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(LOOK_MS);
      await server.stop(true);
    },
  };
}

function readCertificate({ certFile, keyFile }: NonNullable<Listener["tls"]>): { cert: string; key: string } {
  const pair = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
  createSecureContext(pair); // throws where Bun would serve nothing
  return pair;
}
