/**
 * From a request to an answer: route, token, validation, handler, error.
 *
 * It speaks the web's `Request` and `Response`, so tests call it without a socket.
 */
import { performance } from "node:perf_hooks";
import { z } from "zod";
import { NotCanonicalError } from "../core/canonical-json.js";
import { Failure, forbidden, suspended } from "../service/failure.js";
import { locked, type Caller } from "../service/sessions.js";
import type { Services } from "../service/services.js";
import { StoreError } from "../store/database.js";
import { diskTroubleOf } from "../store/disk-trouble.js";
import type { Endpoint } from "./endpoint.js";
import { Incoming, NOBODY } from "./incoming.js";
import { parseJson, readBody } from "./read-json.js";
import { Router, type Match } from "./router.js";
import { GROUPS } from "./groups.js";

/** Source: Matrix client-server API, "Web Browser Clients". */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
  "access-control-allow-headers": "X-Requested-With, Content-Type, Authorization",
};
/** Made once: each answer copies it, which is cheaper than making it. */
const HEADERS = new Headers({ ...CORS, "content-type": "application/json", "cache-control": "no-store" });

/** What a path begins with that SDKs still ask for, and what that is called now. */
const OLD = [
  ["/_matrix/client/r0/", "/_matrix/client/v3/"],
  ["/_matrix/media/r0/", "/_matrix/media/v3/"],
  ["/_matrix/client/unstable/uk.tcpip.msc4133/", "/_matrix/client/v3/"],
  ["/_matrix/client/unstable/im.nheko.summary/summary/", "/_matrix/client/v1/room_summary/"],
  ["/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms", "/_matrix/client/v1/mutual_rooms"],
] as const;
/** As nearly all clients write it; any other case, and more spaces, are understood too. */
const BEARER = "Bearer ";
const UNKNOWN_LABELS = 'method="",route="unknown"';

/** Who administers from the machine itself has no account. */
const OPERATOR: Caller = { ...NOBODY, isAdmin: true };

export interface AppOptions {
  /** Validate answers too: for tests, as it costs as much as the work itself. */
  readonly checkReplies?: boolean;
}

export class App {
  readonly #services: Services;
  readonly #router: Router;
  readonly #checkReplies: boolean;
  readonly #stopping = new AbortController();
  #inFlight = 0;
  #requests = 0;
  #idle: (() => void) | undefined;

  constructor(services: Services, { checkReplies = false }: AppOptions = {}) {
    this.#services = services;
    this.#checkReplies = checkReplies;
    this.#router = new Router(GROUPS.flatMap(({ endpoints }) => endpoints));
  }

  /** @param peer asks for the client's address */
  async handle(request: Request, peer: () => string): Promise<Response> {
    const { method } = request;
    if (method === "OPTIONS") return new Response("{}", { headers: HEADERS });
    this.#inFlight += 1;
    const startedAt = performance.now();
    const { path, query } = splitUrl(request.url);
    const match = this.#router.match(method, path);
    let response: Response;
    try {
      // One function as far as the handler: each more that waits for the next costs every request.
      const endpoint = endpointOf(match, method);
      const asked = new Incoming(request, path, () => this.#clientOf(request, peer()), this.#stopping.signal);
      const rawQuery = query === "" ? {} : Object.fromEntries(new URLSearchParams(query));
      const caller = this.#callerOf(endpoint, asked, rawQuery);
      asked.caller = caller instanceof Promise ? await caller : caller;
      this.#take(endpoint, asked);
      asked.params = validate(endpoint.params, match.kind === "found" ? match.params : {}, "M_INVALID_PARAM");
      asked.query =
        (query === "" ? endpoint.noQuery : undefined) ??
        validate(endpoint.query, rawQuery, "M_INVALID_PARAM");
      if (endpoint.body !== undefined) {
        const bytes = await readBody(request, this.#services.config.limits.requestBytes);
        asked.body = validate(endpoint.body, parseJson(bytes, method), "M_BAD_JSON");
      }
      const reply = await endpoint.handle(asked, this.#services);
      response = this.#answer(endpoint, asked, reply);
    } catch (error) {
      response = this.#refusal(error, method, match);
    }
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#idle?.();
    const endpoint = match.kind === "found" ? match.endpoint : undefined;
    this.#note(method, endpoint, response.status, performance.now() - startedAt);
    return response;
  }

  /** Lets long waits answer now, and waits until every request is answered, or for `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  #answer(endpoint: Endpoint, { caller, path, request: { method } }: Incoming, reply: unknown): Response {
    if (endpoint.auth === "admin" && endpoint.method !== "GET")
      this.#services.log.info("administration", { by: caller.userId, method: endpoint.method, path });
    const checked = this.#checkReplies ? endpoint.reply.parse(reply) : reply;
    if (checked instanceof Response) return withCors(checked);
    return new Response(method === "HEAD" ? null : JSON.stringify(checked), { headers: HEADERS });
  }

  #refusal(error: unknown, method: string, match: Match): Response {
    const failure = this.#failureOf(error, method, match);
    const headers = new Headers(HEADERS);
    const retryAfterMs = failure.extra["retry_after_ms"];
    if (typeof retryAfterMs === "number") headers.set("retry-after", String(Math.ceil(retryAfterMs / 1000)));
    const { status } = failure;
    return new Response(method === "HEAD" ? null : JSON.stringify(failure), { status, headers });
  }

  /** @throws Failure M_LIMIT_EXCEEDED */
  #take(endpoint: Endpoint, asked: Incoming): void {
    const { service, userId } = asked.caller;
    if (service !== undefined && (userId === "" || !service.isLimited(userId))) return;
    this.#services.limits.take(endpoint.limit, userId === "" ? asked.from : userId);
  }

  /**
   * At once for a session that was seen lately, as nearly all are.
   *
   * @throws Failure when the token is nobody's, or of somebody who may not do this
   */
  #callerOf(endpoint: Endpoint, asked: Incoming, query: Record<string, string>): Caller | Promise<Caller> {
    const { appServices, sessions, operator } = this.#services;
    const token = tokenOf(asked.request, query);
    const service = token === undefined ? undefined : appServices.byToken(token);
    if (endpoint.auth === "none") return service === undefined ? NOBODY : { ...NOBODY, service };
    if (token === undefined) throw new Failure("M_MISSING_TOKEN", "an access token is needed");
    if (endpoint.auth === "admin" && operator.isToken(token)) return OPERATOR;
    const known = service === undefined ? sessions.known(token) : undefined;
    if (known !== undefined) return admitted(endpoint, known);
    const found =
      service === undefined
        ? sessions.caller(token, asked.from)
        : sessions.callerAs(service, query["user_id"] ?? service.sender, deviceOf(query));
    return found.then((caller) => admitted(endpoint, caller));
  }

  #clientOf(request: Request, address: string): string {
    if (!this.#services.config.rateLimits.trustedProxies.includes(address)) return address;
    return request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? address;
  }

  #failureOf(error: unknown, method: string, match: Match): Failure {
    if (error instanceof Failure) return error;
    // What a handler checks by itself, once more proof was given.
    if (error instanceof z.ZodError) return failureOf(error, undefined, "M_BAD_JSON");
    if (error instanceof NotCanonicalError) return new Failure("M_BAD_JSON", error.message);
    const request = this.#noteUnexpected(error, method, match);
    const trouble = error instanceof StoreError ? error.trouble : diskTroubleOf(error);
    if (trouble !== undefined)
      return new Failure("M_UNKNOWN", `the server cannot store anything now: ${trouble}`, { status: 503 });
    return new Failure("M_UNKNOWN", `something went wrong here; the log has it as ${request}`);
  }

  /** A bug or a disk that fails: the log learns everything but content. @returns what the log calls it */
  #noteUnexpected(error: unknown, method: string, match: Match): string {
    this.#requests += 1;
    const request = `${process.pid}-${this.#requests}`;
    const route = match.kind === "found" ? match.endpoint.path : "";
    this.#services.log.error("request failed", { request, method, route, error });
    return request;
  }

  #note(method: string, endpoint: Endpoint | undefined, status: number, tookMs: number): void {
    this.#services.metrics.request(endpoint?.labels ?? UNKNOWN_LABELS, status, tookMs);
    if (!this.#services.log.isOn("debug")) return;
    const route = endpoint?.path ?? "unknown";
    this.#services.log.debug("request", { method, route, status, tookMs: Math.round(tookMs) });
  }
}

/** @throws Failure M_UNRECOGNIZED, M_INVALID_PARAM for a request that is for none */
function endpointOf(match: Match, method: string): Endpoint {
  switch (match.kind) {
    case "unknown":
      throw new Failure("M_UNRECOGNIZED", "there is no such endpoint");
    case "wrong-method":
      throw new Failure("M_UNRECOGNIZED", `${method} is not for this endpoint`, { status: 405 });
    case "malformed":
      throw new Failure("M_INVALID_PARAM", "the path is not percent-encoded as it should be");
    case "found":
      return match.endpoint;
  }
}

/** @throws Failure for somebody who may not do this */
function admitted(endpoint: Endpoint, caller: Caller): Caller {
  if (caller.isLocked && !endpoint.admitsLocked) throw locked();
  if (caller.isSuspended && endpoint.refusesSuspended) throw suspended();
  if (endpoint.auth === "admin" && !caller.isAdmin) throw forbidden("this is for administrators");
  return caller;
}

function withCors(response: Response): Response {
  for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
  return response;
}

function validate(schema: z.ZodType, value: unknown, code: "M_BAD_JSON" | "M_INVALID_PARAM"): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw failureOf(result.error, value, code);
}

function failureOf(error: z.ZodError, value: unknown, code: "M_BAD_JSON" | "M_INVALID_PARAM"): Failure {
  const [issue] = error.issues;
  const where = issue?.path.join(".") ?? "";
  const found = issue?.path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const isMissing = issue?.code === "invalid_type" && found === undefined && where !== "";
  const place = where === "" ? "" : `\`${where}\`: `;
  return new Failure(isMissing ? "M_MISSING_PARAM" : code, `${place}${issue?.message ?? "not understood"}`);
}

function tokenOf(request: Request, query: Record<string, string>): string | undefined {
  const header = request.headers.get("authorization");
  if (header?.startsWith(BEARER) === true && header[BEARER.length] !== " ")
    return header.slice(BEARER.length);
  const token = header === null ? query["access_token"] : /^Bearer +(.+)$/i.exec(header)?.[1];
  return token === "" ? undefined : token;
}

/** As which of a user's devices an application service asks; bridges that are older say it as MSC3202 has it. */
const deviceOf = (query: Record<string, string>): string =>
  query["device_id"] ?? query["org.matrix.msc3202.device_id"] ?? "";

/** The path and query of an absolute URL, untouched: what is percent-encoded stays so until it is a parameter. */
function splitUrl(url: string): { path: string; query: string } {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  if (start < 0) return { path: "/", query: "" };
  const mark = url.indexOf("?", start);
  const path = url.slice(start, mark < 0 ? undefined : mark);
  const [old, current] = OLD.find(([prefix]) => path.startsWith(prefix)) ?? ["", ""];
  return {
    path: `${current}${path.slice(old.length)}`,
    query: mark < 0 ? "" : url.slice(mark + 1),
  };
}
