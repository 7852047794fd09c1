/**
 * Who is typing.
 * Source: Matrix client-server API v1.19, "Typing Notifications".
 */
import { z } from "zod";
import { RoomId, UserId } from "../core/ids.js";
import { forbidden } from "../service/failure.js";
import { Empty, endpoint, group } from "./endpoint.js";

const LONGEST_MS = 120_000;

export const typing = group("Typing notifications", [
  endpoint({
    route: "PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}",
    params: z.object({ roomId: RoomId, userId: UserId }),
    body: z.object({ typing: z.boolean(), timeout: z.number().positive().default(30_000) }),
    reply: Empty,
    async handle({ caller, params, body }, services) {
      if (params.userId !== caller.userId) throw forbidden("nobody types for somebody else");
      if ((await services.rooms.state(params.roomId)).membership(caller.userId) !== "join")
        throw forbidden("you are not in this room");
      services.presence.acted(caller.userId);
      if (body.typing)
        services.typing.start(params.roomId, caller.userId, Math.min(body.timeout, LONGEST_MS));
      else services.typing.stop(params.roomId, caller.userId);
      return {};
    },
  }),
]);
