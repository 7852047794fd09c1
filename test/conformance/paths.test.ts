/**
 * The good paths of operations that no other test has reason to take: what is written is read back.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { callApi, refusal, startWithPeople, type Person, type TestServer } from "../server/test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let room: string;

const at = encodeURIComponent;

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
  const made = await alice.post<{ room_id: string }>("createRoom", {
    preset: "public_chat",
    room_alias_name: "garden",
  });
  room = at(made.room_id);
});
afterAll(() => server.stop());

test("a client finds the server, and how to log in", async () => {
  expect(await callApi<object>(server.url, "GET", "/.well-known/matrix/client")).toEqual({
    "m.homeserver": { base_url: "http://127.0.0.1:8008" },
  });
  const { flows } = await callApi<{ flows: { type: string }[] }>(server.url, "GET", "login");
  expect(flows.map(({ type }) => type)).toContain("m.login.password");
});

test("a field of a profile is set, read and taken away", async () => {
  const field = `profile/${alice.userId}/m.tz`;
  await alice.call("PUT", field, { "m.tz": "Asia/Shanghai" });
  expect(await bob.get<object>(field)).toEqual({ "m.tz": "Asia/Shanghai" });
  await alice.call("DELETE", field);
  expect((await refusal(bob.get(field))).code).toBe("M_NOT_FOUND");
});

test("account data and tags are kept, of a person and of their rooms", async () => {
  const mine = `user/${alice.userId}`;
  await alice.call("PUT", `${mine}/account_data/x`, { a: 1 });
  await alice.call("PUT", `${mine}/rooms/${room}/account_data/x`, { a: 2 });
  expect(await alice.get<object>(`${mine}/account_data/x`)).toEqual({ a: 1 });
  expect(await alice.get<object>(`${mine}/rooms/${room}/account_data/x`)).toEqual({ a: 2 });
  await alice.call("PUT", `${mine}/rooms/${room}/tags/m.favourite`, { order: 0.5 });
  expect(await alice.get<object>(`${mine}/rooms/${room}/tags`)).toEqual({
    tags: { "m.favourite": { order: 0.5 } },
  });
  await alice.call("DELETE", `${mine}/rooms/${room}/tags/m.favourite`);
  expect(await alice.get<object>(`${mine}/rooms/${room}/tags`)).toEqual({ tags: {} });
});

test("a push rule is made, changed part by part, read and taken away", async () => {
  const rule = "pushrules/global/content/cake";
  await alice.call("PUT", rule, { pattern: "cake", actions: ["notify"] });
  expect(await alice.get<object>(rule)).toMatchObject({
    rule_id: "cake",
    enabled: true,
    actions: ["notify"],
  });
  await alice.call("PUT", `${rule}/actions`, { actions: [] });
  await alice.call("PUT", `${rule}/enabled`, { enabled: false });
  expect(await alice.get<object>(`${rule}/actions`)).toEqual({ actions: [] });
  expect(await alice.get<object>(`${rule}/enabled`)).toEqual({ enabled: false });
  const { content } = await alice.get<{ content: { rule_id: string }[] }>("pushrules/global/");
  expect(content.map(({ rule_id }) => rule_id)).toContain("cake");
  await alice.call("DELETE", rule);
  expect((await refusal(alice.get(rule))).code).toBe("M_NOT_FOUND");
});

test("a public room is found in the directory, knocked at once it is closed, and kicked out of", async () => {
  await alice.call("PUT", `directory/list/room/${room}`, { visibility: "public" });
  const found = await bob.post<{ chunk: { canonical_alias?: string }[] }>("publicRooms", {
    filter: { generic_search_term: "garden" },
  });
  expect(found.chunk).toMatchObject([{ canonical_alias: "#garden:hs1" }]);
  const listed = await callApi<{ chunk: object[] }>(server.url, "GET", "publicRooms", undefined, bob.token);
  expect(listed.chunk).toHaveLength(1);
  expect(await alice.get<object>(`rooms/${room}/aliases`)).toEqual({ aliases: ["#garden:hs1"] });

  await alice.call("PUT", `rooms/${room}/state/m.room.join_rules/`, { join_rule: "knock" });
  await bob.post(`knock/${at("#garden:hs1")}`, { reason: "it is Bob" });
  const knocking = await alice.get<{ chunk: { state_key: string; content: { membership: string } }[] }>(
    `rooms/${room}/members?membership=knock`,
  );
  expect(knocking.chunk).toMatchObject([{ state_key: bob.userId, content: { membership: "knock" } }]);
  await alice.post(`rooms/${room}/invite`, { user_id: bob.userId });
  await bob.post(`rooms/${room}/join`, {});
  expect(await bob.get<object>("joined_rooms")).toEqual({ joined_rooms: [decodeURIComponent(room)] });
  await alice.post(`rooms/${room}/kick`, { user_id: bob.userId, reason: "mud" });
  expect(await bob.get<object>("joined_rooms")).toEqual({ joined_rooms: [] });

  const state = await alice.get<{ type: string }[]>(`rooms/${room}/state`);
  expect(Array.isArray(state) && state.some(({ type }) => type === "m.room.join_rules")).toBe(true);
});

test("devices are listed and go by the password; logging out ends all of them", async () => {
  const login = { type: "m.login.password", user: "bob", password: "bob's password" };
  const { device_id } = await callApi<{ device_id: string }>(server.url, "POST", "login", login);
  const { devices } = await bob.get<{ devices: { device_id: string }[] }>("devices");
  expect(devices.map((device) => device.device_id).sort()).toEqual([bob.deviceId, device_id].sort());
  const identifier = { type: "m.id.user", user: "bob" };
  await bob.post("delete_devices", { devices: [device_id], auth: { ...login, identifier } });
  expect(await bob.get<object>("devices")).toMatchObject({ devices: [{ device_id: bob.deviceId }] });
  await bob.post("logout/all", {});
  expect((await refusal(bob.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
});
