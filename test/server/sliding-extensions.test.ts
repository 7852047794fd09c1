/** What sliding sync tells beside rooms: to-device messages, keys, account data, receipts, typing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";
import { slide, Slider } from "./slider.js";

let server: TestServer;
const at = encodeURIComponent;
let people = 0;
const newPerson = (name: string) => register(server, `${name}${++people}`);

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const on = { enabled: true };
const list = (ranges = [[0, 19]]) => ({ all: { ranges, timeline_limit: 1, required_state: [] } });

async function roomOf(owner: Person, ...others: Person[]): Promise<string> {
  const { room_id: roomId } = await owner.post<{ room_id: string }>("createRoom", {
    invite: others.map(({ userId }) => userId),
  });
  for (const other of others) await other.post(`rooms/${at(roomId)}/join`, {});
  return roomId;
}
let txns = 0;
const sendTo = (from: Person, to: Person, body: string) =>
  from.call("PUT", `sendToDevice/some.type/${++txns}`, {
    messages: { [to.userId]: { [to.deviceId]: { body } } },
  });

test("messages to the device come in pages, once confirmed never again, and end a long poll", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  for (const body of ["1", "2", "3"]) await sendTo(bob, alice, body);
  const ask = (since?: string, pos?: string, timeoutMs = 0) =>
    slide(
      alice,
      { extensions: { to_device: { enabled: true, limit: 2, ...(since && { since }) } } },
      pos,
      timeoutMs,
    );
  const told = (answer: Awaited<ReturnType<typeof ask>>) =>
    answer.extensions.to_device?.events.map(({ content }) => content["body"]);
  const first = await ask();
  expect(told(first)).toEqual(["1", "2"]);
  // Not confirmed: told again.
  expect(told(await ask(undefined, first.pos))).toEqual(["1", "2"]);
  const second = await ask(first.extensions.to_device?.next_batch, first.pos);
  expect(told(second)).toEqual(["3"]);
  const waiting = ask(second.extensions.to_device?.next_batch, second.pos, 20_000);
  await sendTo(bob, alice, "4");
  const third = await waiting;
  expect(told(third)).toEqual(["4"]);
  // A new connection does not bring back what was confirmed.
  expect(told(await ask(third.extensions.to_device?.next_batch))).toEqual([]);
  expect((await refusal(ask("x"))).code).toBe("M_INVALID_PARAM");
});

test("keys are counted, and devices of those one shares a room with are told when they change", async () => {
  const [alice, bob, carol] = await Promise.all([newPerson("alice"), newPerson("bob"), newPerson("carol")]);
  await roomOf(alice, bob);
  const client = new Slider(alice, { extensions: { e2ee: on } });
  const first = (await client.sync()).extensions.e2ee;
  expect(first).toEqual({
    device_one_time_keys_count: { signed_curve25519: 0 },
    device_unused_fallback_key_types: [],
  });
  const upload = (person: Person) =>
    person.call("POST", "keys/upload", {
      device_keys: {
        user_id: person.userId,
        device_id: person.deviceId,
        algorithms: [],
        keys: {},
        signatures: {},
      },
    });
  await upload(carol);
  await upload(bob);
  expect((await client.sync(5_000)).extensions.e2ee?.device_lists).toEqual({
    changed: [bob.userId],
    left: [],
  });
  expect((await client.sync()).extensions.e2ee?.device_lists).toBeUndefined();
  await roomOf(alice, carol);
  expect((await client.sync()).extensions.e2ee?.device_lists?.changed).toContain(carol.userId);
});

test("a connection for keys comes back once another has heard of a step of a verification in a room", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await roomOf(alice, bob);
  const keys = new Slider(alice, { conn_id: "keys", extensions: { e2ee: on, to_device: on } });
  const rooms = new Slider(alice, { conn_id: "rooms", lists: list() });
  await keys.sync();
  await rooms.sync();
  const question = await bob.send(roomId, "who are you?");
  await rooms.sync();
  await rooms.sync();
  const path = `rooms/${at(roomId)}/send/m.room.encrypted/step`;
  const step = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "AA", session_id: "s" };
  const relation = { rel_type: "m.reference", event_id: question };
  let isBack = false;
  const back = keys.sync(20_000).then(() => (isBack = true));
  await bob.call("PUT", path, { ...step, "m.relates_to": relation });
  expect(Object.keys((await rooms.sync(20_000)).rooms)).toEqual([roomId]);
  // Told, and not yet known to be heard.
  expect(isBack).toBe(false);
  await rooms.sync();
  await back;
  expect(isBack).toBe(true);
  // Once for each step.
  const start = performance.now();
  await keys.sync(200);
  expect(performance.now() - start).toBeGreaterThan(150);
});

test("account data comes whole at first, of rooms in sight, and then as it changes", async () => {
  const alice = await newPerson("alice");
  const put = (path: string, content: object) =>
    alice.call("PUT", `user/${at(alice.userId)}/${path}`, content);
  const [far, near] = [await roomOf(alice), await roomOf(alice)];
  await put("account_data/some.type", { a: 1 });
  await put(`rooms/${at(far)}/account_data/of.room`, { at: "far" });
  await put(`rooms/${at(near)}/account_data/of.room`, { at: "near" });
  const client = new Slider(alice, { lists: list([[0, 0]]), extensions: { account_data: on } });
  const first = (await client.sync()).extensions.account_data;
  expect(first?.global.map(({ type }) => type).sort()).toEqual(["m.push_rules", "some.type"]);
  expect(first?.rooms).toEqual({ [near]: [{ type: "of.room", content: { at: "near" } }] });
  expect((await client.sync()).extensions.account_data).toBeUndefined();
  await put("account_data/some.type", { a: 2 });
  await put(`rooms/${at(near)}/account_data/of.room`, { at: "nearer" });
  expect((await client.sync(5_000)).extensions.account_data).toEqual({
    global: [{ type: "some.type", content: { a: 2 } }],
    rooms: { [near]: [{ type: "of.room", content: { at: "nearer" } }] },
  });
  // A room that comes into sight brings its own.
  await alice.send(far, "up");
  expect((await client.sync()).extensions.account_data?.rooms).toEqual({
    [far]: [{ type: "of.room", content: { at: "far" } }],
  });
  // What changed out of sight is told when the room is back.
  await put(`rooms/${at(near)}/account_data/more`, {});
  expect((await client.sync()).extensions.account_data).toBeUndefined();
  await alice.send(near, "up again");
  expect((await client.sync()).extensions.account_data?.rooms).toEqual({
    [near]: [{ type: "more", content: {} }],
  });
});

test("receipts of what is shown, one's own, and each new one; private ones only to their user", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await roomOf(alice, bob);
  const old = await alice.send(roomId, "old");
  await bob.post(`rooms/${at(roomId)}/receipt/m.read/${at(old)}`, {});
  const shown = await alice.send(roomId, "shown");
  await alice.post(`rooms/${at(roomId)}/receipt/m.read.private/${at(old)}`, {});
  const wanted = { lists: list(), extensions: { receipts: on } };
  const [client, other] = [new Slider(alice, wanted), new Slider(bob, wanted)];
  expect((await client.sync()).extensions.receipts?.rooms[roomId]?.content).toMatchObject({
    [old]: { "m.read.private": { [alice.userId]: {} } },
  });
  await other.sync();
  await bob.post(`rooms/${at(roomId)}/receipt/m.read/${at(shown)}`, {});
  const answer = await client.sync(5_000);
  expect(answer.extensions.receipts?.rooms[roomId]?.content).toMatchObject({
    [shown]: { "m.read": { [bob.userId]: {} } },
  });
  await other.sync();
  await alice.post(`rooms/${at(roomId)}/receipt/m.read.private/${at(shown)}`, {});
  expect((await client.sync()).extensions.receipts?.rooms[roomId]?.content).toMatchObject({
    [shown]: { "m.read.private": { [alice.userId]: {} } },
  });
  expect((await other.sync()).extensions.receipts).toBeUndefined();
});

test("who is typing, for the lists and rooms that were asked for", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await roomOf(alice, bob);
  const type = (typing: boolean) =>
    bob.call("PUT", `rooms/${at(roomId)}/typing/${at(bob.userId)}`, { typing, timeout: 30_000 });
  const client = new Slider(alice, { lists: list(), extensions: { typing: on } });
  await client.sync();
  await type(true);
  expect((await client.sync(5_000)).extensions.typing?.rooms[roomId]).toEqual({
    type: "m.typing",
    content: { user_ids: [bob.userId] },
  });
  // Whoever begins now hears of it too, but not for a list that has nothing to do with it.
  const scoped = (scope: object) =>
    slide(alice, { conn_id: "other", lists: list(), extensions: { typing: { ...on, ...scope } } });
  expect((await scoped({})).extensions.typing?.rooms).toHaveProperty([roomId]);
  expect((await scoped({ lists: ["all"] })).extensions.typing?.rooms).toHaveProperty([roomId]);
  expect((await scoped({ lists: [] })).extensions.typing).toBeUndefined();
  expect((await scoped({ lists: ["others"], rooms: ["*"] })).extensions.typing).toBeUndefined();
  await type(false);
  expect((await client.sync(5_000)).extensions.typing?.rooms[roomId]?.content).toEqual({ user_ids: [] });
});
