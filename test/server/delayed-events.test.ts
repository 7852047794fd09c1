/** Events that are sent later (MSC4140), and what calls are told (TURN, MatrixRTC). */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  callApi,
  personOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

const ROOT = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";
const LONG = 3_600_000;
const at = encodeURIComponent;
const folder = mkdtempSync(join(tmpdir(), "imcloud-delayed-"));
const store = { kind: "sqlite", path: join(folder, "imcloud.sqlite") } as const;
let server: TestServer;
let alice: Person;
let bob: Person;
let roomId = "";

const start = () =>
  startTestServer({ store, limits: { passwordMinimum: 1, delayedEventMs: LONG, delayedEventsOfUser: 3 } });

beforeAll(async () => {
  server = await start();
  [alice, bob] = await Promise.all([register(server, "alice"), register(server, "bob")]);
  roomId = (
    await alice.post<{ room_id: string }>("createRoom", {
      invite: [bob.userId],
      power_level_content_override: { users: { [alice.userId]: 100, [bob.userId]: 50 } },
    })
  ).room_id;
  await bob.post(`rooms/${at(roomId)}/join`, {});
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const delay = async (person: Person, path: string, ms: number, content: object = {}) =>
  (
    await person.call<{ delay_id: string }>(
      "PUT",
      `rooms/${at(roomId)}/${path}?org.matrix.msc4140.delay=${ms}`,
      content,
    )
  ).delay_id;
const act = (delayId: string, action: string) =>
  callApi(server.url, "POST", `${ROOT}/${delayId}`, { action });
const scheduled = async (person: Person) =>
  (await person.get<{ delayed_events: { delay_id: string; running_since: number }[] }>(ROOT)).delayed_events;
const texts = async () =>
  (
    await alice.get<{ chunk: { content: { body?: string } }[] }>(
      `rooms/${at(roomId)}/messages?dir=b&limit=50`,
    )
  ).chunk.flatMap(({ content }) => content.body ?? []);
/** Resolves when the room has the text: waits by long polls. */
async function untilSaid(text: string): Promise<void> {
  let since = (await alice.get<{ next_batch: string }>("sync")).next_batch;
  while (!(await texts()).includes(text))
    since = (await alice.get<{ next_batch: string }>(`sync?timeout=10000&since=${since}`)).next_batch;
}

test("an event is sent when its time has come, once, and a repeated request schedules nothing", async () => {
  const path = "send/m.room.message/one";
  const delayId = await delay(alice, path, 200, { msgtype: "m.text", body: "later" });
  expect(await delay(alice, path, 200, { msgtype: "m.text", body: "later" })).toBe(delayId);
  expect(await texts()).not.toContain("later");
  expect(await scheduled(alice)).toMatchObject([{ delay_id: delayId, room_id: roomId, delay: 200 }]);
  expect(await scheduled(bob)).toEqual([]);
  await untilSaid("later");
  expect((await texts()).filter((text) => text === "later")).toHaveLength(1);
  // To send what has been sent is no error; anything else comes too late.
  await act(delayId, "send");
  for (const action of ["restart", "cancel"])
    expect((await refusal(act(delayId, action))).code).toBe("M_NOT_FOUND");
  expect(await scheduled(alice)).toEqual([]);
});

test("it is restarted, sent at once or taken back by whoever has its id", async () => {
  const [now, never] = [
    await delay(alice, "send/m.room.message/now", LONG, { msgtype: "m.text", body: "at once" }),
    await delay(alice, "send/m.room.message/never", LONG, { msgtype: "m.text", body: "never" }),
  ];
  const [before] = await scheduled(alice);
  await act(now, "restart");
  const after = (await scheduled(alice)).find(({ delay_id: id }) => id === now);
  expect(after?.running_since).toBeGreaterThanOrEqual(before?.running_since ?? Infinity);
  await callApi(server.url, "POST", `${ROOT}/${now}/send`, {});
  expect(await texts()).toContain("at once");
  await act(never, "cancel");
  await act(never, "cancel");
  expect((await refusal(act(never, "send"))).code).toBe("M_NOT_FOUND");
  expect(await texts()).not.toContain("never");
  expect((await refusal(act("delay_none", "send"))).code).toBe("M_NOT_FOUND");
  expect((await refusal(act(now, "burn"))).status).toBe(400);
});

test("rules hold at the moment of sending, and limits at that of scheduling", async () => {
  const topic = await delay(bob, "state/m.room.topic", LONG, { topic: "bob's" });
  await alice.call("PUT", `rooms/${at(roomId)}/state/m.room.topic`, { topic: "alice's" });
  // Alice has set it since: it is hers.
  expect((await refusal(act(topic, "send"))).code).toBe("M_NOT_FOUND");
  expect(await alice.get(`rooms/${at(roomId)}/state/m.room.topic`)).toEqual({ topic: "alice's" });

  const forbidden = await delay(bob, "state/m.room.power_levels", LONG, { users: {} });
  const refused = await refusal(act(forbidden, "send"));
  expect([refused.status, refused.code]).toEqual([403, "M_FORBIDDEN"]);
  expect((await refusal(act(forbidden, "send"))).code).toBe("M_FORBIDDEN");

  const tooLong = await refusal(delay(alice, "send/m.room.message/long", LONG + 1));
  expect(tooLong.body).toMatchObject({
    "org.matrix.msc4140.errcode": "M_MAX_DELAY_EXCEEDED",
    "org.matrix.msc4140.max_delay": LONG,
  });
  expect(tooLong.status).toBe(400);
  expect((await refusal(delay(alice, "send/m.room.message/zero", 0))).code).toBe("M_INVALID_PARAM");
  const carol = await register(server, "carol");
  expect((await refusal(delay(carol, "send/m.room.message/x", 1_000))).code).toBe("M_FORBIDDEN");
  const many = [0, 1, 2].map((index) => delay(alice, `send/m.room.message/many${index}`, LONG));
  const ids = await Promise.all(many);
  expect((await refusal(delay(alice, "send/m.room.message/many3", LONG))).status).toBe(429);
  for (const id of ids) await act(id, "cancel");
});

test("what is no action is no endpoint either", async () => {
  const error = await refusal(
    alice.post("/_matrix/client/unstable/org.matrix.msc4140/delayed_events/none/postpone", {}),
  );
  expect(error).toMatchObject({ status: 404, code: "M_UNRECOGNIZED" });
});

test("what became due while the server was away is sent when it is back", async () => {
  await delay(alice, "send/m.room.message/away", 300, { msgtype: "m.text", body: "was away" });
  const due = Date.now() + 300;
  await server.stop();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
  server = await start();
  const session = ({ userId, token, deviceId }: Person) => ({
    user_id: userId,
    access_token: token,
    device_id: deviceId,
  });
  [alice, bob] = [personOf(server, session(alice)), personOf(server, session(bob))];
  await untilSaid("was away");
  expect((await texts()).filter((text) => text === "was away")).toHaveLength(1);
});

test("calls are told of the servers that there are, with passwords that end", async () => {
  expect(await alice.get("voip/turnServer")).toEqual({});
  const transports = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports";
  expect((await refusal(alice.get(transports))).code).toBe("M_UNRECOGNIZED");
  const secretFile = join(folder, "turn-secret");
  writeFileSync(secretFile, "not told\n", { mode: 0o600 });
  const uris = ["turn:board.local:3478?transport=udp"];
  const livekit = "https://board.local/livekit";
  await using other = Object.assign(
    await startTestServer({
      calls: { turn: { uris, secretFile, lifetimeS: 600 }, livekitServiceUrls: [livekit] },
    }),
    { [Symbol.asyncDispose]: () => other.stop() },
  );
  const dora = await register(other, "dora");
  const turn = await dora.get<{ username: string; password: string; ttl: number; uris: string[] }>(
    "voip/turnServer",
  );
  const [expiry, ...user] = turn.username.split(":");
  expect(user.join(":")).toBe(dora.userId);
  expect(Math.abs(Number(expiry) - 600 - Date.now() / 1000)).toBeLessThan(30);
  expect(turn).toMatchObject({ ttl: 600, uris });
  expect(turn.password).toBe(createHmac("sha1", "not told").update(turn.username).digest("base64"));
  const foci = [{ type: "livekit", livekit_service_url: livekit }];
  expect(await dora.get(transports)).toEqual({ rtc_transports: foci });
  expect(await dora.get("/.well-known/matrix/client")).toMatchObject({ "org.matrix.msc4143.rtc_foci": foci });
});
