/** Backups of message keys: versions, which key gives way to which, and what a newer version does to the older. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
});
afterAll(() => server.stop());

const ROOM = encodeURIComponent("!a:hs1");
const ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2";
const key = (index: number, more: Record<string, unknown> = {}) => ({
  first_message_index: index,
  forwarded_count: 0,
  is_verified: false,
  session_data: { ciphertext: `from ${index}` },
  ...more,
});

interface State {
  readonly etag: string;
  readonly count: number;
}

async function newVersion(person = alice): Promise<string> {
  const { version } = await person.post<{ version: string }>("room_keys/version", {
    algorithm: ALGORITHM,
    auth_data: { public_key: "abc" },
  });
  return version;
}
const put = (version: string, path: string, body: unknown, person = alice) =>
  person.call<State>("PUT", `room_keys/keys${path}?version=${version}`, body);
const get = (version: string, path: string, person = alice) =>
  person.get(`room_keys/keys${path}?version=${version}`);

test("a version is made, described, changed and deleted; its number never comes again", async () => {
  expect((await refusal(bob.get("room_keys/version"))).code).toBe("M_NOT_FOUND");
  const version = await newVersion(bob);
  const described = { version, algorithm: ALGORITHM, auth_data: { public_key: "abc" }, count: 0, etag: "0" };
  expect(await bob.get("room_keys/version")).toEqual(described);
  expect(await bob.get(`room_keys/version/${version}`)).toEqual(described);

  const changed = { algorithm: ALGORITHM, auth_data: { public_key: "def" }, version };
  await bob.call("PUT", `room_keys/version/${version}`, changed);
  expect(await bob.get("room_keys/version")).toMatchObject({ auth_data: { public_key: "def" } });
  for (const wrong of [
    { ...changed, algorithm: "another" },
    { ...changed, version: "77" },
  ])
    expect((await refusal(bob.call("PUT", `room_keys/version/${version}`, wrong))).code).toBe(
      "M_INVALID_PARAM",
    );
  expect((await refusal(bob.call("PUT", "room_keys/version/77", { ...changed, version: "77" }))).status).toBe(
    404,
  );

  await bob.call("DELETE", `room_keys/version/${version}`);
  expect((await refusal(bob.get("room_keys/version"))).status).toBe(404);
  expect((await refusal(bob.call("DELETE", `room_keys/version/${version}`))).status).toBe(404);
  expect(Number(await newVersion(bob))).toBeGreaterThan(Number(version));
});

test("keys come one by one, by room or all together, and go the same ways", async () => {
  const version = await newVersion();
  expect(await put(version, `/${ROOM}/one`, key(0))).toEqual({ etag: "1", count: 1 });
  expect(await put(version, `/${ROOM}`, { sessions: { two: key(0), three: key(0) } })).toMatchObject({
    count: 3,
  });
  const all = { rooms: { "!b:hs1": { sessions: { four: key(0) } }, "!a:hs1": { sessions: {} } } };
  expect(await put(version, "", all)).toMatchObject({ count: 4 });

  expect(await get(version, `/${ROOM}/one`)).toEqual(key(0));
  expect(Object.keys((await get(version, `/${ROOM}`))["sessions"] as object)).toEqual([
    "one",
    "three",
    "two",
  ]);
  expect(Object.keys((await get(version, ""))["rooms"] as object)).toEqual(["!a:hs1", "!b:hs1"]);
  expect(await get(version, `/${encodeURIComponent("!none:hs1")}`)).toEqual({ sessions: {} });
  expect((await refusal(get(version, `/${ROOM}/none`))).code).toBe("M_NOT_FOUND");
  expect((await refusal(get("77", ""))).code).toBe("M_NOT_FOUND");
  expect((await refusal(get("x'1", ""))).code).toBe("M_NOT_FOUND");

  const drop = (path: string) => alice.call<State>("DELETE", `room_keys/keys${path}?version=${version}`);
  expect(await drop(`/${ROOM}/one`)).toMatchObject({ count: 3 });
  expect(await drop(`/${ROOM}`)).toMatchObject({ count: 1 });
  expect(await drop("")).toMatchObject({ count: 0 });
  expect((await refusal(alice.call("DELETE", "room_keys/keys?version=77"))).status).toBe(404);
});

test("a key gives way to a verified one, an earlier one, one that was forwarded less, and to no other", async () => {
  const version = await newVersion();
  const kept = async (candidate: object) => {
    await put(version, `/${ROOM}/s`, candidate);
    return get(version, `/${ROOM}/s`);
  };
  const first = key(5, { forwarded_count: 3 });
  expect(await kept(first)).toEqual(first);
  for (const worse of [key(6), key(5, { forwarded_count: 4 }), first])
    expect(await kept(worse)).toEqual(first);
  const direct = key(5, { forwarded_count: 1 });
  expect(await kept(direct)).toEqual(direct);
  const earlier = key(2, { forwarded_count: 9 });
  expect(await kept(earlier)).toEqual(earlier);
  const verified = key(8, { is_verified: true });
  expect(await kept(verified)).toEqual(verified);
  expect(await kept(key(0))).toEqual(verified);
});

test("what changes nothing leaves the etag, and only the newest version takes keys", async () => {
  const old = await newVersion();
  const { etag } = await put(old, `/${ROOM}/s`, key(1));
  expect(await put(old, `/${ROOM}/s`, key(1))).toEqual({ etag, count: 1 });
  const version = await newVersion();
  const error = await refusal(put(old, `/${ROOM}/s`, key(0)));
  expect([error.status, error.code, error.body["current_version"]]).toEqual([
    403,
    "M_WRONG_ROOM_KEYS_VERSION",
    version,
  ]);
  expect(await get(old, `/${ROOM}/s`)).toEqual(key(1));
});

test("nobody reads another's backup, and keys are of the form that they should be", async () => {
  const version = await newVersion();
  await put(version, `/${ROOM}/s`, key(1));
  expect((await refusal(get(version, `/${ROOM}/s`, bob))).status).toBe(404);
  for (const wrong of [key(-1), key(0.5), { first_message_index: 0 }, key(0, { session_data: "text" })])
    expect((await refusal(put(version, `/${ROOM}/s`, wrong))).status).toBe(400);
});
