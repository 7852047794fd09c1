/**
 * What the specification itself gives administrators: who is where, and accounts that are suspended or locked.
 * Source: Matrix client-server API v1.19, "Server administration".
 */
import { z } from "zod";
import { UserId } from "../core/ids.js";
import { forbidden } from "../service/failure.js";
import { endpoint, group } from "./endpoint.js";

const Someone = z.object({ userId: UserId });
const Suspended = z.object({ suspended: z.boolean() });
const Locked = z.object({ locked: z.boolean() });
const Connection = z.object({ ip: z.string().optional(), last_seen: z.number().optional() });
const Devices = z.record(
  z.string(),
  z.object({ sessions: z.array(z.object({ connections: z.array(Connection) })) }),
);

export const administration = group("Server administration", [
  endpoint({
    route: "GET /_matrix/client/v3/admin/whois/{userId}",
    params: Someone,
    reply: z.object({
      user_id: z.string(),
      devices: Devices,
    }),

    async handle({ caller, params: { userId } }, { accounts, store }) {
      if (userId !== caller.userId && !caller.isAdmin)
        throw forbidden("only an administrator may ask of others");
      await accounts.get(userId);
      const devices = (await store.sessions.devices(userId)).map(({ deviceId, seenAt, seenFrom }) => {
        const connection = {
          ...(seenFrom !== undefined && { ip: seenFrom }),
          ...(seenAt !== undefined && { last_seen: seenAt }),
        };
        return [deviceId, { sessions: [{ connections: [connection] }] }];
      });
      return { user_id: userId, devices: Object.fromEntries(devices) as z.infer<typeof Devices> };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v1/admin/suspend/{userId}",
    auth: "admin",
    params: Someone,
    reply: Suspended,
    handle: async ({ params }, { accounts }) => ({
      suspended: await accounts.restraint(params.userId, "suspended"),
    }),
  }),

  endpoint({
    route: "PUT /_matrix/client/v1/admin/suspend/{userId}",
    auth: "admin",
    params: Someone,
    body: Suspended,
    reply: Suspended,
    async handle({ caller, params, body: { suspended } }, { accounts }) {
      await accounts.restrain(caller, params.userId, "suspended", suspended);
      return { suspended };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v1/admin/lock/{userId}",
    auth: "admin",
    params: Someone,
    reply: Locked,
    handle: async ({ params }, { accounts }) => ({
      locked: await accounts.restraint(params.userId, "locked"),
    }),
  }),

  endpoint({
    route: "PUT /_matrix/client/v1/admin/lock/{userId}",
    auth: "admin",
    params: Someone,
    body: Locked,
    reply: Locked,
    async handle({ caller, params, body: { locked } }, { accounts }) {
      await accounts.restrain(caller, params.userId, "locked", locked);
      return { locked };
    },
  }),
]);
