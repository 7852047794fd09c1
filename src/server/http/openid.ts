/**
 * Telling another service, such as that of calls, who somebody is.
 * Source: Matrix client-server API v1.19, "OpenID"; server-server API, "OpenID", of which this is all there is here.
 */
import { z } from "zod";
import { UserId } from "../core/ids.js";
import { Failure, forbidden } from "../service/failure.js";
import { endpoint, group } from "./endpoint.js";

export const openid = group("OpenID", [
  endpoint({
    route: "POST /_matrix/client/v3/user/{userId}/openid/request_token",
    params: z.object({ userId: UserId }),
    reply: z.object({
      access_token: z.string(),
      expires_in: z.number(),
      matrix_server_name: z.string(),
      token_type: z.literal("Bearer"),
    }),
    async handle({ caller, params }, { sessions, config }) {
      if (params.userId !== caller.userId) throw forbidden("you can only speak for yourself");
      const { token, expiresInMs } = await sessions.openId(caller);
      return {
        access_token: token,
        expires_in: expiresInMs / 1000,
        matrix_server_name: config.serverName,
        token_type: "Bearer" as const,
      };
    },
  }),

  endpoint({
    route: "GET /_matrix/federation/v1/openid/userinfo",
    auth: "none",
    query: z.object({ access_token: z.string().optional() }),
    reply: z.object({ sub: z.string() }),
    async handle({ query }, { sessions }) {
      if (query.access_token === undefined) throw new Failure("M_MISSING_TOKEN", "an OpenID token is needed");
      return { sub: await sessions.openIdUser(query.access_token) };
    },
  }),
]);
