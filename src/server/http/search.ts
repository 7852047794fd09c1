/**
 * Full-text search. What is encrypted, no server can search.
 * Source: Matrix client-server API v1.19, "Server Side Search".
 */
import { z } from "zod";
import { toClientEvent } from "../core/event.js";
import { RoomEventFilter } from "../core/filter.js";
import { renderHistoryToken } from "../core/tokens.js";
import { KEYS } from "../core/words.js";
import { invalid } from "../service/failure.js";
import type { Hit } from "../service/search.js";
import type { Caller } from "../service/sessions.js";
import type { Services } from "../service/services.js";
import { endpoint, group, Json } from "./endpoint.js";

const USUAL = 10;
const MOST = 100;
const MOST_CONTEXT = 50;
const Around = z
  .int()
  .min(0)
  .default(5)
  .transform((count) => Math.min(count, MOST_CONTEXT));

const Context = z.object({
  before_limit: Around,
  after_limit: Around,
  include_profile: z.boolean().default(false),
});
const Criteria = z.object({
  search_term: z.string().max(1_000),
  keys: z.array(z.enum(KEYS)).default([...KEYS]),
  filter: RoomEventFilter.default({}),
  order_by: z.enum(["recent", "rank"]).default("rank"),
  event_context: Context.optional(),
  include_state: z.boolean().default(false),
  groupings: z
    .object({ group_by: z.array(z.object({ key: z.enum(["room_id", "sender"]) })).default([]) })
    .default({ group_by: [] }),
});

export const search = group("Server side search", [
  endpoint({
    route: "POST /_matrix/client/v3/search",
    query: z.object({ next_batch: z.string().optional() }),
    body: z.object({ search_categories: z.object({ room_events: Criteria.optional() }) }),
    reply: z.object({ search_categories: Json }),
    async handle({ caller, query, body }, services) {
      const criteria = body.search_categories.room_events;
      if (criteria === undefined) return { search_categories: {} };
      const from =
        query.next_batch === undefined ? 0 : Number(/^f1_(\d{1,9})$/.exec(query.next_batch)?.[1] ?? NaN);
      if (Number.isNaN(from)) throw invalid("`next_batch` is none of this server's tokens");
      const limit = Math.min(criteria.filter.limit ?? USUAL, MOST);
      const { hits, count, hasMore, highlights } = await services.searches.find({
        userId: caller.userId,
        term: criteria.search_term,
        keys: criteria.keys,
        filter: criteria.filter,
        order: criteria.order_by,
        from,
        limit,
      });
      const shown = await services.relations.render(
        hits.map(({ event }) => event),
        caller,
      );
      const results = [];
      for (const [index, hit] of hits.entries()) {
        const context =
          criteria.event_context && (await around(hit, criteria.event_context, caller, services));
        results.push({
          rank: hit.rank,
          result: shown[index] ?? {},
          ...(context !== undefined && { context }),
        });
      }
      const groups = criteria.groupings.group_by.map(({ key }) => [key, grouped(hits, key)] as const);
      return {
        search_categories: {
          room_events: {
            count,
            highlights,
            results,
            ...(criteria.include_state && { state: await states(hits, caller, services) }),
            ...(groups.length > 0 && { groups: Object.fromEntries(groups) }),
            ...(hasMore && { next_batch: `f1_${from + limit}` }),
          },
        },
      };
    },
  }),
]);

function grouped(hits: readonly Hit[], key: "room_id" | "sender") {
  const groups = new Map<string, { order: number; results: string[] }>();
  for (const { event } of hits) {
    const value = key === "room_id" ? event.roomId : event.sender;
    const one = groups.get(value) ?? { order: groups.size + 1, results: [] };
    one.results.push(event.eventId);
    groups.set(value, one);
  }
  return Object.fromEntries(groups);
}

async function around({ event }: Hit, limits: z.infer<typeof Context>, caller: Caller, services: Services) {
  const { history, relations, stream, store } = services;
  const { roomId, position } = event;
  const viewpoint = await history.viewpoint(roomId, caller.userId);
  const page = (direction: "b" | "f", after: number, upTo: number, limit: number) =>
    history.page(roomId, { after, upTo }, direction, limit, viewpoint);
  const before = await page("b", 0, position - 1, limits.before_limit);
  const after = await page("f", position, stream.latest, limits.after_limit);
  const profiles: Record<string, object> = {};
  const senders = [event, ...before.events, ...after.events].map(({ sender }) => sender);
  for (const sender of limits.include_profile ? new Set(senders) : []) {
    const members = await store.events.stateHistory(roomId, "m.room.member", sender);
    const { displayname, avatar_url } =
      members.findLast((member) => member.position <= position)?.content ?? {};
    profiles[sender] = {
      ...(displayname !== undefined && { displayname }),
      ...(avatar_url !== undefined && { avatar_url }),
    };
  }
  return {
    events_before: await relations.render(before.events, caller, { sight: viewpoint }),
    events_after: await relations.render(after.events, caller, { sight: viewpoint }),
    start: renderHistoryToken((before.events.at(-1) ?? event).position - 1),
    end: renderHistoryToken((after.events.at(-1) ?? event).position),
    ...(limits.include_profile && { profile_info: profiles }),
  };
}

async function states(hits: readonly Hit[], caller: Caller, { store }: Services) {
  const rooms = new Set(hits.map(({ event }) => event.roomId));
  const found: [string, object[]][] = [];
  for (const roomId of rooms)
    found.push([
      roomId,
      (await store.events.currentState(roomId)).map((event) => toClientEvent(event, caller)),
    ]);
  return Object.fromEntries(found);
}
