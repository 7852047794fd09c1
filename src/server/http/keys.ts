/**
 * Keys of devices and people: upload, query, claim, sign.
 * Source: Matrix client-server API v1.19, "Key and signature security".
 */
import { z } from "zod";
import { UserId } from "../core/ids.js";
import { isObject, type JsonObject } from "../core/json.js";
import { parseSyncToken } from "../core/tokens.js";
import { signingKey, withSignatures } from "../service/cross-signing.js";
import { invalid } from "../service/failure.js";
import type { KeyUsage } from "../store/cross-signing.js";
import type { UploadedKey } from "../store/encryption.js";
import { Content } from "./content.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";
import { proveByPassword } from "./password-stage.js";

export const UploadedKeys = z.record(
  z.string().regex(/^[^:]+:.+$/, "`algorithm:id`"),
  z.union([z.string(), Content]),
);

export const splitKeys = (keys: z.infer<typeof UploadedKeys>): UploadedKey[] =>
  Object.entries(keys).map(([name, key]) => {
    const colon = name.indexOf(":");
    return { algorithm: name.slice(0, colon), keyId: name.slice(colon + 1), key };
  });

const NeededOfDevice = z.object({
  algorithms: z.array(z.string()),
  keys: z.record(z.string(), z.string()),
  signatures: z.record(z.string(), z.record(z.string(), z.string())),
});
/** Source: `DeviceKeys`. What else it holds is signed with the rest, and stays. */
const DeviceKeys = Content.refine((keys) => NeededOfDevice.safeParse(keys).success, "no keys of a device");

const ByUser = z.record(z.string(), Json);
const Found = z.object({
  device_keys: ByUser,
  master_keys: ByUser,
  self_signing_keys: ByUser,
  user_signing_keys: ByUser,
  failures: Json,
});
type Found = z.infer<typeof Found>;

export const keys = group("Device keys", [
  endpoint({
    route: "POST /_matrix/client/v3/keys/upload",
    body: z.object({
      device_keys: DeviceKeys.optional(),
      one_time_keys: UploadedKeys.default({}),
      fallback_keys: UploadedKeys.default({}),
    }),
    reply: z.object({ one_time_key_counts: z.record(z.string(), z.number()) }),
    async handle({ caller, body }, { store }) {
      if (caller.deviceId === "") throw invalid("keys are a device's: say which, by `device_id`");
      const { device_keys: deviceKeys } = body;
      if (
        deviceKeys !== undefined &&
        (deviceKeys["user_id"] !== caller.userId || deviceKeys["device_id"] !== caller.deviceId)
      ) {
        throw invalid("a device uploads its own keys");
      }
      await store.encryption.uploadKeys(caller, {
        ...(deviceKeys !== undefined && { deviceKeys }),
        oneTime: splitKeys(body.one_time_keys),
        fallback: splitKeys(body.fallback_keys),
      });
      return { one_time_key_counts: { signed_curve25519: 0, ...(await store.encryption.keyCounts(caller)) } };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/keys/query",
    body: z.object({ device_keys: z.record(UserId, z.array(z.string())), timeout: z.number().optional() }),
    reply: Found,
    async handle({ caller, body }, { store }) {
      const found: Found = {
        device_keys: {},
        master_keys: {},
        self_signing_keys: {},
        user_signing_keys: {},
        failures: {},
      };
      for (const [userId, wanted] of Object.entries(body.device_keys)) {
        const signatures = await store.crossSigning.signatures(userId, caller.userId);
        const signed = (keyId: string, object: JsonObject) =>
          withSignatures(
            object,
            signatures.filter((signature) => signature.keyId === keyId),
          );
        const devices = [...(await store.encryption.deviceKeys(userId))].filter(
          ([id]) => wanted.length === 0 || wanted.includes(id),
        );
        found.device_keys[userId] = Object.fromEntries(
          devices.map(([id, { keys: own, displayName }]) => [
            id,
            {
              ...signed(id, own),
              ...(displayName !== undefined && { unsigned: { device_display_name: displayName } }),
            },
          ]),
        );
        const { master, self_signing, user_signing } = await store.crossSigning.keys(userId);
        if (master !== undefined) found.master_keys[userId] = signed(signingKey(master).publicKey, master);
        if (self_signing !== undefined) found.self_signing_keys[userId] = self_signing;
        if (user_signing !== undefined && userId === caller.userId)
          found.user_signing_keys[userId] = user_signing;
      }
      return found;
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

  endpoint({
    route: "GET /_matrix/client/v3/keys/changes",
    query: z.object({ from: z.string(), to: z.string() }),
    reply: z.object({ changed: z.array(z.string()), left: z.array(z.string()) }),
    async handle({ caller, query }, { sync }) {
      const [from, to] = [parseSyncToken(query.from), parseSyncToken(query.to)];
      if (from === undefined || to === undefined)
        throw invalid("`from` and `to` are tokens of this server's `sync`");
      const { changed, left } = await sync.deviceChanges(caller.userId, from, to);
      return { changed: [...changed], left: [...left] };
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/keys/device_signing/upload",
    body: z.looseObject({
      master_key: Content.optional(),
      self_signing_key: Content.optional(),
      user_signing_key: Content.optional(),
    }),
    reply: Empty,
    async handle({ caller, body }, services) {
      const { crossSigning } = services;
      const asked = body as JsonObject;
      const request = (await crossSigning.needsProof(caller.userId, signingKeysIn(asked)))
        ? await proveByPassword(`sign ${caller.userId}`, caller, asked, services)
        : asked;
      await crossSigning.upload(caller.userId, signingKeysIn(request));
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/keys/signatures/upload",
    body: z.record(UserId, z.record(z.string(), Content)),
    reply: z.object({ failures: ByUser }),
    handle: async ({ caller, body }, { crossSigning }) => ({
      failures: await crossSigning.sign(caller.userId, body),
    }),
  }),
]);

function signingKeysIn(body: JsonObject): Partial<Record<KeyUsage, JsonObject>> {
  const { master_key: master, self_signing_key: selfSigning, user_signing_key: userSigning } = body;
  return {
    ...(isObject(master) && { master }),
    ...(isObject(selfSigning) && { self_signing: selfSigning }),
    ...(isObject(userSigning) && { user_signing: userSigning }),
  };
}
