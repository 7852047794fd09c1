/**
 * The web, through the proxy that the environment names.
 *
 * undici is Node.js's own client, and gives up on a peer that says nothing; proxy-from-env reads the environment as curl
 * does.
 */
import { getProxyForUrl } from "proxy-from-env";
import { Agent, Pool, ProxyAgent, type Dispatcher } from "undici";
import { reasonOf } from "./reason.js";

export { fetch } from "undici";

/** Longest silence of the peer. */
const SILENCE_MS = 60_000;

/** What an address is asked by. */
export function proxied(url: string): AsyncDisposable & { readonly agent: Dispatcher } {
  const limits = { headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS };
  const proxy = getProxyForUrl(url);
  const agent = proxy === "" ? new Agent(limits) : new ProxyAgent({ uri: proxy, clientFactory, ...limits });
  return { agent, [Symbol.asyncDispose]: () => agent.destroy() };
}

const clientFactory = (origin: URL, options: object): Dispatcher => new ProxyPool(origin, options);

/**
 * Fails when the proxy hangs up. undici itself takes an error of this kind for an idle connection's end and connects
 * again at once, two thousand times a second, for ever (6.29.1, `onError` of lib/dispatcher/client.js).
 */
class ProxyPool extends Pool {
  override connect(options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData>;
  override connect(
    options: Dispatcher.ConnectOptions,
    callback: (error: Error | null, data: Dispatcher.ConnectData) => void,
  ): void;
  override connect(
    options: Dispatcher.ConnectOptions,
    callback?: (error: Error | null, data: Dispatcher.ConnectData) => void,
  ): Promise<Dispatcher.ConnectData> | void {
    if (callback !== undefined) return super.connect(options, callback);
    return super.connect(options).catch((cause: unknown) => {
      throw new Error(`the proxy hangs up: ${reasonOf(cause)}`);
    });
  }
}
