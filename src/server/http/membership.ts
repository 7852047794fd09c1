/**
 * Coming to rooms and going.
 * Source: Matrix client-server API v1.19, "Room membership".
 */
import { z } from "zod";
import { RoomId, RoomIdOrAlias, UserId } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import { Empty, endpoint, group } from "./endpoint.js";

const Room = z.object({ roomId: RoomId });
const RoomOrAlias = z.object({ roomIdOrAlias: RoomIdOrAlias });
const Reason = z.looseObject({ reason: z.string().optional() });
const Someone = z.object({ user_id: UserId, reason: z.string().optional() });
const Joined = z.object({ room_id: z.string() });

/** What a member event says that its sender does not say by joining. */
const NOT_THEIRS = new Set([
  "membership",
  "displayname",
  "avatar_url",
  "third_party_invite",
  "third_party_signed",
  "join_authorised_via_users_server",
]);

/** What a client wants its join to say beside: the reason, and what newer clients know of. */
const saidBeside = (body: object): JsonObject =>
  Object.fromEntries(Object.entries(body as JsonObject).filter(([key]) => !NOT_THEIRS.has(key)));

export const membership = group("Room membership", [
  endpoint({
    route: "GET /_matrix/client/v3/joined_rooms",
    reply: z.object({ joined_rooms: z.array(z.string()) }),
    async handle({ caller }, { store }) {
      const rows = await store.events.memberships(caller.userId);
      return { joined_rooms: rows.filter((row) => row.membership === "join").map(({ roomId }) => roomId) };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/join",
    refusesSuspended: true,
    params: Room,
    body: Reason,
    reply: Joined,
    async handle({ caller, params, body }, { memberships }) {
      await memberships.join(params.roomId, caller.userId, saidBeside(body));
      return { room_id: params.roomId };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/join/{roomIdOrAlias}",
    refusesSuspended: true,
    params: RoomOrAlias,
    body: Reason,
    reply: Joined,
    async handle({ caller, params, body }, { memberships, directory }) {
      const roomId = await directory.resolve(params.roomIdOrAlias);
      await memberships.join(roomId, caller.userId, saidBeside(body));
      return { room_id: roomId };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/knock/{roomIdOrAlias}",
    refusesSuspended: true,
    params: RoomOrAlias,
    body: Reason,
    reply: Joined,
    async handle({ caller, params, body }, { memberships, directory }) {
      const roomId = await directory.resolve(params.roomIdOrAlias);
      await memberships.knock(roomId, caller.userId, body.reason);
      return { room_id: roomId };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/invite",
    refusesSuspended: true,
    limit: "message",
    params: Room,
    body: Someone,
    reply: Empty,
    async handle({ caller, params, body }, { memberships }) {
      await memberships.invite(params.roomId, caller.userId, body.user_id, body.reason);
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/leave",
    params: Room,
    body: Reason,
    reply: Empty,
    async handle({ caller, params, body }, { memberships, notices }) {
      await notices.assertMayLeave(caller.userId, params.roomId);
      await memberships.leave(params.roomId, caller.userId, body.reason);
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/kick",
    refusesSuspended: true,
    params: Room,
    body: Someone,
    reply: Empty,
    async handle({ caller, params, body }, { memberships }) {
      await memberships.kick(params.roomId, caller.userId, body.user_id, body.reason);
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/ban",
    refusesSuspended: true,
    params: Room,
    body: Someone,
    reply: Empty,
    async handle({ caller, params, body }, { memberships }) {
      await memberships.ban(params.roomId, caller.userId, body.user_id, body.reason);
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/unban",
    refusesSuspended: true,
    params: Room,
    body: Someone,
    reply: Empty,
    async handle({ caller, params, body }, { memberships }) {
      await memberships.unban(params.roomId, caller.userId, body.user_id, body.reason);
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/forget",
    params: Room,
    reply: Empty,
    async handle({ caller, params }, { memberships }) {
      await memberships.forget(params.roomId, caller.userId);
      return {};
    },
  }),
]);
