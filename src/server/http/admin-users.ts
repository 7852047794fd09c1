/**
 * imcloud's own administration of accounts. docs/admin-api.md
 */
import { z } from "zod";
import { toUserId } from "../core/ids.js";
import { notFound } from "../service/failure.js";
import type { Account } from "../store/accounts.js";
import { Empty, endpoint, group } from "./endpoint.js";

const PATH = "/_imcloud/admin/v1/users";
/** By id, or by the part before the colon. */
export const Someone = z.object({ userId: z.string().min(1).max(255) });
const Password = z.string().min(1).max(512);

/** Where a page starts, and how long it is. */
export const Page = z.object({
  from: z.string().default(""),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  search: z.string().max(255).default(""),
});

const User = z.object({
  user_id: z.string(),
  display_name: z.string().optional(),
  admin: z.boolean(),
  deactivated: z.boolean(),
  suspended: z.boolean(),
  locked: z.boolean(),
  created_at: z.number(),
  media_quota_bytes: z.number().optional(),
});

const Device = z.object({
  device_id: z.string(),
  display_name: z.string().optional(),
  last_seen_at: z.number().optional(),
  last_seen_ip: z.string().optional(),
});

function render(account: Account): z.infer<typeof User> {
  return {
    user_id: account.userId,
    ...(account.displayName !== undefined && { display_name: account.displayName }),
    admin: account.isAdmin,
    deactivated: account.isDeactivated,
    suspended: account.isSuspended,
    locked: account.isLocked,
    created_at: account.createdAt,
    ...(account.mediaBytes !== undefined && { media_quota_bytes: account.mediaBytes }),
  };
}

export const adminUsers = group("Administration: users", [
  endpoint({
    route: `GET ${PATH}`,
    auth: "admin",
    query: Page,
    reply: z.object({ users: z.array(User), next: z.string().optional() }),
    async handle({ query: { search, from, limit } }, { store }) {
      const accounts = await store.accounts.page(search, from, limit + 1);
      const page = accounts.slice(0, limit);
      const last = page.at(-1);
      return {
        users: page.map(render),
        ...(accounts.length > limit && last !== undefined && { next: last.userId }),
      };
    },
  }),

  endpoint({
    route: `GET ${PATH}/{userId}`,
    auth: "admin",
    params: Someone,
    reply: User.extend({
      devices: z.array(Device),
      joined_rooms: z.number(),
      media_count: z.number(),
      media_bytes: z.number(),
    }),
    async handle({ params }, { accounts, store }) {
      const account = await accounts.get(params.userId);
      const { userId } = account;
      const devices = await store.sessions.devices(userId);
      const rooms = await store.events.memberships(userId);
      const { count, bytes } = await store.media.usage(userId);
      return {
        ...render(account),
        devices: devices.map(({ deviceId, displayName, seenAt, seenFrom }) => ({
          device_id: deviceId,
          ...(displayName !== undefined && { display_name: displayName }),
          ...(seenAt !== undefined && { last_seen_at: seenAt }),
          ...(seenFrom !== undefined && { last_seen_ip: seenFrom }),
        })),
        joined_rooms: rooms.filter(({ membership }) => membership === "join").length,
        media_count: count,
        media_bytes: bytes,
      };
    },
  }),

  endpoint({
    route: `PUT ${PATH}/{userId}`,
    auth: "admin",
    params: Someone,
    body: z.object({
      password: Password,
      admin: z.boolean().default(false),
      display_name: z.string().min(1).max(255).optional(),
    }),
    reply: z.object({ user_id: z.string(), outcome: z.enum(["created", "changed", "unchanged"]) }),
    async handle({ params, body }, { accounts, config, profiles }) {
      const userId = toUserId(params.userId, config.serverName);
      const outcome = await accounts.make(userId, body.password, body.admin);
      const name = body.display_name;
      if (name === undefined || (await profiles.get(userId))["displayname"] === name)
        return { user_id: userId, outcome };
      await profiles.set(userId, "displayname", name);
      return { user_id: userId, outcome: outcome === "unchanged" ? "changed" : outcome };
    },
  }),

  endpoint({
    route: `POST ${PATH}/{userId}/password`,
    auth: "admin",
    params: Someone,
    body: z.object({ password: Password, logout_devices: z.boolean().default(true) }),
    reply: Empty,
    async handle({ params, body }, { accounts }) {
      const { userId, isDeactivated } = await accounts.get(params.userId);
      if (isDeactivated) throw notFound("the account is deactivated");
      await accounts.setPassword(userId, body.password, body.logout_devices ? undefined : "all");
      return {};
    },
  }),

  endpoint({
    route: `POST ${PATH}/{userId}/deactivate`,
    auth: "admin",
    params: Someone,
    body: z.object({ erase: z.boolean().default(false) }),
    reply: Empty,
    async handle({ params, body }, { accounts }) {
      const { userId } = await accounts.get(params.userId);
      await accounts.deactivate(userId, body.erase);
      return {};
    },
  }),

  endpoint({
    route: `PUT ${PATH}/{userId}/admin`,
    auth: "admin",
    params: Someone,
    body: z.object({ admin: z.boolean() }),
    reply: Empty,
    async handle({ params, body }, { accounts }) {
      const { userId } = await accounts.get(params.userId);
      await accounts.setAdmin(userId, body.admin);
      return {};
    },
  }),

  endpoint({
    route: `PUT ${PATH}/{userId}/quota`,
    auth: "admin",
    params: Someone,
    body: z.object({ bytes: z.int().min(0).nullable() }),
    reply: Empty,
    async handle({ params, body }, { accounts, store }) {
      const { userId } = await accounts.get(params.userId);
      await store.accounts.setMediaQuota(userId, body.bytes);
      return {};
    },
  }),

  ...(["lock", "suspend"] as const).map((verb) =>
    endpoint({
      route: `PUT ${PATH}/{userId}/${verb}`,
      auth: "admin",
      params: Someone,
      body: z.object({ on: z.boolean() }),
      reply: Empty,
      async handle({ caller, params, body }, { accounts }) {
        await accounts.restrain(caller, params.userId, verb === "lock" ? "locked" : "suspended", body.on);
        return {};
      },
    }),
  ),

  endpoint({
    route: `DELETE ${PATH}/{userId}/devices`,
    auth: "admin",
    params: Someone,
    reply: Empty,
    async handle({ params }, { accounts, sessions }) {
      const { userId } = await accounts.get(params.userId);
      await sessions.closeAll(userId);
      return {};
    },
  }),

  endpoint({
    route: `DELETE ${PATH}/{userId}/devices/{deviceId}`,
    auth: "admin",
    params: Someone.extend({ deviceId: z.string() }),
    reply: Empty,
    async handle({ params }, { accounts, sessions, store }) {
      const { userId } = await accounts.get(params.userId);
      const { deviceId } = params;
      const devices = await store.sessions.devices(userId);
      if (!devices.some((device) => device.deviceId === deviceId)) throw notFound("there is no such device");
      await sessions.close(userId, [deviceId]);
      return {};
    },
  }),
]);
