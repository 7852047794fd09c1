/** How many events are unread, in a room and in each of its threads, and what takes them away. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let roomId = "";
let txns = 0;
const at = encodeURIComponent;

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
});
afterAll(() => server.stop());
beforeEach(async () => {
  ({ room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
    preset: "public_chat",
    invite: [bob.userId],
  }));
  await bob.post(`rooms/${at(roomId)}/join`, {});
});

async function say(content: object, type = "m.room.message"): Promise<string> {
  const path = `rooms/${at(roomId)}/send/${type}/${++txns}`;
  return (await alice.call<{ event_id: string }>("PUT", path, { msgtype: "m.text", body: "x", ...content }))
    .event_id;
}
const inThread = (root: string, more: object = {}) =>
  say({ "m.relates_to": { rel_type: "m.thread", event_id: root }, ...more });
const read = (eventId: string, thread?: string, type = "m.read") =>
  bob.post(
    `rooms/${at(roomId)}/receipt/${type}/${at(eventId)}`,
    thread === undefined ? {} : { thread_id: thread },
  );

interface Count {
  readonly notification_count: number;
  readonly highlight_count: number;
}
interface Room {
  readonly unread_notifications: Count;
  readonly unread_thread_notifications?: Record<string, Count>;
}
async function unread(byThread = true): Promise<Room | undefined> {
  const filter = { room: { timeline: { unread_thread_notifications: byThread } } };
  const { rooms } = await bob.get<{ rooms: { join: Record<string, Room> } }>(
    `sync?filter=${at(JSON.stringify(filter))}`,
  );
  return rooms.join[roomId];
}
const counts = (notifications: number, highlights = 0): Count => ({
  notification_count: notifications,
  highlight_count: highlights,
});

test("threads are told apart for those who ask for it, and count for the room otherwise", async () => {
  const root = await say({});
  await say({});
  await inThread(root);
  await inThread(root, { "m.mentions": { user_ids: [bob.userId] } });
  expect(await unread()).toMatchObject({
    unread_notifications: counts(2),
    unread_thread_notifications: { [root]: counts(2, 1) },
  });
  const whole = await unread(false);
  expect(whole?.unread_notifications).toEqual(counts(4, 1));
  expect(whole?.unread_thread_notifications).toBeUndefined();
});

test("a receipt reads its thread, the main timeline, or without a thread everything before it", async () => {
  const root = await say({});
  const other = await say({});
  const first = await inThread(root);
  await inThread(root);
  await inThread(other);
  const last = await say({});
  await read(last, "main");
  expect(await unread()).toMatchObject({
    unread_notifications: counts(0),
    unread_thread_notifications: { [root]: counts(2), [other]: counts(1) },
  });
  await read(first, root, "m.read.private");
  expect((await unread())?.unread_thread_notifications).toEqual({ [root]: counts(1), [other]: counts(1) });
  const newest = await inThread(other);
  expect((await unread())?.unread_thread_notifications).toEqual({ [root]: counts(1), [other]: counts(2) });
  await read(newest);
  const all = await unread();
  expect(all?.unread_notifications).toEqual(counts(0));
  expect(all?.unread_thread_notifications).toBeUndefined();
});

test("what a server counts that has forgotten all counts is the same", async () => {
  const root = await say({});
  await inThread(root);
  const last = await say({});
  await read(last, "main");
  await say({});
  await inThread(root, { "m.mentions": { user_ids: [bob.userId] } });
  const before = await unread();
  expect(before).toMatchObject({
    unread_notifications: counts(1),
    unread_thread_notifications: { [root]: counts(2, 1) },
  });
  // Of another server over the same store nothing is remembered.
  const { UnreadCounts } = await import("../../src/server/service/unread.js");
  const { store, stream, verdicts } = server.running.services;
  const anew = await new UnreadCounts(store, verdicts).fields(bob.userId, roomId, stream.latest, true);
  expect(before).toMatchObject(anew);
});

test("edits of a thread's events belong to it, and those who are ignored count nothing", async () => {
  const root = await say({});
  const inside = await inThread(root);
  const edit = { "m.relates_to": { rel_type: "m.replace", event_id: inside } };
  await say({ ...edit, "m.mentions": { user_ids: [bob.userId] } });
  expect((await unread())?.unread_thread_notifications).toEqual({ [root]: counts(2, 1) });
  await bob.call("PUT", `user/${at(bob.userId)}/account_data/m.ignored_user_list`, {
    ignored_users: { [alice.userId]: {} },
  });
  await say({});
  expect((await unread())?.unread_notifications).toEqual(counts(1));
  await bob.call("PUT", `user/${at(bob.userId)}/account_data/m.ignored_user_list`, { ignored_users: {} });
});

test("polls notify when they begin and end, and answers to them do not", async () => {
  const poll = "org.matrix.msc3381.poll";
  const start = await say({}, `${poll}.start`);
  const about = { "m.relates_to": { rel_type: "m.reference", event_id: start } };
  await say(about, `${poll}.response`);
  expect(await unread()).toMatchObject({ unread_notifications: counts(1) });
  await say(about, `${poll}.end`);
  expect(await unread()).toMatchObject({ unread_notifications: counts(2) });

  const rules = await bob.get<{ underride: { rule_id: string; conditions: { kind: string }[] }[] }>(
    "pushrules/global/",
  );
  const mine = rules.underride.filter(({ rule_id: id }) => id.startsWith(".org.matrix.msc3930.rule."));
  expect(mine.map(({ conditions }) => conditions.length)).toEqual([2, 1, 2, 1]);
});

test("who comes back has not missed to read what was said while they were away", async () => {
  await read(await say({}));
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  for (let index = 0; index < 3; index++) await say({});
  await bob.post(`rooms/${at(roomId)}/join`, {});
  expect((await unread())?.unread_notifications).toEqual(counts(0));
  await say({});
  expect((await unread())?.unread_notifications).toEqual(counts(1));
});

test("what is taken back is not unread any more", async () => {
  const [first, second] = [await say({}), await say({ "m.mentions": { user_ids: [bob.userId] } })];
  expect((await unread())?.unread_notifications).toEqual(counts(2, 1));
  const redact = (eventId: string) =>
    alice.call("PUT", `rooms/${at(roomId)}/redact/${at(eventId)}/${++txns}`, {});
  await redact(second);
  expect((await unread())?.unread_notifications).toEqual(counts(1));
  await read(first);
  await redact(await say({}));
  expect((await unread())?.unread_notifications).toEqual(counts(0));
});
