/**
 * Somebody who has logged out of their only device reads on a new one what was said meanwhile: a dehydrated device (MSC3814)
 * took the keys. matrix-js-sdk with its real cryptography makes it, sends to it and opens it.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import {
  callApi,
  refusal,
  register,
  startTestServer,
  until,
  type TestServer,
} from "../server/test-server.js";
import { cryptoOf, Devices, signUp, texts, untilRead } from "./real-crypto.js";

const ROUTE = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";

let server: TestServer;
let devices: Devices;

beforeAll(async () => {
  server = await startTestServer();
  devices = new Devices(server);
});
afterAll(async () => {
  devices.stop();
  await server.stop();
});

test("what was said while nobody was logged in is read afterwards", async () => {
  const first = await devices.of("alice", { isNew: true });
  const bob = await devices.of("bob", { isNew: true });
  await signUp(first, "alice");
  const recoveryKey = await cryptoOf(first).createRecoveryKeyFromPassphrase();
  devices.recoveryKey = recoveryKey;
  await cryptoOf(first).bootstrapSecretStorage({
    createSecretStorageKey: () => Promise.resolve(recoveryKey),
    setupNewSecretStorage: true,
  });
  const { room_id: roomId } = await bob.createRoom({
    invite: ["@alice:hs1"],
    initial_state: [
      { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
    ],
  });
  await until(first, () => first.getRoom(roomId)?.getMyMembership() === "invite");
  await first.joinRoom(roomId);
  await until(bob, () => bob.getRoom(roomId)?.getMember("@alice:hs1")?.membership === "join");

  expect(await cryptoOf(first).isDehydrationSupported()).toBe(true);
  await cryptoOf(first).startDehydration();
  const headers = { authorization: `Bearer ${first.getAccessToken() ?? ""}` };
  const { device_id: asleep } = (await (await fetch(`${server.url}${ROUTE}`, { headers })).json()) as {
    device_id: string;
  };
  first.stopClient();
  await first.logout(true);

  await bob.sendTextMessage(roomId, "while you were away");
  const second = await devices.of("alice");
  // Without the keys that the device took, nothing could be read.
  await until(second, () => second.getRoom(roomId) !== null);
  expect(texts(second, roomId)).not.toContain("while you were away");
  const opened = new Promise<number>((resolve) =>
    second.on(CryptoEvent.RehydrationProgress, (keys) => resolve(keys)),
  );
  // The device knows who Alice is before it takes over her keys.
  expect(await cryptoOf(second).userHasCrossSigningKeys("@alice:hs1", true)).toBe(true);
  await signUp(second, "alice");
  await cryptoOf(second).startDehydration();
  expect(await opened).toBeGreaterThan(0);
  await untilRead(second, roomId, "while you were away");
  // The one that was opened is used up; a new one sleeps in its place.
  const { devices: listed } = await second.getDevices();
  expect(listed.map(({ device_id: id }) => id)).not.toContain(asleep);
  expect(listed).toHaveLength(2);
}, 60_000);

test("it is its owner's alone, and ends when they say so", async () => {
  const [carol, dora] = [await register(server, "carol"), await register(server, "dora")];
  const device = (deviceId: string, userId = carol.userId) => ({
    device_id: deviceId,
    device_data: { algorithm: "a" },
    device_keys: { user_id: userId, device_id: deviceId, algorithms: [], keys: {}, signatures: {} },
    fallback_keys: { "signed_curve25519:1": { key: "k", fallback: true } },
  });
  expect((await refusal(carol.get(ROUTE))).code).toBe("M_NOT_FOUND");
  expect((await refusal(carol.call("DELETE", ROUTE))).code).toBe("M_NOT_FOUND");
  expect((await refusal(carol.call("PUT", ROUTE, device("X", dora.userId)))).code).toBe("M_INVALID_PARAM");
  expect((await refusal(carol.call("PUT", ROUTE, device(carol.deviceId)))).code).toBe("M_INVALID_PARAM");
  expect((await refusal(carol.call("PUT", ROUTE, { device_id: "X" }))).code).toBe("M_BAD_JSON");
  expect((await refusal(callApi(server.url, "GET", ROUTE))).code).toBe("M_MISSING_TOKEN");
  expect(await carol.call("PUT", ROUTE, device("X"))).toEqual({ device_id: "X" });
  expect(await carol.get(ROUTE)).toEqual({ device_id: "X", device_data: { algorithm: "a" } });
  for (const body of ["1", "2"])
    await dora.call("PUT", `sendToDevice/some.type/${body}`, {
      messages: { [carol.userId]: { X: { body } } },
    });
  const events = (deviceId: string, body: object = {}) =>
    carol.post<{ events: { content: object }[]; next_batch: string }>(`${ROUTE}/${deviceId}/events`, body);
  const page = await events("X");
  expect(page.events.map(({ content }) => content)).toEqual([{ body: "1" }, { body: "2" }]);
  expect(await events("X", { next_batch: page.next_batch })).toEqual({
    events: [],
    next_batch: page.next_batch,
  });
  expect((await refusal(events("X", { next_batch: "x" }))).code).toBe("M_INVALID_PARAM");
  expect((await refusal(events("Y"))).code).toBe("M_FORBIDDEN");
  expect((await refusal(dora.post(`${ROUTE}/X/events`, {}))).code).toBe("M_FORBIDDEN");
  expect(await carol.call("DELETE", ROUTE)).toEqual({ device_id: "X" });
  expect((await refusal(events("X"))).code).toBe("M_FORBIDDEN");
});
