/**
 * Aliases and the public room directory.
 * Source: Matrix client-server API v1.19, "Room aliases", "Published room directory".
 */
import { z } from "zod";
import { RoomAlias, RoomId } from "../core/ids.js";
import { PowerLevels } from "../core/power-levels.js";
import { networkOf } from "../service/app-services.js";
import { forbidden, invalid } from "../service/failure.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";

const Alias = z.object({ roomAlias: RoomAlias });
const Room = z.object({ roomId: RoomId });
const Page = z.object({
  chunk: z.array(Json),
  next_batch: z.string().optional(),
  prev_batch: z.string().optional(),
  total_room_count_estimate: z.number(),
});
const PAGE = 100;

/** No mere number: what looks like one, some languages take for one, or for nothing. */
const token = (start: number) => `p${start}`;

/** @param since names the first room of the page */
function pageOf(
  rooms: readonly object[],
  limit: number | undefined,
  since: string | undefined,
): z.infer<typeof Page> {
  const start = since === undefined ? 0 : Number(/^p(\d+)$/.exec(since)?.[1]);
  if (!Number.isSafeInteger(start)) throw invalid("`since` is none of this server's tokens");
  const size = Math.min(limit ?? PAGE, PAGE);
  return {
    chunk: rooms.slice(start, start + size) as Record<string, unknown>[],
    total_room_count_estimate: rooms.length,
    ...(start + size < rooms.length && { next_batch: token(start + size) }),
    ...(start > 0 && { prev_batch: token(Math.max(0, start - size)) }),
  };
}

export const directory = group("Room directory", [
  endpoint({
    route: "GET /_matrix/client/v3/directory/room/{roomAlias}",
    auth: "none",
    params: Alias,
    reply: z.object({ room_id: z.string(), servers: z.array(z.string()) }),
    handle: async ({ params }, services) => ({
      room_id: await services.directory.resolve(params.roomAlias),
      servers: [services.config.serverName],
    }),
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/directory/room/{roomAlias}",
    refusesSuspended: true,
    params: Alias,
    body: z.object({ room_id: RoomId }),
    reply: Empty,
    async handle({ caller, params, body }, services) {
      await services.directory.createAlias(params.roomAlias, body.room_id, caller);
      return {};
    },
  }),

  endpoint({
    route: "DELETE /_matrix/client/v3/directory/room/{roomAlias}",
    refusesSuspended: true,
    params: Alias,
    reply: Empty,
    async handle({ caller, params }, services) {
      await services.directory.deleteAlias(params.roomAlias, caller);
      return {};
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/aliases",
    params: Room,
    reply: z.object({ aliases: z.array(z.string()) }),
    async handle({ caller, params }, { rooms, store }) {
      const state = await rooms.state(params.roomId);
      if (state.membership(caller.userId) !== "join" && state.historyVisibility !== "world_readable") {
        throw forbidden("you are not in this room");
      }
      return { aliases: await store.directory.aliasesOf(params.roomId) };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/directory/list/room/{roomId}",
    auth: "none",
    params: Room,
    reply: z.object({ visibility: z.enum(["public", "private"]) }),
    async handle({ params }, { rooms, store }) {
      await rooms.state(params.roomId);
      return {
        visibility: (await store.directory.isPublished(params.roomId))
          ? ("public" as const)
          : ("private" as const),
      };
    },
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/directory/list/room/{roomId}",
    refusesSuspended: true,
    params: Room,
    body: z.object({ visibility: z.enum(["public", "private"]).default("public") }),
    reply: Empty,
    async handle({ caller, params, body }, { rooms, store }) {
      const state = await rooms.state(params.roomId);
      const mayPublish =
        state.membership(caller.userId) === "join" &&
        new PowerLevels(state).canSend(caller.userId, "m.room.canonical_alias", true);
      if (!mayPublish && !caller.isAdmin) throw forbidden("publishing a room needs more power in it");
      await store.directory.publish(params.roomId, body.visibility === "public");
      return {};
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/publicRooms",
    auth: "none",
    query: z.object({
      limit: z.coerce.number().int().positive().optional(),
      since: z.string().optional(),
      server: z.string().optional(),
    }),
    reply: Page,
    handle: async ({ query }, services) =>
      pageOf(await services.directory.publicRooms(undefined, undefined), query.limit, query.since),
  }),

  endpoint({
    route: "POST /_matrix/client/v3/publicRooms",
    body: z.object({
      limit: z.int().positive().optional(),
      since: z.string().optional(),
      filter: z
        .object({
          generic_search_term: z.string().nullish(),
          room_types: z.array(z.string().nullable()).nullish(),
        })
        .optional(),
      include_all_networks: z.boolean().default(false),
      third_party_instance_id: z.string().optional(),
    }),
    reply: Page,
    handle: async ({ body }, services) => {
      const { generic_search_term: term, room_types: types } = body.filter ?? {};
      const { include_all_networks: isAll, third_party_instance_id: instance } = body;
      if (isAll && instance !== undefined)
        throw invalid("`include_all_networks` and `third_party_instance_id` exclude each other");
      const on = instance === undefined ? (isAll ? "all" : undefined) : networkOf(instance);
      return pageOf(
        await services.directory.publicRooms(term ?? undefined, types ?? undefined, on),
        body.limit,
        body.since,
      );
    },
  }),
]);
