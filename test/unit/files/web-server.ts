/** A web server of one's own, on loopback, that serves files as a mirror does, or badly. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface WebServer extends AsyncDisposable {
  readonly url: string;
  /** What was asked for: `PATH`, or `PATH RANGE`. */
  readonly requests: readonly string[];
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export async function webServer(handle: Handler): Promise<WebServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push([request.url, request.headers.range].filter((part) => part !== undefined).join(" "));
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves these, ranges included; everything else is not there. */
export function files(all: Readonly<Record<string, Buffer | string>>): Handler {
  return (request, response) => {
    const content = all[request.url ?? ""];
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const body = Buffer.from(content);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? -1);
    if (from < 0) response.end(body);
    else if (from >= body.length) response.writeHead(416).end();
    else {
      response.writeHead(206, { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` });
      response.end(body.subarray(from));
    }
  };
}
