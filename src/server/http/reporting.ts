/**
 * Telling the administrators of what should not be there.
 * Source: Matrix client-server API v1.19, "Reporting Content".
 */
import { z } from "zod";
import { EventId, RoomId, UserId } from "../core/ids.js";
import { notFound } from "../service/failure.js";
import { Empty, endpoint, group } from "./endpoint.js";

/** More than anybody writes, less than what would fill a card. In characters. */
const Reason = z.string().max(4_000);
const Given = z.object({ reason: Reason });

export const reporting = group("Reporting content", [
  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/report",
    limit: "message",
    params: z.object({ roomId: RoomId }),
    body: Given,
    reply: Empty,
    async handle({ caller, params: { roomId }, body }, { store }) {
      if ((await store.events.room(roomId)) === undefined) throw notFound("there is no such room");
      await store.reports.add({ reporter: caller.userId, roomId, reason: body.reason, at: Date.now() });
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/rooms/{roomId}/report/{eventId}",
    limit: "message",
    params: z.object({ roomId: RoomId, eventId: EventId }),
    body: Given.partial(),
    reply: Empty,
    async handle({ caller, params: { roomId, eventId }, body }, { store, history }) {
      const membership = await store.events.membership(caller.userId, roomId);
      if (membership?.membership !== "join")
        throw notFound("there is no such event, or you are not in the room");
      const event = await history.event(roomId, eventId, caller.userId);
      await store.reports.add({
        reporter: caller.userId,
        roomId,
        eventId,
        userId: event.sender,
        reason: body.reason ?? "",
        at: Date.now(),
      });
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/users/{userId}/report",
    limit: "message",
    params: z.object({ userId: UserId }),
    body: Given,
    reply: Empty,
    async handle({ caller, params: { userId }, body }, { store }) {
      if ((await store.accounts.get(userId)) === undefined) throw notFound("there is no such user");
      await store.reports.add({ reporter: caller.userId, userId, reason: body.reason, at: Date.now() });
      return {};
    },
  }),
]);
