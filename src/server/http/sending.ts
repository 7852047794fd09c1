/**
 * Sending events: `PUT send`, `PUT redact`.
 * Source: Matrix client-server API v1.19, "Sending events to a room", "Redactions".
 */
import { z } from "zod";
import { EventId, EventType, RoomId, TxnId } from "../core/ids.js";
import { stringOrNone } from "../core/json.js";
import { reactionOf } from "../core/relations.js";
import { suspended } from "../service/failure.js";
import type { Services } from "../service/services.js";
import type { Caller } from "../service/sessions.js";
import { timeOf, TimestampQuery } from "./as-service.js";
import { Content } from "./content.js";
import { DelayQuery, scheduled, Scheduled } from "./delayed-events.js";
import { endpoint, group } from "./endpoint.js";

const Sent = z.object({ event_id: z.string() });

/** Who is suspended takes back what they said, and says nothing new. @throws Failure M_USER_SUSPENDED */
async function assertMaySendSuspended(
  caller: Caller,
  redacts: string | undefined,
  { store }: Services,
): Promise<void> {
  const target = redacts === undefined ? undefined : await store.events.event(redacts);
  if (target?.sender !== caller.userId) throw suspended();
}

export const sending = group("Sending events", [
  endpoint({
    route: "PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}",
    limit: "message",
    params: z.object({ roomId: RoomId, eventType: EventType, txnId: TxnId }),
    query: DelayQuery.extend(TimestampQuery.shape),
    body: Content,
    reply: z.union([Sent, Scheduled]),

    async handle({ caller, params, query, body }, services) {
      const { relations, rooms, txns } = services;
      const { roomId, eventType: type, txnId } = params;
      const time = timeOf(query, caller);
      const draft = { sender: caller.userId, type, content: body, ...time };
      const redacts = type === "m.room.redaction" ? stringOrNone(body["redacts"]) : undefined;
      if (caller.isSuspended) await assertMaySendSuspended(caller, redacts, services);
      const delayMs = query["org.matrix.msc4140.delay"];
      if (delayMs !== undefined) return scheduled(delayMs, caller, roomId, draft, txnId, services);
      services.presence.acted(caller.userId);
      if (redacts !== undefined) {
        const redaction = { sender: caller.userId, eventId: redacts, content: body, ...time };
        const eventId = await txns.once(caller, { roomId, type, redacts }, txnId, (origin) =>
          rooms.redact(roomId, redaction, origin),
        );
        return { event_id: eventId };
      }
      const eventId = await txns.once(caller, { roomId, type }, txnId, (origin) =>
        reactionOf(body) === undefined
          ? rooms.send(roomId, draft, origin)
          : relations.assertNew(draft).then(() => rooms.send(roomId, draft, origin)),
      );
      return { event_id: eventId };
    },
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}",
    limit: "message",
    params: z.object({ roomId: RoomId, eventId: EventId, txnId: TxnId }),
    query: TimestampQuery,
    body: z.object({ reason: z.string().optional() }),
    reply: Sent,

    async handle({ caller, params, query, body }, services) {
      const { rooms, txns } = services;
      const { roomId, eventId: redacts, txnId } = params;
      if (caller.isSuspended) await assertMaySendSuspended(caller, redacts, services);
      const content = body.reason === undefined ? {} : { reason: body.reason };
      const eventId = await txns.once(
        caller,
        { roomId, type: "m.room.redaction", redacts },
        txnId,
        (origin) =>
          rooms.redact(
            roomId,
            { sender: caller.userId, eventId: redacts, content, ...timeOf(query, caller) },
            origin,
          ),
      );
      return { event_id: eventId };
    },
  }),
]);
