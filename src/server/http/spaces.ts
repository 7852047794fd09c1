/**
 * Rooms as they look from outside.
 * Source: Matrix client-server API v1.19, "Spaces", "Room summaries", "Mutual rooms".
 */
import { z } from "zod";
import { RoomId, RoomIdOrAlias, UserId } from "../core/ids.js";
import { invalid } from "../service/failure.js";
import { endpoint, group, Json } from "./endpoint.js";

const MOST = 100;

export const spaces = group("Spaces", [
  endpoint({
    route: "GET /_matrix/client/v1/rooms/{roomId}/hierarchy",
    params: z.object({ roomId: RoomId }),
    query: z.object({
      suggested_only: z.enum(["true", "false"]).default("false"),
      limit: z.coerce.number().int().min(1).default(50),
      max_depth: z.coerce.number().int().min(0).default(10),
      from: z.string().optional(),
    }),
    reply: z.object({ rooms: z.array(Json), next_batch: z.string().optional() }),

    async handle({ caller, params, query }, services) {
      const filter = `${query.suggested_only === "true" ? "s" : "a"}${query.max_depth}`;
      const { rooms, next } = await services.spaces.hierarchy(params.roomId, caller.userId, {
        suggestedOnly: query.suggested_only === "true",
        maxDepth: query.max_depth,
        skip: query.from === undefined ? 0 : placeIn(query.from, filter),
        limit: Math.min(query.limit, MOST),
      });
      return { rooms: [...rooms], ...(next !== undefined && { next_batch: `t1_${filter}_${next}` }) };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v1/room_summary/{roomIdOrAlias}",
    params: z.object({ roomIdOrAlias: RoomIdOrAlias }),
    reply: Json,
    async handle({ caller, params }, services) {
      const roomId = await services.directory.resolve(params.roomIdOrAlias);
      return services.spaces.summary(roomId, caller.userId);
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v1/mutual_rooms",
    query: z.object({ user_id: UserId, from: z.string().optional() }),
    reply: z.object({ joined: z.array(z.string()), count: z.number() }),
    async handle({ caller, query }, services) {
      // All come at once: no token was ever given.
      if (query.from !== undefined) throw invalid("`from` is none of this server's tokens");
      const joined = await services.spaces.mutual(caller.userId, query.user_id);
      return { joined, count: joined.length };
    },
  }),
]);

/** Pages of one tree are asked for alike: `t1_FILTER_PLACE`. */
function placeIn(token: string, filter: string): number {
  const [, asked, place] = /^t1_([as]\d+)_(\d{1,9})$/.exec(token) ?? [];
  if (place === undefined) throw invalid("`from` is none of this server's tokens");
  if (asked !== filter) throw invalid("`suggested_only` and `max_depth` stay as they were on the first page");
  return Number(place);
}
