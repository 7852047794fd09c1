/**
 * Endpoints are data: a route, what goes in, what comes out, who may ask. The router, validation, error
 * answers, rate limits and the conformance table all come from this one list.
 */
import { z } from "zod";
import type { Caller } from "../service/sessions.js";
import type { Services } from "../service/services.js";

/** `user` needs an access token, `admin` one of an administrator, `none` ignores it. */
export type Auth = "user" | "admin" | "none";
export type LimitName = "message" | "roomCreation" | "registration" | "request";

/** One request, validated. */
export interface Asked<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Whose token it came with. */
  readonly caller: Caller;
  /** The path as it was sent: a retried request has the same. */
  readonly path: string;
  /** The client's address. */
  readonly from: string;
  /** Ends when the client goes away, or the server stops. */
  readonly signal: AbortSignal;
  /** As it came; its body is read already, but for {@link streaming} endpoints. */
  readonly request: Request;
}

interface Definition<P, Q, B, R> {
  /** `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}` */
  readonly route: string;
  readonly auth?: Auth;
  /** Without: `request`. */
  readonly limit?: LimitName;
  /** Suspended accounts may not. Source: Matrix client-server API, "Account suspension". */
  readonly refusesSuspended?: boolean;
  /** Locked accounts may, of all things. Source: "Account locking". */
  readonly admitsLocked?: boolean;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  readonly reply: z.ZodType<R>;
  handle(asked: Asked<P, Q, B>, services: Services): Promise<NoInfer<R>> | NoInfer<R>;
}

/** An endpoint whose types are its own business: the router knows none of them. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  /** Names the endpoint in metrics. */
  readonly labels: string;
  readonly auth: Auth;
  readonly limit: LimitName;
  readonly refusesSuspended: boolean;
  readonly admitsLocked: boolean;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  /** What {@link query} makes of no query at all, which most requests have; absent where one is needed. */
  readonly noQuery: unknown;
  /** Absent where a body is not read. */
  readonly body: z.ZodType | undefined;
  readonly reply: z.ZodType;
  /** Its promise, or its answer, is the caller's to wait for; it throws before either just the same. */
  handle(asked: Asked<unknown, unknown, unknown>, services: Services): unknown;
}

/** An endpoint that reads the body by itself, as it comes, and may answer with other things than JSON. */
export function streaming<P = object, Q = object, R = unknown>(
  definition: Omit<Definition<P, Q, object, R>, "body" | "handle"> & {
    handle(asked: Asked<P, Q, object>, services: Services): Promise<NoInfer<R> | Response>;
  },
): Endpoint {
  return {
    ...endpoint<P, Q, object, R | Response>({
      ...definition,
      reply: z.union([z.instanceof(Response), definition.reply]),
      handle: (asked, services) => definition.handle(asked, services),
    }),
    body: undefined,
  };
}

export interface Group {
  readonly title: string;
  readonly endpoints: readonly Endpoint[];
}

const Nothing = z.looseObject({});

export function endpoint<P = object, Q = object, B = object, R = unknown>(
  definition: Definition<P, Q, B, R>,
): Endpoint {
  const [method = "", path = ""] = definition.route.split(" ");
  return {
    method,
    path,
    labels: `method="${method}",route="${path}"`,
    auth: definition.auth ?? "user",
    limit: definition.limit ?? "request",
    refusesSuspended: definition.refusesSuspended ?? false,
    admitsLocked: definition.admitsLocked ?? false,
    params: definition.params ?? Nothing,
    query: definition.query ?? Nothing,
    noQuery: Object.freeze((definition.query ?? Nothing).safeParse({}).data),
    body: definition.body ?? (method === "GET" ? undefined : Nothing),
    reply: definition.reply,
    // The schemas above have made exactly these types; the router only carries them.
    handle: (asked, services) => definition.handle(asked as Asked<P, Q, B>, services),
  };
}

/** @param title the section's title in the specification */
export function group(title: string, endpoints: readonly Endpoint[]): Group {
  return { title, endpoints };
}

/** The empty object that most writes are answered with. */
export const Empty = z.object({});
/** A part of an answer that is JSON and was made from what is stored. */
export const Json = z.record(z.string(), z.unknown());
