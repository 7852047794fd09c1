/** Rooms in the hands of administrators: found, shut down, blocked, emptied; and what administrators tell people. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  operatorOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
let admin: ReturnType<typeof operatorOf>;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  server = await startTestServer();
  admin = operatorOf(server);
  [alice, bob] = await Promise.all([register(server, "alice"), register(server, "bob")]);
});
afterAll(() => server.stop());

const path = (roomId: string, rest = "") => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const code = async (call: Promise<unknown>) => {
  const { status, code: name } = await refusal(call);
  return [status, name];
};

async function makeRoom(body: object = {}): Promise<string> {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
    preset: "public_chat",
    ...body,
  });
  await bob.post(`rooms/${encodeURIComponent(roomId)}/join`, {});
  return roomId;
}
interface Rooms {
  readonly rooms: { readonly room_id: string; readonly joined: number }[];
  readonly next?: string;
}
async function bodies(person: Person, roomId: string): Promise<unknown[]> {
  const { chunk } = await person.get<{ chunk: { type: string; content: { body?: string } }[] }>(
    `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=500`,
  );
  return chunk.filter(({ type }) => type === "m.room.message").map(({ content }) => content.body);
}

test("rooms are for administrators to list, by id, name and alias, page by page", async () => {
  const [one] = [
    await makeRoom({ name: 'The "Attic"', topic: "dust", room_alias_name: "attic" }),
    await makeRoom({ name: "50% name" }),
    await makeRoom(),
  ];
  const find = async (text: string) =>
    (await admin.get<Rooms>(`/rooms?search=${encodeURIComponent(text)}`)).rooms.map((room) => room.room_id);
  for (const text of ['the "attic', "#ATTIC:hs1", one.toUpperCase()]) expect(await find(text)).toEqual([one]);
  expect(await find("50%")).toHaveLength(1);
  expect(await find("no such room")).toEqual([]);
  const first = await admin.get<Rooms>("/rooms?limit=2");
  const rest = await admin.get<Rooms>(`/rooms?limit=2&from=${encodeURIComponent(first.next ?? "")}`);
  expect([first.rooms.length, rest.rooms.length, rest.next]).toEqual([2, 1, undefined]);
  expect(await admin.get<object>(path(one))).toMatchObject({
    ...{
      name: 'The "Attic"',
      topic: "dust",
      canonical_alias: "#attic:hs1",
      joined: 2,
      creator: "@alice:hs1",
    },
    members: { join: ["@alice:hs1", "@bob:hs1"], invite: [], knock: [], ban: [] },
  });
  expect(await code(admin.get(path("!none:hs1")))).toEqual([404, "M_NOT_FOUND"]);
  expect(await code(alice.get("/_imcloud/admin/v1/rooms"))).toEqual([403, "M_FORBIDDEN"]);
});

test("a room that is shut down is empty of people and messages, and nobody comes back", async () => {
  const roomId = await makeRoom({ room_alias_name: "closing", visibility: "public" });
  const room = `rooms/${encodeURIComponent(roomId)}`;
  const carol = await register(server, "carol");
  await alice.post(`${room}/invite`, { user_id: carol.userId });
  for (const text of ["one", "two"]) await alice.send(roomId, text);
  const { next_batch: since } = await bob.get<{ next_batch: string }>("sync");

  const answer = await admin.post<object>(path(roomId, "/shutdown"), { reason: "over" });
  expect(answer).toEqual({ removed: ["@alice:hs1", "@bob:hs1", "@carol:hs1"], purged: 2 });
  type Leaving = { state_key: string; content: object };
  const sync = await bob.get<{ rooms: { leave: Record<string, { timeline: { events: Leaving[] } }> } }>(
    `sync?since=${since}`,
  );
  const own = sync.rooms.leave[roomId]?.timeline.events.find((event) => event.state_key === bob.userId);
  expect(own?.content).toEqual({ membership: "leave", reason: "over" });
  expect(await bodies(bob, roomId)).toEqual([]);
  expect(await code(bob.get("directory/room/%23closing:hs1"))).toEqual([404, "M_NOT_FOUND"]);
  for (const call of [
    () => bob.post(`${room}/join`, {}),
    () => alice.post(`${room}/join`, {}),
    () => alice.post(`${room}/invite`, { user_id: bob.userId }),
  ])
    expect(await code(call())).toEqual([403, "M_FORBIDDEN"]);
  expect(await admin.get<object>("/blocked-rooms")).toMatchObject({
    rooms: [{ room_id: roomId, reason: "over" }],
  });
  expect(await admin.get<object>(path(roomId))).toMatchObject({ blocked: true, joined: 0, published: false });

  await admin.call("DELETE", `/blocked-rooms/${encodeURIComponent(roomId)}`);
  await bob.post(`${room}/join`, {});
  expect(await admin.get<object>(path(roomId))).toMatchObject({ blocked: false, joined: 1 });
});

test("in a blocked room nothing is said, and people may leave", async () => {
  const roomId = await makeRoom();
  await alice.send(roomId, "before");
  await admin.call("PUT", `/blocked-rooms/${encodeURIComponent(roomId)}`, {});
  expect(await code(alice.send(roomId, "after"))).toEqual([403, "M_FORBIDDEN"]);
  expect(await bodies(bob, roomId)).toEqual(["before"]);
  await bob.post(`rooms/${encodeURIComponent(roomId)}/leave`, {});
  expect(await admin.get<object>(path(roomId))).toMatchObject({ joined: 1 });
});

test("history goes up to an event or a moment; state, places in it and the newest event stay", async () => {
  const roomId = await makeRoom({ name: "old" });
  const room = `rooms/${encodeURIComponent(roomId)}`;
  const root = await alice.send(roomId, "root");
  await alice.call("PUT", `${room}/send/m.room.message/reply`, {
    ...{ msgtype: "m.text", body: "reply" },
    "m.relates_to": { rel_type: "m.thread", event_id: root },
  });
  const kept = await alice.send(roomId, "kept");
  await alice.call("PUT", `${room}/state/m.room.name`, { name: "new" });
  await alice.send(roomId, "newest");

  const purge = (body: object) => admin.post<{ purged: number }>(path(roomId, "/purge"), body);
  expect(await purge({ before_event: kept })).toEqual({ purged: 2 });
  expect(await bodies(bob, roomId)).toEqual(["newest", "kept"]);
  expect(await code(bob.get(`${room}/event/${encodeURIComponent(root)}`))).toEqual([404, "M_NOT_FOUND"]);
  expect(await code(bob.get(`${room}/context/${encodeURIComponent(root)}`))).toEqual([404, "M_NOT_FOUND"]);
  expect(
    await bob.get<object>(`/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/threads`),
  ).toMatchObject({ chunk: [] });
  expect(await purge({ before: Date.now() + 1_000 })).toEqual({ purged: 1 });
  expect(await bodies(bob, roomId)).toEqual(["newest"]);
  expect(await bob.get<object>(`${room}/state/m.room.name`)).toEqual({ name: "new" });
  await alice.send(roomId, "goes on");
  expect(await bodies(bob, roomId)).toEqual(["goes on", "newest"]);

  expect(await code(purge({}))).toEqual([400, "M_INVALID_PARAM"]);
  expect(await code(purge({ before: 1, before_event: kept }))).toEqual([400, "M_INVALID_PARAM"]);
  expect(await code(purge({ before_event: "$none" }))).toEqual([404, "M_NOT_FOUND"]);
  expect(await code(admin.post(path("!none:hs1", "/purge"), { before: 1 }))).toEqual([404, "M_NOT_FOUND"]);
});

test("messages go while others write: more than one batch, and nobody waits for all", async () => {
  const roomId = await makeRoom();
  await Promise.all(Array.from({ length: 600 }, (_, index) => alice.send(roomId, `${index}`)));
  const other = await makeRoom();
  const [{ purged }, sent] = await Promise.all([
    admin.post<{ purged: number }>(path(roomId, "/purge"), { before: Date.now() + 1_000 }),
    bob.send(other, "meanwhile"),
  ]);
  expect([purged, await bodies(bob, other)]).toEqual([599, ["meanwhile"]]);
  expect(sent).toStartWith("$");
});

test("a notice reaches one user, in a room that they cannot refuse, write to, or miss", async () => {
  const dora = await register(server, "dora");
  const tell = (body: object) =>
    admin.post<{ room_id: string; event_id: string }>("/notices", { user_id: dora.userId, ...body });
  const first = await tell({ body: "We close at five." });
  const room = `rooms/${encodeURIComponent(first.room_id)}`;
  expect(await code(dora.post(`${room}/leave`, {}))).toEqual([403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"]);
  await dora.post(`${room}/join`, {});
  expect(await bodies(dora, first.room_id)).toEqual(["We close at five."]);
  expect(await dora.get<object>(`user/${dora.userId}/${room}/tags`)).toEqual({
    tags: { "m.server_notice": {} },
  });
  expect(await code(dora.send(first.room_id, "why?"))).toEqual([403, "M_FORBIDDEN"]);
  const second = await tell({ content: { msgtype: "m.notice", body: "At six." } });
  expect(second.room_id).toBe(first.room_id);

  // Who has read it may leave; the next notice comes in a new room.
  await dora.post(`${room}/leave`, {});
  expect((await tell({ body: "At seven." })).room_id).not.toBe(first.room_id);

  expect(await code(tell({}))).toEqual([400, "M_INVALID_PARAM"]);
  expect(await code(admin.post("/notices", { user_id: "@none:hs1", body: "x" }))).toEqual([
    404,
    "M_NOT_FOUND",
  ]);
  const login = dora.post("login", { type: "m.login.password", user: "notices", password: "" });
  expect(await code(login)).toEqual([403, "M_FORBIDDEN"]);
});

test("the name of the account for notices may be a person's already", async () => {
  const other = await startTestServer({ notices: { user: "ann" } });
  const ann = await register(other, "ann");
  const bea = await register(other, "bea");
  const notice = { user_id: bea.userId, body: "x" };
  expect(await code(operatorOf(other).post("/notices", notice))).toEqual([400, "M_USER_IN_USE"]);
  expect(await ann.get<object>("account/whoami")).toMatchObject({ user_id: "@ann:hs1" });
  await other.stop();
});
