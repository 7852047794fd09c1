/**
 * Messages from device to device.
 * Source: Matrix client-server API v1.19, "Send-to-Device messaging".
 */
import { z } from "zod";
import { EventType, TxnId, UserId } from "../core/ids.js";
import { Content } from "./content.js";
import { Empty, endpoint, group } from "./endpoint.js";

export const toDevice = group("Send-to-device messaging", [
  endpoint({
    route: "PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}",
    params: z.object({ eventType: EventType, txnId: TxnId }),
    body: z.object({ messages: z.record(UserId, z.record(z.string().min(1), Content)) }),
    reply: Empty,
    async handle({ caller, params, body, path }, { store }) {
      const messages = Object.entries(body.messages).flatMap(([userId, devices]) =>
        Object.entries(devices).map(([deviceId, content]) => ({
          userId,
          deviceId,
          event: { type: params.eventType, sender: caller.userId, content },
        })),
      );
      await store.encryption.send(messages, { userId: caller.userId, deviceId: caller.deviceId, path });
      return {};
    },
  }),
]);
