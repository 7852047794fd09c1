/**
 * imcloud's own administration of rooms, and the notices that administrators send. docs/admin-api.md
 */
import { z } from "zod";
import { EventId, RoomId } from "../core/ids.js";
import { stringOrNone } from "../core/json.js";
import { invalid, notFound } from "../service/failure.js";
import type { RoomRow } from "../store/room-administration.js";
import { Page } from "./admin-users.js";
import { Content } from "./content.js";
import { Empty, endpoint, group } from "./endpoint.js";

const PATH = "/_imcloud/admin/v1/rooms";
const One = z.object({ roomId: RoomId });
const Reason = z.string().max(1_000).optional();

const Room = z.object({
  room_id: z.string(),
  name: z.string().optional(),
  canonical_alias: z.string().optional(),
  version: z.string(),
  joined: z.number(),
  published: z.boolean(),
  blocked: z.boolean(),
});

const render = (room: RoomRow): z.infer<typeof Room> => ({
  room_id: room.roomId,
  ...(room.name !== undefined && { name: room.name }),
  ...(room.alias !== undefined && { canonical_alias: room.alias }),
  version: room.version,
  joined: room.joined,
  published: room.isPublished,
  blocked: room.isBlocked,
});

export const adminRooms = group("Administration: rooms", [
  endpoint({
    route: `GET ${PATH}`,
    auth: "admin",
    query: Page,
    reply: z.object({ rooms: z.array(Room), next: z.string().optional() }),
    async handle({ query: { search, from, limit } }, { store }) {
      const rooms = await store.roomAdministration.page(search, from, limit + 1);
      const page = rooms.slice(0, limit);
      const last = page.at(-1);
      return {
        rooms: page.map(render),
        ...(rooms.length > limit && last !== undefined && { next: last.roomId }),
      };
    },
  }),

  endpoint({
    route: `GET ${PATH}/{roomId}`,
    auth: "admin",
    params: One,
    reply: Room.extend({
      topic: z.string().optional(),
      creator: z.string(),
      created_at: z.number(),
      encrypted: z.boolean(),
      join_rule: z.string(),
      history_visibility: z.string(),
      members: z.record(z.string(), z.array(z.string())),
    }),
    async handle({ params: { roomId } }, { roomAdministration, rooms }) {
      const room = await roomAdministration.get(roomId);
      const state = await rooms.state(roomId);
      const create = state.get("m.room.create");
      const topic = stringOrNone(state.content("m.room.topic")?.["topic"]);
      const memberships = ["join", "invite", "knock", "ban"] as const;
      return {
        ...render(room),
        ...(topic !== undefined && { topic }),
        creator: create?.sender ?? "",
        created_at: create?.ts ?? 0,
        encrypted: state.get("m.room.encryption") !== undefined,
        join_rule: state.joinRule,
        history_visibility: state.historyVisibility,
        members: Object.fromEntries(memberships.map((membership) => [membership, state.members(membership)])),
      };
    },
  }),

  endpoint({
    route: `POST ${PATH}/{roomId}/shutdown`,
    auth: "admin",
    params: One,
    body: z.object({ block: z.boolean().default(true), purge: z.boolean().default(true), reason: Reason }),
    reply: z.object({ removed: z.array(z.string()), purged: z.number() }),
    async handle({ params, body: { block, purge, reason } }, { roomAdministration }) {
      const { removed, purged } = await roomAdministration.shutDown(params.roomId, {
        ...{ block, purge },
        ...(reason !== undefined && { reason }),
      });
      return { removed: [...removed], purged };
    },
  }),

  endpoint({
    route: `POST ${PATH}/{roomId}/purge`,
    auth: "admin",
    params: One,
    body: z.object({ before: z.int().min(0).optional(), before_event: EventId.optional() }),
    reply: z.object({ purged: z.number() }),
    async handle({ params, body }, { roomAdministration }) {
      const { before, before_event: beforeEvent } = body;
      if ((before === undefined) === (beforeEvent === undefined))
        throw invalid("either `before` or `before_event` says what goes");
      const purged = await roomAdministration.purge(params.roomId, {
        ...(before !== undefined && { before }),
        ...(beforeEvent !== undefined && { beforeEvent }),
      });
      return { purged };
    },
  }),

  endpoint({
    route: "GET /_imcloud/admin/v1/blocked-rooms",
    auth: "admin",
    reply: z.object({
      rooms: z.array(
        z.object({ room_id: z.string(), reason: z.string().optional(), blocked_at: z.number() }),
      ),
    }),
    handle: async (_asked, { store }) => ({
      rooms: (await store.roomAdministration.blocked()).map(({ roomId, reason, at }) => ({
        room_id: roomId,
        ...(reason !== undefined && { reason }),
        blocked_at: at,
      })),
    }),
  }),

  endpoint({
    route: "PUT /_imcloud/admin/v1/blocked-rooms/{roomId}",
    auth: "admin",
    params: One,
    body: z.object({ reason: Reason }),
    reply: Empty,
    async handle({ params, body }, { roomAdministration }) {
      await roomAdministration.block(params.roomId, body.reason);
      return {};
    },
  }),

  endpoint({
    route: "DELETE /_imcloud/admin/v1/blocked-rooms/{roomId}",
    auth: "admin",
    params: One,
    reply: Empty,
    async handle({ params }, { roomAdministration }) {
      await roomAdministration.unblock(params.roomId);
      return {};
    },
  }),

  endpoint({
    route: "POST /_imcloud/admin/v1/notices",
    auth: "admin",
    body: z.object({
      user_id: z.string().min(1).max(255),
      body: z.string().min(1).optional(),
      content: Content.optional(),
    }),
    reply: z.object({ room_id: z.string(), event_id: z.string() }),
    async handle({ body: { user_id: name, body: text, content } }, { accounts, notices }) {
      if ((text === undefined) === (content === undefined))
        throw invalid("either `body` or `content` is the notice");
      const { userId, isDeactivated } = await accounts.get(name);
      if (isDeactivated) throw notFound("the account is deactivated");
      const { roomId, eventId } = await notices.send(
        userId,
        content ?? { msgtype: "m.text", body: text ?? "" },
      );
      return { room_id: roomId, event_id: eventId };
    },
  }),
]);
