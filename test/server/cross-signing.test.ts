/** Keys of people: what may be uploaded, who may sign what, and who sees it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { signedPart } from "../../src/server/core/signed-json.js";
import type { JsonObject } from "../../src/server/core/json.js";
import {
  callApi,
  personOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

interface Signer {
  /** In base64 without padding. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

function newKey(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x = "" } = publicKey.export({ format: "jwk" });
  return { publicKey: Buffer.from(x, "base64url").toString("base64").replace(/=+$/, ""), privateKey };
}

function signed(object: JsonObject, userId: string, keyId: string, { privateKey }: Signer): JsonObject {
  const signature = sign(null, Buffer.from(signedPart(object)), privateKey)
    .toString("base64")
    .replace(/=+$/, "");
  const before = (object["signatures"] ?? {}) as Record<string, JsonObject>;
  return { ...object, signatures: { ...before, [userId]: { ...before[userId], [keyId]: signature } } };
}

const keyOf = (userId: string, usage: string, { publicKey }: Signer): JsonObject => ({
  user_id: userId,
  usage: [usage],
  keys: { [`ed25519:${publicKey}`]: publicKey },
});

/** Somebody with a device that has keys. */
async function someone(name: string) {
  const person = await register(server, name);
  const device = newKey();
  const deviceKeys = signed(
    {
      user_id: person.userId,
      device_id: person.deviceId,
      algorithms: ["m.megolm.v1.aes-sha2"],
      keys: { [`ed25519:${person.deviceId}`]: device.publicKey },
    },
    person.userId,
    `ed25519:${person.deviceId}`,
    device,
  );
  await person.post("keys/upload", { device_keys: deviceKeys });
  const [master, selfSigning, userSigning] = [newKey(), newKey(), newKey()];
  const byMaster = (key: JsonObject) => signed(key, person.userId, `ed25519:${master.publicKey}`, master);
  const upload = {
    master_key: keyOf(person.userId, "master", master),
    self_signing_key: byMaster(keyOf(person.userId, "self_signing", selfSigning)),
    user_signing_key: byMaster(keyOf(person.userId, "user_signing", userSigning)),
  };
  return { person, device, deviceKeys, master, selfSigning, userSigning, upload };
}

interface Query {
  readonly device_keys: Record<
    string,
    Record<string, { signatures: Record<string, Record<string, string>> }>
  >;
  readonly master_keys: Record<string, { signatures?: Record<string, Record<string, string>> }>;
  readonly self_signing_keys: Record<string, JsonObject>;
  readonly user_signing_keys: Record<string, JsonObject>;
}
const query = (by: Person, whom: Person): Promise<Query> =>
  by.post<Query>("keys/query", { device_keys: { [whom.userId]: [] } });
const SIGNING = "keys/device_signing/upload";

test("the first keys need no password, the same keys neither, and others do", async () => {
  const { person, upload } = await someone("alice");
  await person.post(SIGNING, upload);
  await person.post(SIGNING, upload);
  const found = await query(person, person);
  expect(found.master_keys[person.userId]).toEqual(upload.master_key);
  expect(found.user_signing_keys[person.userId]).toEqual(upload.user_signing_key);

  const others = await someone("alices-other-keys");
  const change = {
    master_key: { ...others.upload.master_key, user_id: person.userId },
  };
  const challenge = await refusal(person.post(SIGNING, change));
  expect([challenge.status, challenge.body["flows"]]).toEqual([401, [{ stages: ["m.login.password"] }]]);
  const auth = {
    type: "m.login.password",
    session: challenge.body["session"],
    identifier: { type: "m.id.user", user: "alice" },
    password: "alice's password",
  };
  await person.post(SIGNING, { ...change, auth });
  expect((await query(person, person)).master_keys[person.userId]).toMatchObject(change.master_key);
});

test("keys that the master key has not signed, that are another's or none are refused", async () => {
  const { person, upload, selfSigning } = await someone("bob");
  const stranger = await someone("bobs-stranger");
  expect((await refusal(person.post(SIGNING, { self_signing_key: upload.self_signing_key }))).code).toBe(
    "M_MISSING_PARAM",
  );
  const unsigned = keyOf(person.userId, "self_signing", selfSigning);
  const byStranger = signed(unsigned, person.userId, `ed25519:${stranger.master.publicKey}`, stranger.master);
  for (const [code, change] of [
    ["M_INVALID_SIGNATURE", { self_signing_key: unsigned }],
    ["M_INVALID_SIGNATURE", { self_signing_key: byStranger }],
    ["M_INVALID_PARAM", { master_key: stranger.upload.master_key }],
    ["M_INVALID_PARAM", { master_key: { ...upload.master_key, usage: ["self_signing"] } }],
    ["M_INVALID_PARAM", { master_key: { ...upload.master_key, keys: {} } }],
    ["M_INVALID_PARAM", { master_key: { ...upload.master_key, keys: { "ed25519:a": "b" } } }],
  ] as const)
    expect((await refusal(person.post(SIGNING, { ...upload, ...change }))).code, JSON.stringify(change)).toBe(
      code,
    );
  expect((await query(person, person)).master_keys).toEqual({});
});

test("the key for signing other people is news to its owner alone", async () => {
  const [emma, finn] = [await someone("inga"), await someone("jens")];
  const { master_key, self_signing_key, user_signing_key } = emma.upload;
  await emma.person.post(SIGNING, { master_key, self_signing_key });
  const { room_id: roomId } = await emma.person.post<{ room_id: string }>("createRoom", {
    invite: [finn.person.userId],
  });
  await finn.person.post(`rooms/${encodeURIComponent(roomId)}/join`, {});
  const sync = (person: Person, since = "") =>
    person.get<{ next_batch: string; device_lists?: { changed: string[] } }>(`sync?timeout=0${since}`);
  const [emmas, finns] = [await sync(emma.person), await sync(finn.person)];
  const challenge = await refusal(emma.person.post(SIGNING, { user_signing_key }));
  const auth = {
    type: "m.login.password",
    session: challenge.body["session"],
    password: "inga's password",
  };
  await emma.person.post(SIGNING, { user_signing_key, auth });
  const told = async (person: Person, { next_batch }: { next_batch: string }) =>
    (await sync(person, `&since=${next_batch}`)).device_lists?.changed ?? [];
  expect(await told(emma.person, emmas)).toEqual([emma.person.userId]);
  expect(await told(finn.person, finns)).toEqual([]);
});

test("a device signed by its owner is seen signed by all; what is signed of others by the signer alone", async () => {
  const [carol, dora] = [await someone("carol"), await someone("dora")];
  await carol.person.post(SIGNING, carol.upload);
  await dora.person.post(SIGNING, dora.upload);
  const { room_id: roomId } = await carol.person.post<{ room_id: string }>("createRoom", {
    invite: [dora.person.userId],
  });
  await dora.person.post(`rooms/${encodeURIComponent(roomId)}/join`, {});
  const since = async (person: Person) =>
    (await person.get<{ next_batch: string }>("sync?timeout=0")).next_batch;
  const changedFor = async (person: Person, from: string) => {
    const answer = await person.get<{ next_batch: string; device_lists?: { changed: string[] } }>(
      `sync?timeout=0&since=${from}`,
    );
    const asked = await person.get<{ changed: string[] }>(
      `keys/changes?from=${from}&to=${answer.next_batch}`,
    );
    expect(asked.changed).toEqual(answer.device_lists?.changed ?? []);
    return asked.changed;
  };

  const [carols, doras] = [await since(carol.person), await since(dora.person)];
  const self = carol.person.userId;
  const byOwner = signed(carol.deviceKeys, self, `ed25519:${carol.selfSigning.publicKey}`, carol.selfSigning);
  const byDevice = signed(carol.upload.master_key, self, `ed25519:${carol.person.deviceId}`, carol.device);
  expect(
    await carol.person.post("keys/signatures/upload", {
      [self]: { [carol.person.deviceId]: byOwner, [carol.master.publicKey]: byDevice },
    }),
  ).toEqual({ failures: {} });
  const seen = await query(dora.person, carol.person);
  const device = seen.device_keys[self]?.[carol.person.deviceId];
  expect(Object.keys(device?.signatures[self] ?? {}).toSorted()).toEqual(
    [`ed25519:${carol.person.deviceId}`, `ed25519:${carol.selfSigning.publicKey}`].toSorted(),
  );
  expect(seen.master_keys[self]?.signatures?.[self]).toHaveProperty(`ed25519:${carol.person.deviceId}`);
  expect(seen.user_signing_keys).toEqual({});
  expect(await changedFor(dora.person, doras)).toEqual([self]);

  const [carolsNow, dorasNow] = [await since(carol.person), await since(dora.person)];
  const ofDora = signed(
    dora.upload.master_key,
    self,
    `ed25519:${carol.userSigning.publicKey}`,
    carol.userSigning,
  );
  await carol.person.post("keys/signatures/upload", {
    [dora.person.userId]: { [dora.master.publicKey]: ofDora },
  });
  const signers = async (by: Person) =>
    Object.keys((await query(by, dora.person)).master_keys[dora.person.userId]?.signatures ?? {});
  expect(await signers(carol.person)).toEqual([self]);
  expect(await signers(dora.person)).toEqual([]);
  expect(await changedFor(carol.person, carolsNow)).toEqual([dora.person.userId]);
  expect(await changedFor(dora.person, dorasNow)).toEqual([]);
  expect(await changedFor(carol.person, carols)).toContain(self);
});

test("each signature that is not right is refused for itself, and the others are taken", async () => {
  const [emil, finn] = [await someone("emil"), await someone("finn")];
  await emil.person.post(SIGNING, emil.upload);
  await finn.person.post(SIGNING, finn.upload);
  const self = emil.person.userId;
  const right = signed(emil.deviceKeys, self, `ed25519:${emil.selfSigning.publicKey}`, emil.selfSigning);
  const { failures } = await emil.person.post<{
    failures: Record<string, Record<string, { errcode: string }>>;
  }>("keys/signatures/upload", {
    [self]: {
      [emil.person.deviceId]: right,
      NONE: right,
      [emil.master.publicKey]: emil.upload.master_key,
    },
    [finn.person.userId]: {
      [finn.master.publicKey]: { ...finn.upload.master_key, signatures: right["signatures"] as JsonObject },
      [finn.selfSigning.publicKey]: finn.upload.self_signing_key,
    },
    "@nobody:hs1": { key: right },
  });
  const codes = Object.fromEntries(
    Object.entries(failures).map(([user, keys]) => [user, Object.values(keys).map(({ errcode }) => errcode)]),
  );
  expect(codes).toEqual({
    [self]: ["M_NOT_FOUND", "M_INVALID_SIGNATURE"],
    [finn.person.userId]: ["M_INVALID_SIGNATURE", "M_NOT_FOUND"],
    "@nobody:hs1": ["M_NOT_FOUND"],
  });
  const device = (await query(emil.person, emil.person)).device_keys[self]?.[emil.person.deviceId];
  expect(device?.signatures[self]).toHaveProperty(`ed25519:${emil.selfSigning.publicKey}`);
});

test("a device's signatures go with it", async () => {
  const { person, upload, deviceKeys, selfSigning } = await someone("greta");
  await person.post(SIGNING, upload);
  const session = await callApi<Parameters<typeof personOf>[1]>(server.url, "POST", "login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "greta" },
    password: "greta's password",
  });
  const other = personOf(server, session);
  const byOwner = signed(deviceKeys, person.userId, `ed25519:${selfSigning.publicKey}`, selfSigning);
  await person.post("keys/signatures/upload", { [person.userId]: { [person.deviceId]: byOwner } });
  await person.post("logout", {});
  const again = await callApi<Parameters<typeof personOf>[1]>(server.url, "POST", "login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "greta" },
    password: "greta's password",
    device_id: person.deviceId,
  });
  await personOf(server, again).post("keys/upload", { device_keys: deviceKeys });
  const device = (await query(other, person)).device_keys[person.userId]?.[person.deviceId];
  expect(Object.keys(device?.signatures[person.userId] ?? {})).toEqual([`ed25519:${person.deviceId}`]);
});
