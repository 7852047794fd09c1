/**
 * Loaded before the server's tests: every answer of the Matrix API that a test gets, by whichever client, goes into the
 * file that IMCLOUD_EXCHANGES names, a line of JSON each. See tally.ts, which reads them.
 */
import { appendFileSync } from "node:fs";

export interface Exchange {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly status: number;
  /** Of a request that nobody sends who means well: that it met an error by chance counts for nothing. */
  readonly isHostile: boolean;
  /** Absent where the answer is no JSON. */
  readonly body?: unknown;
}

/** What hostile.test.ts calls itself. */
export const HOSTILE = "hostile";

const file = process.env["IMCLOUD_EXCHANGES"];
if (file !== undefined) {
  const plain = globalThis.fetch;
  const recorded = async (...asked: Parameters<typeof fetch>): Promise<Response> => {
    const [target, how] = asked;
    const { method, url } =
      target instanceof Request ? target : { method: how?.method ?? "GET", url: target };
    const response = await plain(...asked);
    const { pathname, search } = new URL(url);
    // Another operation, under the same name, until the specification has it.
    if (search.includes("org.matrix.msc4140.delay")) return response;
    if (!pathname.startsWith("/_matrix/") && !pathname.startsWith("/.well-known/matrix/")) return response;
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    const text = isJson ? await response.clone().text() : undefined;
    const exchange: Exchange = {
      ...{ method, path: pathname, status: response.status },
      isHostile: new Headers(how?.headers).get("user-agent") === HOSTILE,
      ...(text !== undefined && text !== "" && { body: JSON.parse(text) as unknown }),
    };
    appendFileSync(file, `${JSON.stringify(exchange)}\n`);
    return response;
  };
  globalThis.fetch = Object.assign(recorded, plain);
}
