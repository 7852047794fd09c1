/**
 * Sending events: `PUT send`, `PUT redact`.
 * Source: Matrix client-server API v1.19, "Sending events to a room", "Redactions".
 */
import { z } from "zod";
import { EventId, EventType, RoomId, TxnId } from "../core/ids.js";
import { stringOrNone } from "../core/json.js";
import { Content } from "./content.js";
import { endpoint, group } from "./endpoint.js";

const Sent = z.object({ event_id: z.string() });

export const sending = group("Sending events", [
  endpoint({
    route: "PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}",
    limit: "message",
    params: z.object({ roomId: RoomId, eventType: EventType, txnId: TxnId }),
    body: Content,
    reply: Sent,

    handle: async ({ caller, path, params, body }, { rooms, txns }) => ({
      event_id: await txns.once(caller, path, params.txnId, (origin) => {
        const redacts = params.eventType === "m.room.redaction" ? stringOrNone(body["redacts"]) : undefined;
        return redacts === undefined
          ? rooms.send(
              params.roomId,
              { sender: caller.userId, type: params.eventType, content: body },
              origin,
            )
          : rooms.redact(params.roomId, { sender: caller.userId, eventId: redacts, content: body }, origin);
      }),
    }),
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}",
    limit: "message",
    params: z.object({ roomId: RoomId, eventId: EventId, txnId: TxnId }),
    body: z.object({ reason: z.string().optional() }),
    reply: Sent,

    handle: async ({ caller, path, params, body }, { rooms, txns }) => ({
      event_id: await txns.once(caller, path, params.txnId, (origin) =>
        rooms.redact(
          params.roomId,
          {
            sender: caller.userId,
            eventId: params.eventId,
            content: body.reason === undefined ? {} : { reason: body.reason },
          },
          origin,
        ),
      ),
    }),
  }),
]);
