/**
 * `sync` and the filters that it takes.
 * Source: Matrix client-server API v1.19, "Syncing", "Filtering".
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../core/canonical-json.js";
import { SyncFilter } from "../core/filter.js";
import { UserId } from "../core/ids.js";
import { isObject } from "../core/json.js";
import { parseSyncToken } from "../core/tokens.js";
import { Failure, forbidden, invalid, notFound } from "../service/failure.js";
import type { Services } from "../service/services.js";
import type { SyncRequest } from "../service/sync.js";
import { Content } from "./content.js";
import { endpoint, group, Json } from "./endpoint.js";

const Flag = z.enum(["true", "false"]).default("false");
const Owner = z.object({ userId: UserId });

export const sync = group("Syncing", [
  endpoint({
    route: "GET /_matrix/client/v3/sync",
    query: z.object({
      filter: z.string().optional(),
      since: z.string().optional(),
      full_state: Flag,
      use_state_after: Flag,
      "org.matrix.msc4222.use_state_after": Flag,
      set_presence: z.enum(["offline", "online", "unavailable"]).default("online"),
      timeout: z.coerce.number().min(0).default(0),
    }),
    reply: z.looseObject({ next_batch: z.string() }),

    async handle({ caller, query, signal }, services) {
      const since = query.since === undefined ? undefined : parseSyncToken(query.since);
      if (query.since !== undefined && since === undefined)
        throw invalid("`since` is none of this server's tokens");
      const filter = await filterOf(caller.userId, query.filter, services);
      const stateAfter = stateAfterOf(query);
      const leave = services.presence.enter(caller.userId, query.set_presence);
      try {
        return await services.sync.answer({
          viewer: caller,
          filter,
          ...(since !== undefined && { since }),
          fullState: query.full_state === "true",
          ...(stateAfter !== undefined && { stateAfter }),
          timeoutMs: Math.min(query.timeout, services.config.limits.syncWaitMs),
          signal,
        });
      } finally {
        leave();
      }
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/user/{userId}/filter",
    params: Owner,
    body: Content,
    reply: z.object({ filter_id: z.string() }),
    async handle({ caller, params, body }, { store }) {
      if (params.userId !== caller.userId) throw forbidden("filters are made for oneself");
      const valid = SyncFilter.safeParse(body);
      if (!valid.success)
        throw new Failure("M_BAD_JSON", `no filter: ${valid.error.issues[0]?.message ?? ""}`);
      // The same filter has the same id: clients make theirs anew at every start.
      const id = createHash("sha256").update(canonicalJson(body)).digest("base64url").slice(0, 16);
      await store.personal.addFilter(caller.userId, id, body);
      return { filter_id: id };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/user/{userId}/filter/{filterId}",
    params: Owner.extend({ filterId: z.string() }),
    reply: Json,
    async handle({ caller, params }, { store }) {
      if (params.userId !== caller.userId) throw forbidden("filters belong to those who made them");
      const filter = await store.personal.filter(caller.userId, params.filterId);
      if (filter === undefined) throw notFound("there is no such filter");
      return filter;
    },
  }),
]);

/** Clients older than the specification's name ask under, and look for, the one of MSC4222. */
function stateAfterOf(query: Readonly<Record<string, unknown>>): SyncRequest["stateAfter"] {
  if (query["use_state_after"] === "true") return "state_after";
  return query["org.matrix.msc4222.use_state_after"] === "true"
    ? "org.matrix.msc4222.state_after"
    : undefined;
}

/** The parameter is a filter's id, or a whole filter as JSON. */
async function filterOf(userId: string, text: string | undefined, { store }: Services): Promise<SyncFilter> {
  if (text === undefined) return {};
  let definition: unknown;
  if (text.startsWith("{")) {
    try {
      definition = JSON.parse(text);
    } catch {
      throw invalid("a filter is JSON or an id");
    }
  } else {
    definition = await store.personal.filter(userId, text);
  }
  const filter = SyncFilter.safeParse(definition);
  if (!isObject(definition) || !filter.success) throw invalid("there is no such filter");
  return filter.data;
}
