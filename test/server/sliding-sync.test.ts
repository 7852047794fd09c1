/** Simplified sliding sync, in the form that Element X sends and reads (MSC4186). */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";
import { slide, Slider, type SlidingAnswer } from "./slider.js";

let server: TestServer;
const at = encodeURIComponent;
let people = 0;
const newPerson = (name: string) => register(server, `${name}${++people}`);

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** As Element X asks, but for the kinds of state that these rooms do not have. */
const STATE = [
  ["m.room.name", ""],
  ["m.room.encryption", ""],
  ["m.room.member", "$LAZY"],
  ["m.room.member", "$ME"],
  ["m.room.create", ""],
  ["m.space.child", "*"],
];
const all = (more: object = {}) => ({
  lists: { all_rooms: { ranges: [[0, 19]], required_state: STATE, timeline_limit: 1, ...more } },
});

async function newRoom(person: Person, options: object = {}): Promise<string> {
  return (await person.post<{ room_id: string }>("createRoom", options)).room_id;
}
const setState = (person: Person, roomId: string, type: string, content: object, key = "") =>
  person.call("PUT", `rooms/${at(roomId)}/state/${type}/${at(key)}`, content);
const bodies = (answer: SlidingAnswer, roomId: string) =>
  answer.rooms[roomId]?.timeline?.map(({ content }) => content["body"] ?? content["membership"]);
const stateOf = (answer: SlidingAnswer, roomId: string) =>
  answer.rooms[roomId]?.required_state?.map(({ type, state_key: key }) => `${type}|${key ?? ""}`).sort();

test("the flag is in `versions`, and the version whose paths for previews and profiles a client takes", async () => {
  const versions = await (await fetch(`${server.url}/_matrix/client/versions`)).json();
  expect(versions).toMatchObject({
    versions: expect.arrayContaining(["v1.13", "v1.15", "v1.16"]) as unknown,
    unstable_features: { "org.matrix.simplified_msc3575": true },
  });
});

test("rooms come by activity within the ranges, whole at first and then only what is new", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const rooms: string[] = [];
  for (const name of ["one", "two", "three"])
    rooms.push(await newRoom(alice, { name, invite: [bob.userId] }));
  const [one = "", two = "", three = ""] = rooms;
  await bob.post(`rooms/${at(one)}/join`, {});
  const client = new Slider(alice, all({ ranges: [[0, 1]] }));
  const first = await client.sync();
  // `one` was joined last.
  expect(first.lists["all_rooms"]).toEqual({ count: 3 });
  expect(Object.keys(first.rooms).sort()).toEqual([one, three].sort());
  expect(first.rooms[one]).toMatchObject({
    initial: true,
    name: "one",
    joined_count: 2,
    invited_count: 0,
    num_live: 0,
    limited: true,
    notification_count: 0,
    highlight_count: 0,
  });
  expect(first.rooms[one]?.heroes).toBeUndefined();
  expect(bodies(first, one)).toEqual(["join"]);
  expect(stateOf(first, one)).toEqual(
    ["m.room.create|", `m.room.member|${alice.userId}`, `m.room.member|${bob.userId}`, "m.room.name|"].sort(),
  );

  // Nothing new: an empty answer, at once when no time is given.
  expect((await client.sync()).rooms).toEqual({});
  const said = await bob.send(one, "hello");
  const next = await client.sync();
  expect(Object.keys(next.rooms)).toEqual([one]);
  const room = next.rooms[one];
  expect(room?.timeline?.map(({ event_id: id }) => id)).toEqual([said]);
  expect(room).toMatchObject({ limited: false, num_live: 1, required_state: [], notification_count: 1 });
  expect([room?.initial, room?.name, room?.joined_count]).toEqual([undefined, undefined, undefined]);
  expect(room?.bump_stamp).toBeGreaterThan(first.rooms[one]?.bump_stamp ?? Infinity);

  // A room that moves into the range is new to the connection, and says which of its events are live.
  await alice.send(two, "moves up");
  const moved = await client.sync();
  expect(moved.rooms[two]).toMatchObject({ initial: true, name: "two", num_live: 1 });
  expect(Object.keys(moved.rooms)).toEqual([two]);
  // A wider range brings what it did not show, and nothing again.
  client.request = all({ ranges: [[0, 99]] });
  expect((await client.sync()).rooms).toEqual({});
});

test("a range that grows shows the rest, in one answer each", async () => {
  const alice = await newPerson("alice");
  const rooms: string[] = [];
  for (let index = 0; index < 5; index += 1) rooms.push(await newRoom(alice));
  const client = new Slider(alice, all({ ranges: [[0, 1]] }));
  expect(Object.keys((await client.sync()).rooms).sort()).toEqual(rooms.slice(3).sort());
  client.request = all({ ranges: [[0, 3]] });
  expect(Object.keys((await client.sync()).rooms).sort()).toEqual(rooms.slice(1, 3).sort());
  client.request = all({ ranges: [[4, 4]] });
  expect(Object.keys((await client.sync()).rooms)).toEqual(rooms.slice(0, 1));
  // One that moves up pushes another one into a range further down; it was told before.
  await alice.send(rooms[0] ?? "", "up");
  expect((await client.sync()).rooms).toEqual({});
  // What happened out of sight is told once the room is in sight.
  client.request = all();
  expect(bodies(await client.sync(), rooms[0] ?? "")).toEqual(["up"]);
});

test("a repeated request gets its answer again, an older or a foreign `pos` none", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await newRoom(alice);
  const first = await slide(alice, all());
  await alice.send(roomId, "once");
  const second = await slide(alice, all(), first.pos);
  expect(bodies(second, roomId)).toEqual(["once"]);
  // The answer got lost: the same again, also when it asks for other rooms.
  expect(bodies(await slide(alice, all(), first.pos), roomId)).toEqual(["once"]);
  const third = await slide(alice, all({ ranges: [[0, 5]] }), first.pos);
  expect(bodies(third, roomId)).toEqual(["once"]);
  const fourth = await slide(alice, all(), third.pos);
  expect(fourth.rooms).toEqual({});
  for (const [person, pos, body] of [
    [alice, first.pos, all()],
    [alice, second.pos, all()],
    [alice, "nonsense", all()],
    [alice, fourth.pos, { ...all(), conn_id: "other" }],
    [bob, fourth.pos, all()],
  ] as const) {
    const error = await refusal(slide(person, body, pos));
    expect([error.status, error.code]).toEqual([400, "M_UNKNOWN_POS"]);
  }
  // None of that did any harm to the connection.
  expect((await slide(alice, all(), fourth.pos)).rooms).toEqual({});
  // A connection of another name begins by itself.
  expect(Object.keys((await slide(alice, { ...all(), conn_id: "other" })).rooms)).toEqual([roomId]);
  expect((await slide(alice, all(), (await slide(alice, all(), fourth.pos)).pos)).rooms).toEqual({});
});

test("a long poll ends with the news, or with its time; a newer request ends the one before", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await newRoom(alice, { invite: [bob.userId] });
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const { pos } = await slide(alice, { ...all(), txn_id: "mine" });
  const waiting = slide(alice, all(), pos, 20_000);
  // Something that does not concern the client wakes it, and is not told.
  await alice.call("PUT", `user/${at(alice.userId)}/account_data/some.type`, {});
  await bob.send(roomId, "wake up");
  const woken = await waiting;
  expect(bodies(woken, roomId)).toEqual(["wake up"]);
  const started = performance.now();
  const quiet = await slide(alice, all(), woken.pos, 100);
  expect(performance.now() - started).toBeGreaterThan(90);
  expect(quiet.rooms).toEqual({});
  const older = slide(alice, all(), quiet.pos, 20_000);
  const newer = await slide(alice, all(), quiet.pos, 50);
  expect((await older).rooms).toEqual({});
  await bob.send(roomId, "after");
  expect(bodies(await slide(alice, all(), newer.pos, 20_000), roomId)).toEqual(["after"]);
  expect((await slide(alice, { ...all(), txn_id: "mine" })).txn_id).toBe("mine");
});

test("a subscription tells of a room out of sight, and a larger timeline is told at once", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await newRoom(alice, { name: "far" });
  for (const text of ["a", "b", "c"]) await alice.send(roomId, text);
  const busy = await newRoom(alice);
  const secret = await newRoom(bob);
  const client = new Slider(alice, all({ ranges: [[0, 0]] }));
  expect(Object.keys((await client.sync()).rooms)).toEqual([busy]);
  const subscribe = (limit: number, state: string[][] = []) => ({
    ...all({ ranges: [[0, 0]] }),
    room_subscriptions: Object.fromEntries(
      [roomId, secret, "!none:hs1"].map((id) => [id, { timeline_limit: limit, required_state: state }]),
    ),
  });
  client.request = subscribe(1);
  const first = await client.sync();
  expect(Object.keys(first.rooms)).toEqual([roomId]);
  expect([bodies(first, roomId), first.rooms[roomId]?.required_state]).toEqual([["c"], []]);
  client.request = subscribe(3, [["m.room.name", ""]]);
  const more = await client.sync();
  expect(bodies(more, roomId)).toEqual(["a", "b", "c"]);
  expect(more.rooms[roomId]).toMatchObject({ unstable_expanded_timeline: true, limited: true, num_live: 0 });
  expect(stateOf(more, roomId)).toEqual(["m.room.name|"]);
  expect((await client.sync()).rooms).toEqual({});
  // A smaller one is told nothing again, nor the one that was asked for before.
  client.request = subscribe(1);
  expect((await client.sync()).rooms).toEqual({});
  client.request = subscribe(3);
  expect((await client.sync()).rooms).toEqual({});
  // More news than the limit: a gap, from which one may read on backwards.
  for (const text of ["d", "e", "f", "g"]) await alice.send(roomId, text);
  const gap = await client.sync();
  expect([bodies(gap, roomId), gap.rooms[roomId]?.limited]).toEqual([["e", "f", "g"], true]);
  const from = gap.rooms[roomId]?.prev_batch ?? "";
  const page = await alice.get<{ chunk: { content: { body?: string } }[] }>(
    `rooms/${at(roomId)}/messages?dir=b&limit=2&from=${from}`,
  );
  expect(page.chunk.map(({ content }) => content.body)).toEqual(["d", "c"]);
});

test("lists filter by what a room is, for whom, and where it belongs", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const plain = await newRoom(alice, { name: "plain" });
  const encrypted = await newRoom(alice);
  await setState(alice, encrypted, "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
  const space = await newRoom(alice, { creation_content: { type: "m.space" } });
  await setState(alice, space, "m.space.child", { via: ["hs1"] }, plain);
  const invited = await newRoom(bob, { invite: [alice.userId], name: "come in" });
  await alice.call("PUT", `user/${at(alice.userId)}/account_data/m.direct`, { [bob.userId]: [encrypted] });
  await alice.call("PUT", `user/${at(alice.userId)}/rooms/${at(plain)}/tags/m.favourite`, {});

  const shownBy = async (filters: object) => Object.keys((await slide(alice, all({ filters }))).rooms).sort();
  const sorted = (...rooms: string[]) => rooms.sort();
  expect(await shownBy({})).toEqual(sorted(plain, encrypted, space, invited));
  expect(await shownBy({ is_dm: true })).toEqual([encrypted]);
  expect(await shownBy({ is_dm: false })).toEqual(sorted(plain, space, invited));
  expect(await shownBy({ is_encrypted: true })).toEqual([encrypted]);
  expect(await shownBy({ is_invite: true })).toEqual([invited]);
  expect(await shownBy({ is_invite: false, not_room_types: ["m.space"] })).toEqual(sorted(plain, encrypted));
  expect(await shownBy({ room_types: ["m.space"] })).toEqual([space]);
  expect(await shownBy({ room_types: [null] })).toEqual(sorted(plain, encrypted, invited));
  expect(await shownBy({ room_types: ["m.space"], not_room_types: ["m.space"] })).toEqual([]);
  expect(await shownBy({ spaces: [space] })).toEqual([plain]);
  expect(await shownBy({ tags: ["m.favourite"] })).toEqual([plain]);
  expect(await shownBy({ not_tags: ["m.favourite"], is_invite: false })).toEqual(sorted(encrypted, space));

  // A list follows what becomes of its rooms.
  const client = new Slider(alice, all({ filters: { is_dm: true } }));
  expect((await client.sync()).rooms[encrypted]).toMatchObject({ is_dm: true });
  await alice.call("PUT", `user/${at(alice.userId)}/account_data/m.direct`, { [bob.userId]: [plain] });
  const direct = await client.sync();
  expect([Object.keys(direct.rooms), direct.lists["all_rooms"]?.count]).toEqual([[plain], 1]);
  const encrypting = new Slider(alice, all({ filters: { is_encrypted: true } }));
  expect((await encrypting.sync()).lists["all_rooms"]?.count).toBe(1);
  await setState(alice, plain, "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
  const two = await encrypting.sync();
  expect([Object.keys(two.rooms), two.lists["all_rooms"]?.count]).toEqual([[plain], 2]);
});

test("what a direct room is, is told when it changes", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await newRoom(alice);
  const client = new Slider(alice, all());
  expect((await client.sync()).rooms[roomId]?.is_dm).toBeUndefined();
  await alice.call("PUT", `user/${at(alice.userId)}/account_data/m.direct`, { [bob.userId]: [roomId] });
  expect((await client.sync()).rooms[roomId]?.is_dm).toBe(true);
  await alice.call("PUT", `user/${at(alice.userId)}/account_data/m.direct`, {});
  expect((await client.sync()).rooms[roomId]?.is_dm).toBe(false);
});

test("invites show what they may, joining makes the room whole, leaving and being removed are told", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await newRoom(bob, { name: "private", invite: [alice.userId] });
  await bob.send(roomId, "not for guests");
  const client = new Slider(alice, all());
  const invited = (await client.sync()).rooms[roomId];
  expect(invited).toMatchObject({ initial: true });
  expect(invited?.invite_state?.map(({ type }) => type)).toContain("m.room.name");
  expect([invited?.timeline, invited?.required_state, invited?.name]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  // Nobody outside hears of what goes on inside.
  await bob.send(roomId, "still not");
  expect((await client.sync()).rooms).toEqual({});

  await alice.post(`rooms/${at(roomId)}/join`, {});
  const joined = (await client.sync()).rooms[roomId];
  expect(joined).toMatchObject({ initial: true, name: "private", joined_count: 2, num_live: 1 });
  await alice.post(`rooms/${at(roomId)}/leave`, {});
  const left = await client.sync();
  expect([bodies(left, roomId), left.rooms[roomId]?.initial]).toEqual([["leave"], undefined]);
  expect(stateOf(left, roomId)).toEqual([`m.room.member|${alice.userId}`]);
  await bob.send(roomId, "nobody hears");
  expect((await client.sync()).rooms).toEqual({});
  // To a new connection, a room that one has left oneself is nothing; one that one was removed from is told.
  const anotherConnection = { ...all({ timeline_limit: 9 }), conn_id: "new" };
  expect((await slide(alice, anotherConnection)).rooms).toEqual({});
  await bob.post(`rooms/${at(roomId)}/invite`, { user_id: alice.userId });
  await alice.post(`rooms/${at(roomId)}/join`, {});
  const again = (await client.sync()).rooms[roomId];
  expect(again).toMatchObject({ initial: true, joined_count: 2 });
  await bob.post(`rooms/${at(roomId)}/ban`, { user_id: alice.userId });
  await bob.send(roomId, "behind closed doors");
  expect(bodies(await client.sync(), roomId)).toEqual(["ban"]);
  const anew = await slide(alice, anotherConnection);
  expect(bodies(anew, roomId)?.at(-1)).toBe("ban");
  await alice.post(`rooms/${at(roomId)}/forget`, {});
  expect((await slide(alice, all())).rooms).toEqual({});
});

test("names, avatars, heroes and counts follow the room", async () => {
  const [alice, bob, carol] = await Promise.all([newPerson("alice"), newPerson("bob"), newPerson("carol")]);
  await bob.call("PUT", `profile/${at(bob.userId)}/displayname`, { displayname: "Bob" });
  const roomId = await newRoom(alice, { invite: [bob.userId] });
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const client = new Slider(alice, all());
  const first = (await client.sync()).rooms[roomId];
  expect(first?.heroes).toEqual([{ user_id: bob.userId, displayname: "Bob" }]);
  expect([first?.name, first?.avatar]).toEqual([undefined, undefined]);
  await setState(alice, roomId, "m.room.name", { name: "ours" });
  await setState(alice, roomId, "m.room.avatar", { url: "mxc://hs1/picture" });
  const named = (await client.sync()).rooms[roomId];
  expect(named).toMatchObject({ name: "ours", avatar: "mxc://hs1/picture" });
  expect(named?.heroes).toBeUndefined();
  await alice.post(`rooms/${at(roomId)}/invite`, { user_id: carol.userId });
  expect((await client.sync()).rooms[roomId]).toMatchObject({ joined_count: 2, invited_count: 1 });
  await setState(alice, roomId, "m.room.name", {});
  await setState(alice, roomId, "m.room.avatar", {});
  const unnamed = (await client.sync()).rooms[roomId];
  expect([unnamed?.name, unnamed?.avatar]).toEqual([null, null]);
  expect(unnamed?.heroes?.map(({ user_id: id }) => id)).toEqual([bob.userId, carol.userId]);
});

test("members are told when the timeline shows them, and once", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await newRoom(alice, { invite: [bob.userId] });
  await bob.post(`rooms/${at(roomId)}/join`, {});
  await alice.send(roomId, "mine");
  const client = new Slider(alice, all());
  const members = (answer: SlidingAnswer) =>
    stateOf(answer, roomId)?.filter((text) => text.startsWith("m.room.member"));
  expect(members(await client.sync())).toEqual([`m.room.member|${alice.userId}`]);
  await bob.send(roomId, "one");
  expect(members(await client.sync())).toEqual([`m.room.member|${bob.userId}`]);
  await bob.send(roomId, "two");
  expect(members(await client.sync())).toEqual([]);
  // A change of theirs is told in any case.
  await setState(bob, roomId, "m.room.member", { membership: "join", displayname: "B" }, bob.userId);
  expect(members(await client.sync())).toEqual([`m.room.member|${bob.userId}`]);

  // Everything; everything but the members; one key of any type.
  const stateFor = async (state: string[][]) =>
    stateOf(await slide(alice, all({ required_state: state })), roomId) ?? [];
  const whole = await stateFor([["*", "*"]]);
  expect(whole).toContain(`m.room.member|${bob.userId}`);
  expect(whole).toContain("m.room.power_levels|");
  expect(await stateFor([["*", ""]])).toEqual(whole.filter((text) => text.endsWith("|")));
  expect(await stateFor([["*", bob.userId]])).toEqual([`m.room.member|${bob.userId}`]);
  expect(await stateFor([["m.room.member", "*"]])).toHaveLength(2);
  expect(await stateFor([])).toEqual([]);
});

test("counts fall with one's own receipt, on the connection and on a new one", async () => {
  const [alice, bob] = await Promise.all([newPerson("alice"), newPerson("bob")]);
  const roomId = await newRoom(alice, { invite: [bob.userId] });
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const client = new Slider(alice, all());
  await client.sync();
  const { event_id: said } = await bob.call<{ event_id: string }>(
    "PUT",
    `rooms/${at(roomId)}/send/m.room.message/mention`,
    { msgtype: "m.text", body: "look", "m.mentions": { user_ids: [alice.userId] } },
  );
  expect((await client.sync()).rooms[roomId]).toMatchObject({ notification_count: 1, highlight_count: 1 });
  // Others' receipts are no news of the room.
  await bob.post(`rooms/${at(roomId)}/receipt/m.read/${at(said)}`, {});
  expect((await client.sync()).rooms).toEqual({});
  await alice.post(`rooms/${at(roomId)}/receipt/m.read/${at(said)}`, {});
  const read = (await client.sync()).rooms[roomId];
  expect(read).toMatchObject({ notification_count: 0, highlight_count: 0, timeline: [] });
  expect((await slide(alice, all())).rooms[roomId]).toMatchObject({ notification_count: 0 });
});

test("what cannot be asked is refused with its reason", async () => {
  const alice = await newPerson("alice");
  const many = Object.fromEntries(
    Array.from({ length: 101 }, (_, index) => [`l${index}`, { ranges: [[0, 1]] }]),
  );
  for (const [body, code] of [
    [{ lists: many }, "M_INVALID_PARAM"],
    [all({ ranges: [[3, 1]] }), "M_BAD_JSON"],
    [all({ ranges: [[0]] }), "M_BAD_JSON"],
    [all({ required_state: ["m.room.name"] }), "M_BAD_JSON"],
    [{ lists: [] }, "M_BAD_JSON"],
    [{ extensions: { to_device: { enabled: true, since: "x" } } }, "M_INVALID_PARAM"],
  ] as const) {
    const error = await refusal(slide(alice, body));
    expect([error.status, error.code]).toEqual([400, code]);
  }
  expect((await refusal(slide(alice, all(), "p1.c.1.1"))).code).toBe("M_UNKNOWN_POS");
});
