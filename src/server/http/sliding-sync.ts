/**
 * Simplified sliding sync.
 * Source: MSC4186, under the experimental path that clients call.
 */
import { z } from "zod";
import { MOST_RULES, SlidingRequest } from "../core/sliding-request.js";
import { invalid } from "../service/failure.js";
import { endpoint, group, Json } from "./endpoint.js";

export const slidingSync = group("Simplified sliding sync", [
  endpoint({
    route: "POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync",
    query: z.object({
      pos: z.string().min(1).optional(),
      timeout: z.coerce.number().min(0).default(0),
      set_presence: z.enum(["offline", "online", "unavailable"]).default("online"),
    }),
    body: SlidingRequest,
    reply: z.looseObject({ pos: z.string(), lists: Json, rooms: Json, extensions: Json }),

    async handle({ caller, query, body, signal }, { slidingSync: sync, config, presence }) {
      for (const rules of [body.lists, body.room_subscriptions])
        if (Object.keys(rules).length > MOST_RULES)
          throw invalid(`more than ${MOST_RULES} lists or subscriptions`);
      const leave = presence.enter(caller.userId, query.set_presence);
      try {
        return await sync.answer({
          viewer: caller,
          body,
          ...(query.pos !== undefined && { pos: query.pos }),
          timeoutMs: Math.min(query.timeout, config.limits.syncWaitMs),
          signal,
        });
      } finally {
        leave();
      }
    },
  }),
]);
