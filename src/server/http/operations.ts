/**
 * What is asked beside the Matrix API: health and metrics by machines, pages by people.
 *
 * `/health/live` says that the process answers, `/health/ready` that it can take events too. Metrics name no
 * user and no room, but how much is going on: they need a token, or a listener of their own on loopback.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { readSecretFile } from "../runtime/secret-file.js";
import { assertStoreReady } from "../service/store-ready.js";
import type { Services } from "../service/services.js";
import { StoreError } from "../store/database.js";
import { Pages } from "./pages.js";
import { statusPage } from "./status-page.js";

/** What health says of a part of the server; undefined when it is well. */
export type Trouble = () => string | undefined;

/** @param troubles parts that may be in trouble while the server goes on serving, by name */
export class Operations {
  readonly #services: Services;
  readonly #troubles: Readonly<Record<string, Trouble>>;
  readonly #pages = new Pages();

  constructor(services: Services, troubles: Readonly<Record<string, Trouble>>) {
    this.#services = services;
    this.#troubles = troubles;
  }

  /**
   * @param isPrivate the listener is this machine's own
   * @returns undefined when the path is not one of these
   */
  async answer(request: Request, isPrivate: boolean): Promise<Response | undefined> {
    const { pathname } = new URL(request.url);
    if (pathname === "/status" && ["GET", "HEAD"].includes(request.method))
      return this.#status(request.method);
    const page = this.#pages.answer(request, pathname);
    if (page !== undefined) return page;
    if (request.method !== "GET") return undefined;
    switch (pathname) {
      case "/_imcloud/about":
        return Response.json(this.#about(), { headers: { "cache-control": "no-store" } });
      case "/health/live":
        return Response.json({ status: "ok" });
      case "/health":
      case "/health/ready":
        return this.#ready();
      case "/metrics":
        if (!isPrivate && !this.#hasToken(request))
          return Response.json({ errcode: "M_FORBIDDEN", error: "a token is needed" }, { status: 403 });
        return new Response(await this.#services.metrics.render(), {
          headers: { "content-type": "text/plain; version=0.0.4" },
        });
      default:
        return undefined;
    }
  }

  /** @throws Error as {@link assertStoreReady} */
  assertReady(): Promise<void> {
    return assertStoreReady(this.#services.store);
  }

  /** What the sign-in page says, to whoever opens it. */
  #about(): { server_name: string; registration: string } {
    const { serverName, registration } = this.#services.config;
    return { server_name: serverName, registration: registration.mode };
  }

  async #status(method: string): Promise<Response> {
    const { isReady } = await this.#look();
    return statusPage(this.#services.config, isReady, method);
  }

  async #ready(): Promise<Response> {
    const { isReady, troubles } = await this.#look();
    return isReady
      ? Response.json({ status: "ok", troubles })
      : Response.json({ status: "unready", troubles }, { status: 503 });
  }

  async #look(): Promise<{ isReady: boolean; troubles: Record<string, string> }> {
    const troubles = Object.fromEntries(
      Object.entries(this.#troubles).flatMap(([part, trouble]) => {
        const text = trouble();
        return text === undefined ? [] : [[part, text]];
      }),
    );
    try {
      await this.assertReady();
      return { isReady: true, troubles };
    } catch (error) {
      this.#services.log.error("not ready", { error });
      const store = (error instanceof StoreError ? error.trouble : undefined) ?? "does not answer";
      return { isReady: false, troubles: { ...troubles, store } };
    }
  }

  #hasToken(request: Request): boolean {
    const { tokenFile } = this.#services.config.metrics;
    const given = /^Bearer +(.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (tokenFile === undefined || given === undefined) return false;
    const hash = (text: string) => createHash("sha256").update(text).digest();
    return timingSafeEqual(hash(given), hash(readSecretFile(tokenFile)));
  }
}
