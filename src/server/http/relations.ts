/**
 * What was said of an event, and a room's threads.
 * Source: Matrix client-server API v1.19, "Relationships API", "Querying threads in a room".
 */
import { z } from "zod";
import { EventId, EventType, RoomId } from "../core/ids.js";
import { parseHistoryToken, renderHistoryToken } from "../core/tokens.js";
import { invalid } from "../service/failure.js";
import { endpoint, group, Json } from "./endpoint.js";

const BASE = "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}";
const MOST = 1_000;
const USUAL = 5;
/** "at least 3 levels of relationships" */
const DEPTH = 3;

const Limit = z.coerce
  .number()
  .int()
  .min(1)
  .default(USUAL)
  .transform((limit) => Math.min(limit, MOST));

export const relations = group("Event relationships", [
  ...[BASE, `${BASE}/{relType}`, `${BASE}/{relType}/{eventType}`].map((path) =>
    endpoint({
      route: `GET ${path}`,
      params: z.object({
        roomId: RoomId,
        eventId: EventId,
        relType: z.string().optional(),
        eventType: EventType.optional(),
      }),
      query: z.object({
        dir: z.enum(["b", "f"]).default("b"),
        from: z.string().optional(),
        to: z.string().optional(),
        limit: Limit,
        recurse: z.enum(["true", "false"]).default("false"),
      }),
      reply: z.object({
        chunk: z.array(Json),
        next_batch: z.string().optional(),
        prev_batch: z.string().optional(),
        recursion_depth: z.number().optional(),
      }),

      async handle({ caller, params, query }, services) {
        const { dir, limit } = query;
        const [from, to] = [positionOf(query.from), positionOf(query.to)];
        const { latest } = services.stream;
        const stretch =
          dir === "b"
            ? { after: to ?? 0, upTo: from ?? latest }
            : { after: from ?? 0, upTo: Math.min(to ?? latest, latest) };
        const depth = query.recurse === "true" ? DEPTH : 1;
        const { events, next } = await services.relations.page(
          { roomId: params.roomId, eventId: params.eventId, userId: caller.userId },
          {
            depth,
            ...(params.relType !== undefined && { relType: params.relType }),
            ...(params.eventType !== undefined && { type: params.eventType }),
          },
          stretch,
          dir,
          limit,
        );
        return {
          chunk: await services.relations.render(events, caller),
          ...(next !== undefined && { next_batch: renderHistoryToken(next) }),
          ...(query.from !== undefined && { prev_batch: query.from }),
          ...(depth > 1 && { recursion_depth: depth }),
        };
      },
    }),
  ),

  endpoint({
    route: "GET /_matrix/client/v1/rooms/{roomId}/threads",
    params: z.object({ roomId: RoomId }),
    query: z.object({
      include: z.enum(["all", "participated"]).default("all"),
      from: z.string().optional(),
      limit: Limit,
    }),
    reply: z.object({ chunk: z.array(Json), next_batch: z.string().optional() }),
    async handle({ caller, params, query }, services) {
      const { events, next } = await services.relations.threads(params.roomId, caller, {
        participated: query.include === "participated",
        upTo: positionOf(query.from) ?? services.stream.latest,
        limit: query.limit,
      });
      return {
        chunk: await services.relations.render(events, caller),
        ...(next !== undefined && { next_batch: renderHistoryToken(next) }),
      };
    },
  }),
]);

function positionOf(token: string | undefined): number | undefined {
  if (token === undefined) return undefined;
  const position = parseHistoryToken(token);
  if (position === undefined) throw invalid("the token is none of this server's");
  return position;
}
