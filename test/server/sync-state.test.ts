/**
 * The state of rooms in `/sync`: before the timeline, or after it; what a filter may be; rooms that were left.
 * Source: Matrix client-server API v1.19, "Syncing", `use_state_after`.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, startWithPeople, type Person, type TestServer } from "./test-server.js";

const at = encodeURIComponent;
const UNSTABLE = "org.matrix.msc4222.state_after";

interface Event {
  readonly type: string;
  readonly event_id: string;
  readonly state_key?: string;
  readonly content: Readonly<Record<string, unknown>>;
}
interface Room {
  readonly timeline: {
    readonly events: readonly Event[];
    readonly limited: boolean;
    readonly prev_batch?: string;
  };
  readonly state?: { readonly events: readonly Event[] };
  readonly state_after?: { readonly events: readonly Event[] };
  readonly [UNSTABLE]?: { readonly events: readonly Event[] };
}
interface Answer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Readonly<Record<string, Room>>;
    readonly leave?: Readonly<Record<string, Room>>;
  };
}

let server: TestServer;
let alice: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  [server, alice, bob, carol] = await startWithPeople("alice", "bob", "carol");
});
afterAll(() => server.stop());

const sync = (person: Person, query: Readonly<Record<string, string>> = {}) =>
  person.get<Answer>(`sync?${new URLSearchParams({ timeout: "0", ...query }).toString()}`);
const filter = (timeline: object, state: object = {}, more: object = {}) =>
  JSON.stringify({ room: { timeline, state, ...more } });
const keysOf = (part: { readonly events: readonly Event[] } | undefined) =>
  part?.events.map(({ type, state_key: key }) => `${type}|${key ?? ""}`) ?? [];

async function room(creator: Person, ...others: readonly Person[]): Promise<string> {
  const { room_id: roomId } = await creator.post<{ room_id: string }>("createRoom", {
    preset: "public_chat",
  });
  for (const other of others) await other.post(`rooms/${at(roomId)}/join`, {});
  return roomId;
}
const rename = (roomId: string, name: string) =>
  alice.call("PUT", `rooms/${at(roomId)}/state/m.room.name`, { name });

test("the whole state, as the timeline leaves it", async () => {
  const roomId = await room(alice);
  await rename(roomId, "old");
  await rename(roomId, "new");
  const before = (await sync(alice, { filter: filter({ limit: 1 }) })).rooms?.join?.[roomId];
  expect(before).not.toHaveProperty("state_after");
  expect(before?.state?.events.find(({ type }) => type === "m.room.name")?.content).toEqual({ name: "old" });

  const after = (await sync(alice, { filter: filter({ limit: 1 }), use_state_after: "true" })).rooms?.join?.[
    roomId
  ];
  expect(after).not.toHaveProperty("state");
  expect(after?.state_after?.events.find(({ type }) => type === "m.room.name")?.content).toEqual({
    name: "new",
  });
});

test("increments tell state by `state_after` alone, also what the timeline's filter keeps back", async () => {
  const roomId = await room(alice);
  const { next_batch: since } = await sync(alice, { use_state_after: "true" });
  await rename(roomId, "new");
  const next = (await sync(alice, { since, use_state_after: "true" })).rooms?.join?.[roomId];
  expect(keysOf(next?.timeline)).toEqual(["m.room.name|"]);
  expect(keysOf(next?.state_after)).toEqual(["m.room.name|"]);

  const kept = await sync(alice, {
    since,
    use_state_after: "true",
    filter: filter({ types: ["m.room.message"] }),
  });
  expect(keysOf(kept.rooms?.join?.[roomId]?.timeline)).toEqual([]);
  expect(keysOf(kept.rooms?.join?.[roomId]?.state_after)).toEqual(["m.room.name|"]);

  await alice.send(roomId, "no state");
  const quiet = await sync(alice, {
    since: (await sync(alice, { since, use_state_after: "true" })).next_batch,
    use_state_after: "true",
  });
  expect(quiet.rooms?.join?.[roomId]).toBeUndefined();
});

test("lazily: whoever speaks in the timeline, and whose membership it changes", async () => {
  const roomId = await room(alice, bob, carol);
  await alice.post(`rooms/${at(roomId)}/kick`, { user_id: bob.userId });
  const answer = await sync(alice, {
    use_state_after: "true",
    filter: filter({ limit: 1 }, { lazy_load_members: true }),
  });
  const members = answer.rooms?.join?.[roomId]?.state_after?.events.filter(
    ({ type }) => type === "m.room.member",
  );
  expect(members?.map(({ state_key: key, content }) => [key, content["membership"]])).toEqual([
    [alice.userId, "join"],
    [bob.userId, "leave"],
    // Who is left besides the reader names the room.
    [carol.userId, "join"],
  ]);
});

test("under the name of the proposal, for clients that ask by it", async () => {
  const roomId = await room(alice);
  const answer = await sync(alice, { "org.matrix.msc4222.use_state_after": "true" });
  expect(keysOf(answer.rooms?.join?.[roomId]?.[UNSTABLE])).toContain("m.room.create|");
  expect(answer.rooms?.join?.[roomId]).not.toHaveProperty("state");
  expect((await refusal(alice.get("sync?use_state_after=perhaps"))).code).toBe("M_INVALID_PARAM");
});

test("a room that one left: its state at that moment", async () => {
  const roomId = await room(alice, bob);
  const { next_batch: since } = await sync(bob);
  await rename(roomId, "while bob was there");
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  await rename(roomId, "later");
  const left = (await sync(bob, { since, use_state_after: "true" })).rooms?.leave?.[roomId];
  expect(left).not.toHaveProperty("state");
  expect(left?.state_after?.events.map(({ content }) => content["name"] ?? content["membership"])).toEqual([
    "while bob was there",
    "leave",
  ]);
});

test("a timeline of no events", async () => {
  const roomId = await room(alice, bob);
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  const answer = await sync(bob, { filter: filter({ limit: 0 }, {}, { include_leave: true }) });
  const left = answer.rooms?.leave?.[roomId];
  expect(left?.timeline).toMatchObject({ events: [], limited: true });
  const own = left?.state?.events.find(({ state_key: key }) => key === bob.userId);
  expect(own?.content).toEqual({ membership: "leave" });
});

test("ids in a filter look like ids", async () => {
  const make = (definition: object) => alice.post(`user/${at(alice.userId)}/filter`, definition);
  for (const wrong of [
    { room: { timeline: { rooms: ["no room"] } } },
    { room: { timeline: { senders: ["nobody"] } } },
    { room: { rooms: ["no room"] } },
    { presence: { not_senders: ["nobody"] } },
  ])
    expect((await refusal(make(wrong))).code).toBe("M_BAD_JSON");
  await make({ room: { timeline: { rooms: ["!a:hs1"], senders: ["@a:hs1"], limit: 0 } } });
});

test("a room that was left and forgotten between two syncs is told of as left, once", async () => {
  const roomId = await room(alice, bob);
  const { next_batch: since } = await sync(alice);
  await alice.post(`rooms/${at(roomId)}/leave`, {});
  await alice.post(`rooms/${at(roomId)}/forget`, {});
  await bob.send(roomId, "afterwards");
  const first = await sync(alice, { since });
  expect(first.rooms?.leave?.[roomId]?.timeline.events.map(({ content }) => content)).toEqual([
    { membership: "leave" },
  ]);
  expect((await sync(alice, { since: first.next_batch })).rooms).toBeUndefined();
  const whole = await sync(alice, { filter: filter({}, {}, { include_leave: true }) });
  expect(whole.rooms?.leave?.[roomId]).toBeUndefined();
});

test("a room that one came into and left between two syncs is told whole", async () => {
  const roomId = await room(alice);
  await alice.call("PUT", `rooms/${at(roomId)}/state/test.state`, { here: true });
  await alice.post(`rooms/${at(roomId)}/invite`, { user_id: bob.userId });
  const { next_batch: since } = await sync(bob);
  await bob.post(`rooms/${at(roomId)}/join`, {});
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  const told = (await sync(bob, { since, filter: filter({ limit: 1 }) })).rooms?.leave?.[roomId];
  expect(keysOf(told?.timeline)).toEqual([`m.room.member|${bob.userId}`]);
  expect(keysOf(told?.state)).toContain("test.state|");
  // Who was in it at the time of the token knows it.
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const { next_batch: inside } = await sync(bob);
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  expect(keysOf((await sync(bob, { since: inside })).rooms?.leave?.[roomId]?.state)).toEqual([]);
});

test("who comes back learns of the state that was set while they were away, though they may not read that time", async () => {
  const roomId = await room(alice, bob);
  await alice.call("PUT", `rooms/${at(roomId)}/state/m.room.history_visibility`, {
    history_visibility: "joined",
  });
  await alice.post(`rooms/${at(roomId)}/invite`, { user_id: carol.userId });
  const said = await alice.send(roomId, "to all");
  const { next_batch: since } = await sync(bob);
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  await rename(roomId, "a name for an hour");
  await carol.post(`rooms/${at(roomId)}/join`, {});
  await carol.send(roomId, "between us");
  await rename(roomId, "a name for longer");
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const few = [3, 1].map((limit) => ({ since, filter: filter({ limit }) }));
  const noMembers = { since, filter: filter({ limit: 1, not_types: ["m.room.member"] }) };
  for (const query of [{ since }, {}, ...few, noMembers]) {
    const told = (await sync(bob, query)).rooms?.join?.[roomId];
    const events = [...(told?.state?.events ?? []), ...(told?.timeline.events ?? [])];
    // What did not fit is read from the timeline's start backwards.
    const { chunk } = await bob.get<{ chunk: Event[] }>(
      `rooms/${at(roomId)}/messages?dir=b&from=${told?.timeline.prev_batch ?? ""}`,
    );
    const read = [...(told?.timeline.events ?? []), ...chunk];
    expect(read.map(({ event_id: id }) => id)).toContain(said);
    const lastOf = (type: string, key = "") =>
      events.findLast((event) => event.type === type && event.state_key === key)?.content;
    expect(lastOf("m.room.member", carol.userId)).toMatchObject({ membership: "join" });
    expect(lastOf("m.room.name")).toEqual({ name: "a name for longer" });
    expect(JSON.stringify(events)).not.toMatch(/between us|for an hour/);
  }
});

test("a timeline is limited where the filter would let more through, and not by what it keeps back", async () => {
  const roomId = await room(alice);
  await alice.send(roomId, "the only one");
  for (let n = 0; n < 3; n++) await rename(roomId, `name ${n}`);
  const messages = filter({ types: ["m.room.message"], limit: 1 });
  const first = (await sync(alice, { filter: messages })).rooms?.join?.[roomId];
  expect(first?.timeline).toMatchObject({ limited: false, events: [{ type: "m.room.message" }] });
  await alice.send(roomId, "another one");
  const second = (await sync(alice, { filter: messages })).rooms?.join?.[roomId];
  expect(second?.timeline).toMatchObject({ limited: true, events: [{ type: "m.room.message" }] });
});

test("a room in which nothing is for the client is not told of, unless something counts", async () => {
  const roomId = await room(alice, bob);
  const nothing = filter({ types: [] }, { types: [] }, { ephemeral: { types: [] } });
  const presence = { presence: { types: [] } };
  const quiet = JSON.stringify({ ...(JSON.parse(nothing) as object), ...presence });
  const { next_batch: since } = await sync(alice, { filter: quiet });
  await alice.send(roomId, "of one's own");
  expect((await sync(alice, { since, filter: quiet })).rooms).toBeUndefined();
  const said = await bob.send(roomId, "by somebody else");
  const counted = await sync(alice, { since, filter: quiet });
  const unread = { unread_notifications: { notification_count: 1 } };
  expect(counted.rooms?.join?.[roomId]).toMatchObject(unread);
  await alice.post(`rooms/${at(roomId)}/receipt/m.read/${at(said)}`, {});
  const read = await sync(alice, { since: counted.next_batch, filter: quiet });
  expect(read.rooms?.join?.[roomId]).toMatchObject({ unread_notifications: { notification_count: 0 } });
});
