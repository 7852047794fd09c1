/**
 * Reading a room's past: one event, pages, and what stands around an event.
 * Source: Matrix client-server API v1.19, "Getting events for a room", "Event context".
 */
import { z } from "zod";
import { toClientEvent, type StoredEvent, type Viewer } from "../core/event.js";
import { RoomEventFilter } from "../core/filter.js";
import { EventId, RoomId } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import { parseHistoryToken, renderHistoryToken } from "../core/tokens.js";
import { invalid } from "../service/failure.js";
import type { Stretch } from "../store/events.js";
import type { Services } from "../service/services.js";
import { endpoint, group, Json } from "./endpoint.js";

const MOST = 1_000;
const Limit = z.coerce.number().int().min(0).default(10);

/** A filter comes as JSON within the query. */
const FilterText = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "a filter is JSON" });
      return z.NEVER;
    }
  })
  .pipe(RoomEventFilter);

export const reading = group("Getting events for a room", [
  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}",
    params: z.object({ roomId: RoomId, eventId: EventId }),
    reply: Json,
    async handle({ caller, params }, { history, relations }) {
      const event = await history.event(params.roomId, params.eventId, caller.userId);
      return (await relations.render([event], caller))[0] ?? {};
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/messages",
    params: z.object({ roomId: RoomId }),
    query: z.object({
      // Needed by the specification, and left out by some clients.
      dir: z.enum(["f", "b"]).default("f"),
      from: z.string().optional(),
      to: z.string().optional(),
      limit: Limit,
      filter: FilterText.optional(),
    }),
    reply: z.object({
      chunk: z.array(Json),
      start: z.string(),
      end: z.string().optional(),
      state: z.array(Json).optional(),
    }),

    async handle({ caller, params, query }, services) {
      const viewpoint = await services.history.viewpointOrRefuse(params.roomId, caller.userId);
      const latest = services.stream.latest;
      const from = positionOf(query.from) ?? (query.dir === "b" ? latest : 0);
      const to = positionOf(query.to);
      const stretch =
        query.dir === "b"
          ? { after: to ?? 0, upTo: from }
          : { after: from, upTo: Math.min(to ?? latest, latest) };
      const limit = Math.min(query.limit, query.filter?.limit ?? MOST, MOST);
      const { events, next } = await services.history.page(
        params.roomId,
        stretch,
        query.dir,
        limit,
        viewpoint,
        query.filter,
      );
      const end = next ?? lastEnd(query, events.length === 0, stretch);
      const state =
        query.filter?.lazy_load_members === true ? await membersOf(params.roomId, events, services) : [];
      return {
        chunk: await services.relations.render(events, caller, { sight: viewpoint }),
        start: query.from ?? renderHistoryToken(from),
        ...(end !== undefined && { end: renderHistoryToken(end) }),
        ...(state.length > 0 && { state: render(state, caller) }),
      };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event",
    params: z.object({ roomId: RoomId }),
    query: z.object({ ts: z.coerce.number().int(), dir: z.enum(["f", "b"]) }),
    reply: z.object({ event_id: z.string(), origin_server_ts: z.number() }),
    async handle({ caller, params, query }, { history }) {
      const event = await history.nearest(params.roomId, query.ts, query.dir, caller.userId);
      return { event_id: event.eventId, origin_server_ts: event.ts };
    },
  }),

  endpoint({
    route: "GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}",
    params: z.object({ roomId: RoomId, eventId: EventId }),
    query: z.object({ limit: Limit, filter: FilterText.optional() }),
    reply: z.object({
      event: Json,
      events_before: z.array(Json),
      events_after: z.array(Json),
      start: z.string(),
      end: z.string(),
      state: z.array(Json),
    }),

    async handle({ caller, params, query }, { history, relations, store, stream }) {
      const event = await history.event(params.roomId, params.eventId, caller.userId);
      const viewpoint = await history.viewpoint(params.roomId, caller.userId);
      const limit = Math.min(query.limit, MOST);
      const page = (direction: "b" | "f", stretch: { after: number; upTo: number }, size: number) =>
        history.page(params.roomId, stretch, direction, size, viewpoint, query.filter);
      const before = await page("b", { after: 0, upTo: event.position - 1 }, Math.ceil(limit / 2));
      const after = await page("f", { after: event.position, upTo: stream.latest }, Math.floor(limit / 2));
      const last = after.events.at(-1) ?? event;
      const first = before.events.at(-1) ?? event;
      const state = await store.events.stateAt(params.roomId, last.position);
      const shown = new Set([event, ...before.events, ...after.events].map(({ sender }) => sender));
      const isLazy = query.filter?.lazy_load_members === true;
      const [shownEvent = {}] = await relations.render([event], caller, { sight: viewpoint });
      return {
        event: shownEvent,
        events_before: await relations.render(before.events, caller, { sight: viewpoint }),
        events_after: await relations.render(after.events, caller, { sight: viewpoint }),
        start: renderHistoryToken(first.position - 1),
        end: renderHistoryToken(last.position),
        state: render(
          state.filter(
            ({ type, stateKey }) => !isLazy || type !== "m.room.member" || shown.has(stateKey ?? ""),
          ),
          caller,
        ),
      };
    },
  }),
]);

function render(events: readonly StoredEvent[], viewer: Viewer): JsonObject[] {
  return events.map((event) => toClientEvent(event, viewer));
}

/**
 * Where one may go on though nothing more is there: forwards, as the present is no end; backwards behind a filter, as
 * clients take a missing token for the room's beginning, and miss it among what was let through.
 */
function lastEnd(
  {
    dir,
    to,
    filter,
  }: { readonly dir: "f" | "b"; readonly to?: string | undefined; readonly filter?: object | undefined },
  isEmpty: boolean,
  stretch: Stretch,
): number | undefined {
  if (isEmpty) return undefined;
  if (dir === "f") return to === undefined ? stretch.upTo : undefined;
  return filter === undefined ? undefined : stretch.after;
}

function positionOf(token: string | undefined): number | undefined {
  if (token === undefined) return undefined;
  const position = parseHistoryToken(token);
  if (position === undefined) throw invalid("the token is none of this server's");
  return position;
}

/** The member events of those who speak on a page, as they were at its last event. */
async function membersOf(
  roomId: string,
  events: readonly StoredEvent[],
  { store }: Services,
): Promise<StoredEvent[]> {
  const upTo = events.reduce((latest, { position }) => Math.max(latest, position), 0);
  const members: StoredEvent[] = [];
  for (const sender of new Set(events.map((event) => event.sender))) {
    const history = await store.events.stateHistory(roomId, "m.room.member", sender);
    const member = history.findLast(({ position }) => position <= upTo);
    if (member !== undefined) members.push(member);
  }
  return members;
}
