/**
 * Devices that nobody runs, and that take messages until somebody opens them.
 * Source: MSC3814, under the experimental path that clients call.
 */
import { z } from "zod";
import { DeviceId } from "../core/ids.js";
import { forbidden, invalid, notFound } from "../service/failure.js";
import { Content } from "./content.js";
import { endpoint, group, Json } from "./endpoint.js";
import { splitKeys, UploadedKeys } from "./keys.js";

const ROUTE = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";
const PAGE = 100;
const Named = z.object({ device_id: z.string() });

export const dehydratedDevices = group("Dehydrated devices", [
  endpoint({
    route: `PUT ${ROUTE}`,
    body: z.object({
      device_id: DeviceId,
      device_data: Content,
      initial_device_display_name: z.string().max(255).nullish(),
      device_keys: Content,
      one_time_keys: UploadedKeys.default({}),
      fallback_keys: UploadedKeys.default({}),
    }),
    reply: Named,
    async handle({ caller: { userId }, body }, { store }) {
      const { device_id: deviceId, device_keys: deviceKeys, initial_device_display_name: displayName } = body;
      if (deviceKeys["user_id"] !== userId || deviceKeys["device_id"] !== deviceId)
        throw invalid("`device_keys` are those of another device");
      const put = await store.dehydratedDevices.put({
        ...{ userId, deviceId, deviceKeys, data: body.device_data },
        ...(displayName != null && { displayName }),
        oneTime: splitKeys(body.one_time_keys),
        fallback: splitKeys(body.fallback_keys),
      });
      if (!put) throw invalid("a device of that id has a session");
      return { device_id: deviceId };
    },
  }),

  endpoint({
    route: `GET ${ROUTE}`,
    reply: z.object({ device_id: z.string(), device_data: Json }),
    async handle({ caller }, { store }) {
      const device = await store.dehydratedDevices.get(caller.userId);
      if (device === undefined) throw notFound("there is no dehydrated device");
      return { device_id: device.deviceId, device_data: device.data };
    },
  }),

  endpoint({
    route: `DELETE ${ROUTE}`,
    reply: Named,
    async handle({ caller }, { store }) {
      const deviceId = await store.dehydratedDevices.drop(caller.userId);
      if (deviceId === null) throw notFound("there is no dehydrated device");
      return { device_id: deviceId };
    },
  }),

  endpoint({
    route: `POST ${ROUTE}/{deviceId}/events`,
    params: z.object({ deviceId: DeviceId }),
    body: z.object({ next_batch: z.string().nullish() }),
    reply: z.object({ events: z.array(Json), next_batch: z.string() }),
    async handle({ caller, params, body }, { store }) {
      const device = await store.dehydratedDevices.get(caller.userId);
      if (device?.deviceId !== params.deviceId) throw forbidden("that is not your dehydrated device");
      const from = body.next_batch ?? "0";
      if (!/^\d{1,15}$/.test(from)) throw invalid("`next_batch` is none of this server's tokens");
      const messages = await store.dehydratedDevices.messages(
        caller.userId,
        device.deviceId,
        Number(from),
        PAGE,
      );
      return {
        events: messages.map(({ event }) => event),
        next_batch: String(messages.at(-1)?.position ?? from),
      };
    },
  }),
]);
