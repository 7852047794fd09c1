/**
 * Pushers, what people were notified of, and the server's own push gateway.
 * Sources: Matrix client-server API v1.19, "Push Notifications", "Listing Notifications"; Push Gateway API v1.19;
 * MSC4174 (the proof that Web Push arrives); UnifiedPush (discovery of the gateway).
 */
import { z } from "zod";
import { parseHistoryToken, renderHistoryToken } from "../core/tokens.js";
import { invalid } from "../service/failure.js";
import { NOTIFY_PATH } from "../service/push-delivery.js";
import type { Pusher } from "../store/pushers.js";
import { Content } from "./content.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";

const MOST_NOTIFICATIONS = 100;
const USUAL_NOTIFICATIONS = 20;
const AppId = z.string().min(1).max(64);
const Pushkey = z
  .string()
  .min(1)
  .refine((key) => Buffer.byteLength(key) <= 512, "at most 512 bytes");

const PusherKey = z.object({ app_id: AppId, pushkey: Pushkey });
const NewPusher = PusherKey.extend({
  kind: z.string(),
  app_display_name: z.string(),
  device_display_name: z.string(),
  lang: z.string(),
  profile_tag: z.string().optional(),
  data: Content,
  append: z.boolean().default(false),
});
/** With `kind: null` there is no more than this. */
const SetPusher = z.looseObject({ ...PusherKey.shape, kind: z.string().nullable() });
const Gateway = z.object({ notification: Content });

export const pushers = group("Push notifications", [
  endpoint({
    route: "GET /_matrix/client/v3/pushers",
    reply: z.object({ pushers: z.array(Json) }),
    handle: async ({ caller }, { store }) => ({
      pushers: (await store.pushers.of(caller.userId)).map(render),
    }),
  }),

  endpoint({
    route: "POST /_matrix/client/v3/pushers/set",
    body: SetPusher,
    reply: z.union([z.instanceof(Response), Empty]),
    async handle({ caller, body: asked }, services) {
      if (asked.kind === null) {
        const key = { userId: caller.userId, appId: asked.app_id, pushkey: asked.pushkey };
        await services.store.pushers.delete(key);
        return {};
      }
      const body = NewPusher.parse(asked);
      const { activated: _activated, ...data } = body.data;
      const isWaiting = await services.pushers.set(
        {
          userId: caller.userId,
          deviceId: caller.deviceId,
          kind: body.kind,
          appId: body.app_id,
          pushkey: body.pushkey,
          appName: body.app_display_name,
          deviceName: body.device_display_name,
          ...(body.profile_tag !== undefined && { profileTag: body.profile_tag }),
          lang: body.lang,
          data,
        },
        body.append,
      );
      return isWaiting ? Response.json({}, { status: 201 }) : {};
    },
  }),

  ...["/_matrix/client/v3/pushers/ack", "/_matrix/client/unstable/org.matrix.msc4174/pushers/ack"].map(
    (path) =>
      endpoint({
        route: `POST ${path}`,
        body: z.object({ app_id: z.string(), ack_token: z.string() }),
        reply: Empty,
        async handle({ caller, body }, services) {
          await services.pushers.activate(caller.userId, body.app_id, body.ack_token);
          return {};
        },
      }),
  ),

  endpoint({
    route: "GET /_matrix/client/v3/notifications",
    query: z.object({
      from: z.string().optional(),
      limit: z.coerce.number().int().min(1).default(USUAL_NOTIFICATIONS),
      only: z.string().optional(),
    }),
    reply: z.object({ notifications: z.array(Json), next_token: z.string().optional() }),
    async handle({ caller, query }, services) {
      const from = query.from === undefined ? services.stream.latest : parseHistoryToken(query.from);
      if (from === undefined) throw invalid("`from` is none of this server's tokens");
      const { notifications, next } = await services.notifications.page(caller, {
        upTo: from,
        limit: Math.min(query.limit, MOST_NOTIFICATIONS),
        onlyHighlights: query.only === "highlight",
      });
      return { notifications, ...(next !== undefined && { next_token: renderHistoryToken(next) }) };
    },
  }),

  endpoint({
    route: `GET ${NOTIFY_PATH}`,
    auth: "none",
    reply: z.object({ unifiedpush: z.object({ gateway: z.literal("matrix") }) }),
    handle: () => ({ unifiedpush: { gateway: "matrix" as const } }),
  }),

  endpoint({
    route: `POST ${NOTIFY_PATH}`,
    auth: "none",
    body: Gateway,
    reply: z.object({ rejected: z.array(z.string()) }),
    handle: async ({ body }, { pushGateway }) => ({
      rejected: await pushGateway.notify(body.notification),
    }),
  }),
]);

function render(pusher: Pusher) {
  return {
    app_id: pusher.appId,
    pushkey: pusher.pushkey,
    kind: pusher.kind,
    app_display_name: pusher.appName,
    device_display_name: pusher.deviceName,
    ...(pusher.profileTag !== undefined && { profile_tag: pusher.profileTag }),
    lang: pusher.lang,
    data: { ...pusher.data, ...(pusher.kind !== "http" && { activated: pusher.isActive }) },
  };
}
