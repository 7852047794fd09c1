/** How many events are unread, in a room and in each of its threads, and what takes them away. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { StoredEvent } from "../../src/server/core/event.js";
import { UnreadCounts } from "../../src/server/service/unread.js";
import type { Verdicts } from "../../src/server/service/verdicts.js";
import { events } from "./databases.js";
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

/** Many at once, past the server's rules. @returns where each of them stands */
async function fill(count: number): Promise<readonly number[]> {
  const { store } = server.running.services;
  const head = (await store.events.room(roomId))?.head ?? 0;
  const drafts = Array.from({ length: count }, () => ({ sender: alice.userId }));
  const done = await store.events.append({
    roomId,
    expectedHead: head,
    events: events(roomId, head + 1, drafts),
  });
  return "positions" in done ? done.positions : [];
}

/** A server's that has just been started, and which events it has judged. */
function anew() {
  const { store, verdicts, stream } = server.running.services;
  const judged: number[] = [];
  const watching = {
    of: async (userId: string, room: string) => {
      const judge = await verdicts.of(userId, room);
      return (event: StoredEvent) => {
        judged.push(event.position);
        return judge(event);
      };
    },
  } as Verdicts;
  const counts = new UnreadCounts(store, watching);
  return { judged, count: (upTo = stream.latest) => counts.of(bob.userId, roomId, upTo) };
}

test("a long count is kept for a server that starts anew", async () => {
  const positions = await fill(6_000);
  const first = anew();
  expect(await first.count()).toEqual({ notifications: 6_000, highlights: 0 });

  const second = anew();
  expect(await second.count()).toEqual({ notifications: 6_000, highlights: 0 });
  expect(second.judged.length).toBeLessThan(1_100);

  const { store } = server.running.services;
  const events = await store.events.history(
    roomId,
    { after: (positions.at(-3) ?? 0) - 1, upTo: Infinity },
    "f",
    1,
  );
  await read(events[0]?.eventId ?? "");
  const third = anew();
  expect(await third.count()).toEqual({ notifications: 2, highlights: 0 });
  expect(third.judged).toEqual(positions.slice(-2));
});

test("two who ask at once are answered by one count, and what was asked before is not counted again", async () => {
  const positions = await fill(300);
  const { judged, count } = anew();
  const [now, earlier] = await Promise.all([count(), count(positions[99])]);
  expect(now.notifications).toBe(300);
  expect(earlier.notifications).toBe(100);
  expect(judged).toHaveLength(300);
});
