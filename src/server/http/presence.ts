/**
 * Who is there.
 * Source: Matrix client-server API v1.19, "Presence".
 */
import { z } from "zod";
import { UserId } from "../core/ids.js";
import { forbidden, notFound } from "../service/failure.js";
import { Empty, endpoint, group } from "./endpoint.js";

const ROUTE = "/_matrix/client/v3/presence/{userId}/status";
const Whose = z.object({ userId: UserId });
const State = z.enum(["online", "offline", "unavailable"]);

export const presence = group("Presence", [
  endpoint({
    route: `PUT ${ROUTE}`,
    params: Whose,
    body: z.object({ presence: State, status_msg: z.string().max(1_000).nullish() }),
    reply: Empty,
    handle({ caller, params, body }, services) {
      if (params.userId !== caller.userId) throw forbidden("presence is set for oneself");
      services.presence.set(caller.userId, body.presence, body.status_msg ?? undefined);
      return {};
    },
  }),

  endpoint({
    route: `GET ${ROUTE}`,
    params: Whose,
    reply: z.looseObject({ presence: State }),
    async handle({ caller, params }, services) {
      // No secret: profiles tell it, and the user directory.
      if ((await services.store.accounts.get(params.userId)) === undefined)
        throw notFound("there is no such user");
      if (!(await services.presence.isVisible(params.userId, caller.userId)))
        throw forbidden("you share no room with them");
      return services.presence.of(params.userId) as { presence: z.infer<typeof State> };
    },
  }),
]);
