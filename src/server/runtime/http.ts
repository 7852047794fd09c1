/**
 * The adapter to Bun's HTTP server.
 */
import { readFileSync } from "node:fs";
import type { ServerConfig } from "../../shared/server-config.js";

/** Longest silence on a connection, in seconds; Bun takes at most 255. Syncs wait longer than a request may idle. */
const IDLE_SECONDS = 255;

export interface RunningListener {
  readonly port: number;
  /** New connections get the certificate that the files hold now; open ones go on. */
  reload(): void;
  /** Takes no new connections; `true` also ends those that are open. */
  stop(closeAll: boolean): Promise<void>;
}

type Listener = ServerConfig["listeners"][number];
type Handler = (request: Request, address: string) => Promise<Response>;

/** @throws Error when the address or port is taken, or the certificate is none */
export function listen(
  listener: Pick<Listener, "address" | "port" | "tls">,
  maxBodyBytes: number,
  handle: Handler,
): RunningListener {
  const options = (port: number) => ({
    hostname: listener.address,
    port,
    idleTimeout: IDLE_SECONDS,
    // Above our own limit, so that ours answers with an error that the client understands.
    maxRequestBodySize: maxBodyBytes * 2,
    reusePort: false,
    ...(listener.tls !== undefined && {
      tls: {
        cert: readFileSync(listener.tls.certFile, "utf8"),
        key: readFileSync(listener.tls.keyFile, "utf8"),
      },
    }),
    fetch: (request: Request, server: Bun.Server<undefined>) =>
      handle(request, server.requestIP(request)?.address ?? ""),
  });
  const server = Bun.serve(options(listener.port));
  return {
    port: server.port ?? 0,
    reload: () => server.reload(options(server.port ?? 0)),
    stop: (closeAll) => server.stop(closeAll),
  };
}
