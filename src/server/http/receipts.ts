/**
 * How far people have read.
 * Source: Matrix client-server API v1.19, "Receipts", "Fully read markers".
 */
import { z } from "zod";
import { EventId, RoomId } from "../core/ids.js";
import { forbidden, invalid } from "../service/failure.js";
import type { Services } from "../service/services.js";
import { Empty, endpoint, group } from "./endpoint.js";

type Place = { readonly userId: string; readonly roomId: string };

async function setReceipt(
  { userId, roomId }: Place,
  type: "m.read" | "m.read.private",
  eventId: string,
  thread: string,
  { store, history }: Services,
) {
  const event = await history.event(roomId, eventId, userId);
  await store.personal.setReceipt({
    roomId,
    userId,
    type,
    thread,
    eventId,
    eventPosition: event.position,
    ts: Date.now(),
  });
}

async function setFullyRead({ userId, roomId }: Place, eventId: string, { store, history }: Services) {
  await history.event(roomId, eventId, userId);
  await store.personal.setAccountData(userId, roomId, "m.fully_read", { event_id: eventId });
}

async function assertJoined({ userId, roomId }: Place, { rooms }: Services): Promise<void> {
  if ((await rooms.state(roomId)).membership(userId) !== "join") throw forbidden("you are not in this room");
}

export const receipts = group("Receipts", [
  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}",
    params: z.object({
      roomId: RoomId,
      receiptType: z.enum(["m.read", "m.read.private", "m.fully_read"]),
      eventId: EventId,
    }),
    body: z.object({ thread_id: z.unknown().optional() }),
    reply: Empty,
    async handle({ caller, params, body }, services) {
      const place = { userId: caller.userId, roomId: params.roomId };
      await assertJoined(place, services);
      const { thread_id: thread } = body;
      if (thread !== undefined && (typeof thread !== "string" || thread === ""))
        throw invalid("`thread_id` is a thread's root, or `main`");
      if (params.receiptType === "m.fully_read") {
        if (thread !== undefined) throw invalid("the fully read marker knows no threads");
        await setFullyRead(place, params.eventId, services);
      } else {
        await setReceipt(place, params.receiptType, params.eventId, thread ?? "", services);
      }
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/read_markers",
    params: z.object({ roomId: RoomId }),
    body: z.object({
      "m.fully_read": EventId.optional(),
      "m.read": EventId.optional(),
      "m.read.private": EventId.optional(),
    }),
    reply: Empty,
    async handle({ caller, params, body }, services) {
      const place = { userId: caller.userId, roomId: params.roomId };
      await assertJoined(place, services);
      if (body["m.fully_read"] !== undefined) await setFullyRead(place, body["m.fully_read"], services);
      for (const type of ["m.read", "m.read.private"] as const) {
        const eventId = body[type];
        if (eventId !== undefined) await setReceipt(place, type, eventId, "", services);
      }
      return {};
    },
  }),
]);
