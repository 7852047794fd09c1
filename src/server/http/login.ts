/**
 * Sessions: login, refresh, logout.
 * Source: Matrix client-server API v1.19, "Login", "Refreshing access tokens".
 */
import { z } from "zod";
import { DeviceId, toUserId } from "../core/ids.js";
import { Failure } from "../service/failure.js";
import type { Session } from "../service/sessions.js";
import { APP_SERVICE_LOGIN, userOf } from "./as-service.js";
import { Empty, endpoint, group } from "./endpoint.js";

const SessionReply = z.object({
  user_id: z.string(),
  access_token: z.string(),
  device_id: z.string(),
  home_server: z.string(),
  refresh_token: z.string().optional(),
  expires_in_ms: z.number().optional(),
});

const Login = z.object({
  type: z.string(),
  identifier: z.looseObject({ type: z.string(), user: z.string().optional() }).optional(),
  user: z.string().optional(),
  password: z.string().max(512).optional(),
  device_id: DeviceId.optional(),
  initial_device_display_name: z.string().max(255).optional(),
  refresh_token: z.boolean().default(false),
});

/** How a new session is told to a client. */
export function renderSession(session: Session, serverName: string): z.infer<typeof SessionReply> {
  return {
    user_id: session.userId,
    access_token: session.accessToken,
    device_id: session.deviceId,
    // Not in the specification any more, but old SDKs will not go on without it.
    home_server: serverName,
    ...(session.refreshToken !== undefined && { refresh_token: session.refreshToken }),
    ...(session.expiresInMs !== undefined && { expires_in_ms: session.expiresInMs }),
  };
}

export const login = group("Login", [
  endpoint({
    route: "GET /_matrix/client/v3/login",
    auth: "none",
    reply: z.object({ flows: z.array(z.object({ type: z.string() })) }),
    handle: (_asked, { appServices }) => ({
      flows: [
        { type: "m.login.password" },
        ...(appServices.all.length > 0 ? [{ type: APP_SERVICE_LOGIN }] : []),
      ],
    }),
  }),

  endpoint({
    route: "POST /_matrix/client/v3/login",
    auth: "none",
    body: Login,
    reply: SessionReply,

    async handle(asked, services) {
      const { body, from } = asked;
      const { sessions, limits, config } = services;
      if (body.type !== "m.login.password" && body.type !== APP_SERVICE_LOGIN)
        throw new Failure("M_UNKNOWN", "only m.login.password is known here", { status: 400 });
      if (body.identifier !== undefined && body.identifier.type !== "m.id.user") {
        throw new Failure("M_UNKNOWN", "only m.id.user identifies an account here", { status: 400 });
      }
      const user = body.identifier?.user ?? body.user;
      if (user === undefined) throw new Failure("M_MISSING_PARAM", "a user is needed");
      let userId: string;
      if (body.type === APP_SERVICE_LOGIN) {
        userId = await userOf(asked, user, services);
      } else {
        if (body.password === undefined) throw new Failure("M_MISSING_PARAM", "a password is needed");
        // By address, so that one machine cannot try many accounts; by account, so that many machines cannot try one.
        limits.take("login", from);
        limits.take("login", toUserId(user, config.serverName));
        userId = await sessions.checkPassword(user, body.password);
      }
      const session = await sessions.open(userId, {
        withRefresh: body.refresh_token,
        ...(body.device_id !== undefined && { deviceId: body.device_id }),
        ...(body.initial_device_display_name !== undefined && {
          displayName: body.initial_device_display_name,
        }),
      });
      return renderSession(session, config.serverName);
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/refresh",
    auth: "none",
    body: z.object({ refresh_token: z.string() }),
    reply: z.object({
      access_token: z.string(),
      refresh_token: z.string().optional(),
      expires_in_ms: z.number().optional(),
    }),

    async handle({ body }, { sessions }) {
      const { accessToken, refreshToken, expiresInMs } = await sessions.refresh(body.refresh_token);
      return {
        access_token: accessToken,
        ...(refreshToken !== undefined && { refresh_token: refreshToken }),
        ...(expiresInMs !== undefined && { expires_in_ms: expiresInMs }),
      };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/logout",
    admitsLocked: true,
    reply: Empty,
    async handle({ caller }, { sessions }) {
      await sessions.close(caller.userId, [caller.deviceId]);
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/logout/all",
    admitsLocked: true,
    reply: Empty,
    async handle({ caller }, { sessions }) {
      await sessions.closeAll(caller.userId);
      return {};
    },
  }),
]);
