/**
 * Setting the state of rooms, and asking for their members.
 * Source: Matrix client-server API v1.19, "Sending events to a room", "Room aliases", "Room membership".
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ROOM_VERSIONS } from "../../src/server/core/room-versions.js";
import { refusal, startWithPeople, type Person, type TestServer } from "./test-server.js";

const at = encodeURIComponent;

let server: TestServer;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
});
afterAll(() => server.stop());

async function openRoom(more: object = {}): Promise<string> {
  const made = await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat", ...more });
  return made.room_id;
}
const join = (person: Person, roomId: string, body: object = {}) =>
  person.post(`rooms/${at(roomId)}/join`, body);
const setState = (person: Person, roomId: string, type: string, content: object) =>
  person.call<{ event_id: string }>("PUT", `rooms/${at(roomId)}/state/${type}`, content);
const stateOf = (roomId: string, type: string, key = "") =>
  alice.get(`rooms/${at(roomId)}/state/${type}/${at(key)}`);

test("what somebody sets again as it is stays one event; another's word is another event", async () => {
  const roomId = await openRoom({
    power_level_content_override: { users: { [alice.userId]: 100 }, state_default: 0 },
  });
  await join(bob, roomId);
  const { event_id: first } = await setState(alice, roomId, "org.example.note", { a: 1, b: [2] });
  expect(await setState(alice, roomId, "org.example.note", { b: [2], a: 1 })).toEqual({ event_id: first });
  const { event_id: other } = await setState(alice, roomId, "org.example.note", { a: 2, b: [2] });
  expect(other).not.toBe(first);
  const { event_id: his } = await setState(bob, roomId, "org.example.note", { a: 2, b: [2] });
  expect(his).not.toBe(other);

  await setState(alice, roomId, "m.room.power_levels", {
    users: { [alice.userId]: 100 },
    state_default: 50,
  });
  expect((await refusal(setState(bob, roomId, "org.example.note", { a: 2, b: [2] }))).code).toBe(
    "M_FORBIDDEN",
  );
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  expect((await refusal(setState(bob, roomId, "org.example.note", { a: 2, b: [2] }))).code).toBe(
    "M_FORBIDDEN",
  );
});

test("what no power would let in is malformed, not forbidden", async () => {
  const roomId = await openRoom({ room_version: "12" });
  const levels = (content: object) => refusal(setState(alice, roomId, "m.room.power_levels", content));
  expect(await levels({ users: { [alice.userId]: 100 } })).toMatchObject({ status: 400, code: "M_BAD_JSON" });
  expect(await levels({ ban: "50" })).toMatchObject({ status: 400, code: "M_BAD_JSON" });
  expect(await levels({ users: { nobody: 1 } })).toMatchObject({ status: 400, code: "M_BAD_JSON" });
  expect(await refusal(setState(alice, roomId, "m.room.create", { room_version: "12" }))).toMatchObject({
    status: 400,
  });
});

test("creators beside the creator are a list of user ids", async () => {
  const make = (creators: unknown) =>
    alice.post("createRoom", { room_version: "12", creation_content: { additional_creators: creators } });
  for (const wrong of ["@bob:hs1", { a: 1 }, [7], ["bob"], ["@bob:h$1"], ["@bob:"]])
    expect(await refusal(make(wrong))).toMatchObject({ status: 400, code: "M_INVALID_ROOM_STATE" });
  await make(["@bob:hs1", "@bob:[::1]:8448"]);
});

test("an alias that is removed goes from the room's state too, if its remover may change that", async () => {
  const names = ["#main:hs1", "#second:hs1", "#third:hs1"];
  const roomId = await openRoom();
  await join(bob, roomId);
  for (const name of names)
    await (name === "#third:hs1" ? bob : alice).call("PUT", `directory/room/${at(name)}`, {
      room_id: roomId,
    });
  const [alias, ...others] = names;
  await setState(alice, roomId, "m.room.canonical_alias", { alias, alt_aliases: others });

  await bob.call("DELETE", `directory/room/${at("#third:hs1")}`);
  expect(await stateOf(roomId, "m.room.canonical_alias")).toEqual({ alias, alt_aliases: others });
  await alice.call("DELETE", `directory/room/${at("#main:hs1")}`);
  expect(await stateOf(roomId, "m.room.canonical_alias")).toEqual({ alt_aliases: others });
  await alice.call("DELETE", `directory/room/${at("#second:hs1")}`);
  expect(await stateOf(roomId, "m.room.canonical_alias")).toEqual({ alt_aliases: ["#third:hs1"] });
});

test("a join may say more than that, but nothing that others would have to say", async () => {
  const roomId = await openRoom();
  await bob.post(`join/${at(roomId)}`, {
    reason: "to see",
    "org.example.mood": "good",
    membership: "ban",
    displayname: "somebody else",
    join_authorised_via_users_server: alice.userId,
    third_party_invite: { signed: {} },
  });
  expect(await stateOf(roomId, "m.room.member", bob.userId)).toEqual({
    membership: "join",
    reason: "to see",
    "org.example.mood": "good",
  });
});

test("nobody lets themself into a restricted room by naming who vouches for them", async () => {
  const { room_id: club } = await alice.post<{ room_id: string }>("createRoom", {});
  const roomId = await openRoom({
    preset: "private_chat",
    initial_state: [
      {
        type: "m.room.join_rules",
        content: { join_rule: "restricted", allow: [{ type: "m.room_membership", room_id: club }] },
      },
    ],
  });
  const forged = { membership: "join", join_authorised_via_users_server: alice.userId };
  const own = `m.room.member/${at(bob.userId)}`;
  expect((await refusal(setState(bob, roomId, own, forged))).code).toBe("M_FORBIDDEN");

  // Whoever is in one of the rooms comes in this way as by `join`.
  await alice.post(`rooms/${at(club)}/invite`, { user_id: bob.userId });
  await join(bob, club);
  await setState(bob, roomId, own, { membership: "join", displayname: "Bob" });
  expect(await stateOf(roomId, "m.room.member", bob.userId)).toEqual({
    membership: "join",
    displayname: "Bob",
    join_authorised_via_users_server: alice.userId,
  });
});

test.each([...ROOM_VERSIONS.keys()])("version %s: a room's beginning is not redacted", async (version) => {
  const roomId = await openRoom({ room_version: version });
  const create = await alice.get<{ event_id: string }>(
    `rooms/${at(roomId)}/state/m.room.create?format=event`,
  );
  const redaction = alice.call("PUT", `rooms/${at(roomId)}/redact/${at(create.event_id)}/${version}`, {});
  expect((await refusal(redaction)).code).toBe("M_FORBIDDEN");
  await alice.send(roomId, "still there");
});

test("who left sees the state of that moment, whatever became of their membership since", async () => {
  const roomId = await openRoom({ name: "before" });
  await join(bob, roomId);
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  await setState(alice, roomId, "m.room.name", { name: "after" });
  const seen = () => bob.get(`rooms/${at(roomId)}/state/m.room.name`);
  expect(await seen()).toEqual({ name: "before" });
  for (const change of ["ban", "unban", "invite"])
    await alice.post(`rooms/${at(roomId)}/${change}`, { user_id: bob.userId });
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  expect(await seen()).toEqual({ name: "before" });
  const { chunk } = await bob.get<{ chunk: object[] }>(`rooms/${at(roomId)}/members?membership=leave`);
  expect(chunk).toHaveLength(1);
});

test("members: both filters together are an `or`; and who was there at a point, be it before the first event", async () => {
  const roomId = await openRoom();
  const sync = await alice.get<{
    rooms: { join: Record<string, { timeline: { prev_batch: string } }> };
  }>(`sync?timeout=0&filter=${at(JSON.stringify({ room: { timeline: { limit: 100 } } }))}`);
  await join(bob, roomId);
  await bob.post(`rooms/${at(roomId)}/leave`, {});
  const members = async (query: string) => {
    const { chunk } = await alice.get<{ chunk: { state_key: string }[] }>(
      `rooms/${at(roomId)}/members?${query}`,
    );
    return chunk.map(({ state_key: key }) => key).sort();
  };
  const both = [alice.userId, bob.userId];
  expect(await members("membership=join")).toEqual([alice.userId]);
  expect(await members("not_membership=join")).toEqual([bob.userId]);
  expect(await members("membership=join&not_membership=ban")).toEqual(both);
  expect(await members("membership=ban&not_membership=leave")).toEqual([alice.userId]);
  expect(await members("membership=ban")).toEqual([]);
  expect(await members(`at=${sync.rooms.join[roomId]?.timeline.prev_batch ?? ""}`)).toEqual([alice.userId]);
});

test("who was there at a point is told to who may read that point", async () => {
  const roomId = await openRoom({
    initial_state: [{ type: "m.room.history_visibility", content: { history_visibility: "joined" } }],
  });
  await alice.send(roomId, "among members");
  const { end } = await alice.get<{ end: string }>(`rooms/${at(roomId)}/messages?dir=f&limit=100`);
  await join(bob, roomId);
  const members = (person: Person, token: string) =>
    person.get<{ chunk: object[] }>(`rooms/${at(roomId)}/members?at=${token}`);
  expect((await members(alice, end)).chunk).toHaveLength(1);
  expect((await refusal(members(bob, end))).code).toBe("M_FORBIDDEN");
  const { next_batch: now } = await bob.get<{ next_batch: string }>("sync?timeout=0");
  expect((await members(bob, now)).chunk).toHaveLength(2);
});

test("who wants no invites gets none", async () => {
  const roomId = await openRoom();
  const set = (content: object) =>
    bob.call("PUT", `user/${at(bob.userId)}/account_data/m.invite_permission_config`, content);
  await set({ default_action: "block" });
  const blocked = { status: 403, code: "M_INVITE_BLOCKED" };
  const invite = () => alice.post(`rooms/${at(roomId)}/invite`, { user_id: bob.userId });
  expect(await refusal(invite())).toMatchObject(blocked);
  expect(await refusal(alice.post("createRoom", { invite: [bob.userId] }))).toMatchObject(blocked);
  const byState = alice.call("PUT", `rooms/${at(roomId)}/state/m.room.member/${at(bob.userId)}`, {
    membership: "invite",
  });
  expect(await refusal(byState)).toMatchObject(blocked);
  // The other way round nothing is blocked.
  await join(bob, roomId);
  await bob.post(`rooms/${at(roomId)}/leave`, {});

  await set({ default_action: "something newer" });
  await invite();
});

test("an invite shows the room's beginning whole", async () => {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", { room_version: "12" });
  const before = Date.now();
  await bob.call("PUT", `user/${at(bob.userId)}/account_data/m.invite_permission_config`, {});
  await alice.post(`rooms/${at(roomId)}/invite`, { user_id: bob.userId });
  const synced = await bob.get<{
    rooms: {
      invite: Record<
        string,
        { invite_state: { events: { type: string; event_id?: string; origin_server_ts?: number }[] } }
      >;
    };
  }>("sync?timeout=0");
  const shown = synced.rooms.invite[roomId]?.invite_state.events ?? [];
  const create = shown.find(({ type }) => type === "m.room.create");
  // Version 12 makes the room's id of the event's.
  expect(create?.event_id).toBe(roomId.replace("!", "$"));
  expect(create?.origin_server_ts).toBeLessThanOrEqual(before);
  expect(shown.filter(({ event_id: id }) => id !== undefined)).toHaveLength(1);
});
