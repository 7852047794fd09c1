/**
 * Keys of devices: upload, query, claim.
 * Source: Matrix client-server API v1.19, "Key and signature security".
 */
import { z } from "zod";
import { UserId } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import { invalid } from "../service/failure.js";
import type { UploadedKey } from "../store/encryption.js";
import { Content } from "./content.js";
import { endpoint, group, Json } from "./endpoint.js";

const Keys = z.record(z.string().regex(/^[^:]+:.+$/, "`algorithm:id`"), z.union([z.string(), Content]));

const split = (keys: z.infer<typeof Keys>): UploadedKey[] =>
  Object.entries(keys).map(([name, key]) => {
    const colon = name.indexOf(":");
    return { algorithm: name.slice(0, colon), keyId: name.slice(colon + 1), key };
  });

export const keys = group("Device keys", [
  endpoint({
    route: "POST /_matrix/client/v3/keys/upload",
    body: z.object({
      device_keys: Content.optional(),
      one_time_keys: Keys.default({}),
      fallback_keys: Keys.default({}),
    }),
    reply: z.object({ one_time_key_counts: z.record(z.string(), z.number()) }),
    async handle({ caller, body }, { store }) {
      const { device_keys: deviceKeys } = body;
      if (
        deviceKeys !== undefined &&
        (deviceKeys["user_id"] !== caller.userId || deviceKeys["device_id"] !== caller.deviceId)
      ) {
        throw invalid("a device uploads its own keys");
      }
      await store.encryption.uploadKeys(caller, {
        ...(deviceKeys !== undefined && { deviceKeys }),
        oneTime: split(body.one_time_keys),
        fallback: split(body.fallback_keys),
      });
      return { one_time_key_counts: { signed_curve25519: 0, ...(await store.encryption.keyCounts(caller)) } };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/keys/query",
    body: z.object({ device_keys: z.record(UserId, z.array(z.string())), timeout: z.number().optional() }),
    reply: z.object({ device_keys: z.record(z.string(), Json), failures: Json }),
    async handle({ body }, { store }) {
      const found: Record<string, JsonObject> = {};
      for (const [userId, wanted] of Object.entries(body.device_keys)) {
        const devices = [...(await store.encryption.deviceKeys(userId))].filter(
          ([id]) => wanted.length === 0 || wanted.includes(id),
        );
        found[userId] = Object.fromEntries(
          devices.map(([id, { keys: own, displayName }]) => [
            id,
            { ...own, ...(displayName !== undefined && { unsigned: { device_display_name: displayName } }) },
          ]),
        );
      }
      return { device_keys: found, failures: {} };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/keys/claim",
    body: z.object({
      one_time_keys: z.record(UserId, z.record(z.string(), z.string())),
      timeout: z.number().optional(),
    }),
    reply: z.object({ one_time_keys: z.record(z.string(), Json), failures: Json }),
    async handle({ body }, { store }) {
      const wanted = Object.entries(body.one_time_keys).flatMap(([userId, devices]) =>
        Object.entries(devices).map(([deviceId, algorithm]) => ({ userId, deviceId, algorithm })),
      );
      const claimed: Record<string, Record<string, JsonObject>> = {};
      for (const { userId, deviceId, algorithm, keyId, key } of await store.encryption.claimKeys(wanted)) {
        (claimed[userId] ??= {})[deviceId] = { [`${algorithm}:${keyId}`]: key };
      }
      return { one_time_keys: claimed, failures: {} };
    },
  }),
]);
