/** Accounts in the hands of administrators: who may, what it does, and what restrained accounts may still do. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import {
  ApiError,
  callApi,
  operatorOf,
  personOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
let admin: ReturnType<typeof operatorOf>;
let alice: Person;

beforeAll(async () => {
  server = await startTestServer({ registration: { mode: "open" } });
  admin = operatorOf(server);
  alice = await register(server, "alice");
});
afterAll(() => server.stop());

const user = (person: Pick<Person, "userId">, rest = "") =>
  `/users/${encodeURIComponent(person.userId)}${rest}`;
const restraint = (kind: "lock" | "suspend", person: Person) =>
  `/_matrix/client/v1/admin/${kind}/${encodeURIComponent(person.userId)}`;

async function logIn(name: string, password = `${name}'s password`): Promise<Person> {
  const session = await callApi<{ user_id: string; access_token: string; device_id: string }>(
    server.url,
    "POST",
    "login",
    { type: "m.login.password", identifier: { type: "m.id.user", user: name }, password },
  );
  return personOf(server, session);
}

async function code(call: Promise<unknown>): Promise<[number, string]> {
  const error = await refusal(call);
  return [error.status, error.code];
}

test("administration is for administrators, and for who may read the server's own folder", async () => {
  expect(statSync(join(server.folder, "admin.token")).mode & 0o777).toBe(0o600);
  const paths = [
    ["GET", "/_imcloud/admin/v1/users"],
    ["GET", `/_imcloud/admin/v1${user(alice)}`],
    ["PUT", `/_imcloud/admin/v1${user(alice, "/admin")}`],
    ["POST", "/_imcloud/admin/v1/registration-tokens"],
    ["POST", "/_imcloud/admin/v1/invitations"],
    ["GET", restraint("lock", alice)],
    ["PUT", restraint("suspend", { ...alice, userId: "@nobody:hs1" })],
  ] as const;
  for (const [method, path] of paths) {
    expect(await code(alice.call(method, path, method === "GET" ? undefined : {}))).toEqual([
      403,
      "M_FORBIDDEN",
    ]);
    expect(await code(callApi(server.url, method, path))).toEqual([401, "M_MISSING_TOKEN"]);
  }
  // The operator's token opens nothing else.
  expect(await code(admin.get("/_matrix/client/v3/account/whoami"))).toEqual([401, "M_UNKNOWN_TOKEN"]);

  await admin.call("PUT", user(alice, "/admin"), { admin: true });
  expect(await alice.get<object>("/_imcloud/admin/v1/users?search=ALICE")).toMatchObject({
    users: [{ user_id: "@alice:hs1", admin: true }],
  });
  const { capabilities } = await alice.get<{ capabilities: object }>("capabilities");
  expect(capabilities).toMatchObject({ "m.account_moderation": { suspend: true, lock: true } });
  await admin.call("PUT", user(alice, "/admin"), { admin: false });
  expect(await code(alice.get("/_imcloud/admin/v1/users"))).toEqual([403, "M_FORBIDDEN"]);
});

test("accounts are listed page by page, and found by id and by name", async () => {
  for (const name of ["list-a", "list-b", "list-c"]) await register(server, name);
  const named = await logIn("list-b");
  await named.call("PUT", `profile/${named.userId}/displayname`, { displayname: "Ünï 100%" });
  type Users = { users: { user_id: string; display_name?: string }[]; next?: string };
  const first = await admin.get<Users>("/users?search=list-&limit=2");
  expect(first.users.map((one) => one.user_id)).toEqual(["@list-a:hs1", "@list-b:hs1"]);
  expect(first.users[1]?.display_name).toBe("Ünï 100%");
  const rest = await admin.get<Users>(
    `/users?search=list-&limit=2&from=${encodeURIComponent(first.next ?? "")}`,
  );
  expect(rest).toMatchObject({ users: [{ user_id: "@list-c:hs1" }] });
  expect(rest.next).toBeUndefined();
  expect((await admin.get<Users>("/users?search=100%25")).users).toHaveLength(1);
  expect(await code(admin.get("/users?limit=0"))).toEqual([400, "M_INVALID_PARAM"]);
});

test("an account is made, and made again stays as it is", async () => {
  const make = (body: object, name = "made") => admin.call("PUT", `/users/${name}`, body);
  expect(await make({ password: "one" })).toEqual({ user_id: "@made:hs1", outcome: "created" });
  expect(await make({ password: "one" })).toEqual({ user_id: "@made:hs1", outcome: "unchanged" });
  expect(await make({ password: "one", admin: true })).toEqual({ user_id: "@made:hs1", outcome: "changed" });
  expect(await code(make({ password: "two" }))).toEqual([400, "M_USER_IN_USE"]);
  expect(await code(make({ password: "x" }, "Bad%20Name"))).toEqual([400, "M_INVALID_USERNAME"]);
  expect(await code(make({ password: "x" }, "@made:hs2"))).toEqual([400, "M_INVALID_USERNAME"]);
  expect(await code(make({}, "other"))).toEqual([400, "M_MISSING_PARAM"]);
  expect((await logIn("made", "one")).userId).toBe("@made:hs1");
});

test("a new password ends the sessions, and devices are shown and signed out", async () => {
  const [phone, tablet] = [await register(server, "devices"), await logIn("devices")];
  const details = await admin.get<{ devices: { device_id: string; last_seen_ip?: string }[] }>(user(phone));
  expect(details.devices.map((device) => device.device_id).toSorted()).toEqual(
    [phone.deviceId, tablet.deviceId].toSorted(),
  );
  const whois = await phone.get<{ devices: object }>(`admin/whois/${phone.userId}`);
  expect(Object.keys(whois.devices)).toHaveLength(2);
  expect(await code(alice.get(`admin/whois/${phone.userId}`))).toEqual([403, "M_FORBIDDEN"]);

  await admin.call("DELETE", user(phone, `/devices/${tablet.deviceId}`));
  expect(await code(tablet.get("account/whoami"))).toEqual([401, "M_UNKNOWN_TOKEN"]);
  expect(await code(admin.call("DELETE", user(phone, "/devices/NONE")))).toEqual([404, "M_NOT_FOUND"]);
  await admin.post(user(phone, "/password"), { password: "new" });
  expect(await code(phone.get("account/whoami"))).toEqual([401, "M_UNKNOWN_TOKEN"]);
  const again = await logIn("devices", "new");
  await admin.call("DELETE", user(phone, "/devices"));
  expect(await code(again.get("account/whoami"))).toEqual([401, "M_UNKNOWN_TOKEN"]);
});

test("an account at its end is out of its rooms, and takes no password any more", async () => {
  const [gone, { room_id: roomId }] = [
    await register(server, "gone"),
    await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat" }),
  ];
  await gone.post(`rooms/${roomId}/join`, {});
  await admin.post(user(gone, "/deactivate"), { erase: true });
  const members = await alice.get<{ joined: object }>(`rooms/${roomId}/joined_members`);
  expect(Object.keys(members.joined)).toEqual(["@alice:hs1"]);
  expect(await code(logIn("gone"))).toEqual([403, "M_USER_DEACTIVATED"]);
  expect(await admin.get<object>(user(gone))).toMatchObject({
    deactivated: true,
    devices: [],
    joined_rooms: 0,
  });
  expect(await code(admin.post(user(gone, "/password"), { password: "x" }))).toEqual([404, "M_NOT_FOUND"]);
  expect(await code(admin.get(restraint("lock", gone)))).toEqual([404, "M_NOT_FOUND"]);
  expect(await code(admin.get("/users/@nobody:hs1"))).toEqual([404, "M_NOT_FOUND"]);
  expect(await code(admin.get("/users/@nobody:hs2"))).toEqual([400, "M_INVALID_PARAM"]);
});

test("who is locked does nothing but log out, and goes on where they were once unlocked", async () => {
  const person = await register(server, "locked");
  const second = await logIn("locked");
  expect(await admin.get<object>(restraint("lock", person))).toEqual({ locked: false });
  expect(await admin.call<object>("PUT", restraint("lock", person), { locked: true })).toEqual({
    locked: true,
  });
  for (const call of [() => person.get("sync"), () => person.get("account/whoami"), () => logIn("locked")]) {
    const error = await refusal(call());
    expect([error.status, error.code, error.body["soft_logout"]]).toEqual([401, "M_USER_LOCKED", true]);
  }
  // A wrong password learns nothing of it.
  expect(await code(logIn("locked", "wrong"))).toEqual([403, "M_FORBIDDEN"]);
  await second.post("logout", {});
  await admin.call("PUT", restraint("lock", person), { locked: false });
  expect(await person.get<object>("account/whoami")).toMatchObject({ user_id: "@locked:hs1" });
  expect(await code(second.get("account/whoami"))).toEqual([401, "M_UNKNOWN_TOKEN"]);
});

test("a locked account's refresh token waits", async () => {
  await register(server, "fresh");
  const session = await callApi<{ refresh_token: string; user_id: string }>(server.url, "POST", "login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "fresh" },
    password: "fresh's password",
    refresh_token: true,
  });
  const refresh = () =>
    callApi<object>(server.url, "POST", "refresh", { refresh_token: session.refresh_token });
  const path = `/_matrix/client/v1/admin/lock/${session.user_id}`;
  await admin.call("PUT", path, { locked: true });
  expect(await code(refresh())).toEqual([401, "M_USER_LOCKED"]);
  await admin.call("PUT", path, { locked: false });
  expect(await refresh()).toHaveProperty("access_token");
});

test("who is suspended reads, leaves and takes back their own words, and says nothing", async () => {
  const person = await register(server, "hushed");
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
    preset: "public_chat",
    power_level_content_override: { users: { "@alice:hs1": 100, "@hushed:hs1": 100 } },
  });
  await person.post(`rooms/${roomId}/join`, {});
  const [own, others] = [await person.send(roomId, "mine"), await alice.send(roomId, "hers")];
  const room = `rooms/${encodeURIComponent(roomId)}`;
  await admin.call("PUT", restraint("suspend", person), { suspended: true });
  expect(await admin.get<object>(restraint("suspend", person))).toEqual({ suspended: true });

  const refused: [string, string, object][] = [
    ["PUT", `${room}/send/m.room.message/1`, { msgtype: "m.text", body: "x" }],
    ["PUT", `${room}/state/m.room.topic`, { topic: "x" }],
    ["PUT", `${room}/state/m.room.member/${person.userId}`, { membership: "join", displayname: "x" }],
    ["PUT", `${room}/redact/${encodeURIComponent(others)}/2`, {}],
    ["PUT", `${room}/send/m.room.redaction/3`, { redacts: others }],
    ["POST", `${room}/invite`, { user_id: "@list-a:hs1" }],
    ["POST", `${room}/kick`, { user_id: "@alice:hs1" }],
    ["POST", `${room}/join`, {}],
    ["POST", `knock/${encodeURIComponent(roomId)}`, {}],
    ["POST", "createRoom", {}],
    ["PUT", `profile/${person.userId}/displayname`, { displayname: "x" }],
    ["PUT", "directory/room/%23x:hs1", { room_id: roomId }],
    ["POST", "/_matrix/media/v1/create", {}],
  ];
  for (const [method, path, body] of refused)
    expect([path, ...(await code(person.call(method, path, body)))]).toEqual([path, 403, "M_USER_SUSPENDED"]);

  expect(await person.get<object>("sync")).toHaveProperty("rooms");
  expect(await person.get<object>(`${room}/messages?dir=b`)).toHaveProperty("chunk");
  await person.call("PUT", `${room}/redact/${encodeURIComponent(own)}/4`, {});
  await person.post(`${room}/leave`, {});
  expect((await logIn("hushed")).userId).toBe("@hushed:hs1");

  await admin.call("PUT", restraint("suspend", person), { suspended: false });
  await person.post(`${room}/join`, {});
  expect(await person.send(roomId, "again")).toStartWith("$");
});

test("administrators restrain neither themselves nor each other", async () => {
  const [one, other] = [await register(server, "adm1"), await register(server, "adm2")];
  for (const person of [one, other]) await admin.call("PUT", user(person, "/admin"), { admin: true });
  for (const kind of ["lock", "suspend"] as const) {
    const body = { locked: true, suspended: true };
    expect(await code(one.call("PUT", restraint(kind, one), body))).toEqual([403, "M_FORBIDDEN"]);
    expect(await code(one.call("PUT", restraint(kind, other), body))).toEqual([403, "M_FORBIDDEN"]);
    expect(await code(one.call("PUT", restraint(kind, alice), {}))).toEqual([400, "M_MISSING_PARAM"]);
    expect(await code(one.get(`/_matrix/client/v1/admin/${kind}/@a:hs2`))).toEqual([400, "M_INVALID_PARAM"]);
  }
});

test("an account's own quota is more, or less, than what all have", async () => {
  const person = await register(server, "hoarder");
  const upload = async () => {
    const response = await fetch(`${server.url}/_matrix/media/v3/upload`, {
      method: "POST",
      headers: { authorization: `Bearer ${person.token}` },
      body: "0123456789",
    });
    if (!response.ok) throw new ApiError(response.status, (await response.json()) as Record<string, unknown>);
  };
  await admin.call("PUT", user(person, "/quota"), { bytes: 15 });
  await upload();
  expect(await code(upload())).toEqual([403, "M_FORBIDDEN"]);
  expect(await admin.get<object>(user(person))).toMatchObject({
    media_quota_bytes: 15,
    media_bytes: 10,
    media_count: 1,
  });
  await admin.call("PUT", user(person, "/quota"), { bytes: null });
  await upload();
  expect(await code(admin.call("PUT", user(person, "/quota"), { bytes: -1 }))).toEqual([400, "M_BAD_JSON"]);
});
