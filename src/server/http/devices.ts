/**
 * A user's own devices.
 * Source: Matrix client-server API v1.19, "Device Management".
 */
import { z } from "zod";
import { DeviceId } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import { notFound } from "../service/failure.js";
import type { Device } from "../store/sessions.js";
import { Empty, endpoint, group } from "./endpoint.js";
import { proveByPassword } from "./password-stage.js";

const DeviceReply = z.object({
  device_id: z.string(),
  display_name: z.string().optional(),
  last_seen_ts: z.number().optional(),
  last_seen_ip: z.string().optional(),
});
const Which = z.object({ deviceId: DeviceId });

const render = ({ deviceId, displayName, seenAt, seenFrom }: Device): z.infer<typeof DeviceReply> => ({
  device_id: deviceId,
  ...(displayName !== undefined && { display_name: displayName }),
  ...(seenAt !== undefined && { last_seen_ts: seenAt }),
  ...(seenFrom !== undefined && { last_seen_ip: seenFrom }),
});

export const devices = group("Device management", [
  endpoint({
    route: "GET /_matrix/client/v3/devices",
    reply: z.object({ devices: z.array(DeviceReply) }),
    handle: async ({ caller }, { store }) => ({
      devices: (await store.sessions.devices(caller.userId)).map(render),
    }),
  }),

  endpoint({
    route: "GET /_matrix/client/v3/devices/{deviceId}",
    params: Which,
    reply: DeviceReply,
    async handle({ caller, params }, { store }) {
      const device = (await store.sessions.devices(caller.userId)).find(
        ({ deviceId }) => deviceId === params.deviceId,
      );
      if (device === undefined) throw notFound("you have no such device");
      return render(device);
    },
  }),

  endpoint({
    route: "PUT /_matrix/client/v3/devices/{deviceId}",
    params: Which,
    body: z.object({ display_name: z.string().max(255).optional() }),
    reply: z.union([Empty, z.instanceof(Response)]),
    async handle({ caller, params, body }, { store }) {
      const known = (await store.sessions.devices(caller.userId)).some(
        ({ deviceId }) => deviceId === params.deviceId,
      );
      if (!known) {
        if (caller.service === undefined) throw notFound("you have no such device");
        // MSC4190: a service makes devices for its users without logging them in.
        await store.sessions.logIn(caller.userId, params.deviceId, [], body.display_name);
        return Response.json({}, { status: 201 });
      }
      if (body.display_name !== undefined)
        await store.sessions.renameDevice(caller.userId, params.deviceId, body.display_name);
      return {};
    },
  }),

  endpoint({
    route: "DELETE /_matrix/client/v3/devices/{deviceId}",
    params: Which,
    body: z.looseObject({}),
    reply: Empty,
    async handle({ caller, params, body }, services) {
      const purpose = `delete ${caller.userId} ${params.deviceId}`;
      await proveByPassword(purpose, caller, body as JsonObject, services);
      await services.sessions.close(caller.userId, [params.deviceId]);
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/delete_devices",
    body: z.looseObject({ devices: z.array(DeviceId).optional() }),
    reply: Empty,
    async handle({ caller, body }, services) {
      const purpose = `delete ${caller.userId}`;
      const proved = await proveByPassword(purpose, caller, body as JsonObject, services);
      const { devices: ids } = z.object({ devices: z.array(DeviceId) }).parse(proved);
      await services.sessions.close(caller.userId, ids);
      return {};
    },
  }),
]);
