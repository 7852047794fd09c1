/**
 * Every error that the specification gives an operation, where no other test has reason to meet it: the call, and what
 * it is answered with.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  callApi,
  operatorOf,
  personOf,
  refusal,
  register,
  startTestServer,
  startWithPeople,
  type Person,
  type TestServer,
} from "../server/test-server.js";
import { readLeftOut, readOperations } from "./operations.js";

let server: TestServer;
let alice: Person;
let bob: Person;
/** Alice's, and hers alone. */
let room: string;

const at = encodeURIComponent;
const NOWHERE = "!nowhere:hs1";
const NO_EVENT = "$0000000000000000000000000000000000000000000";
const BACKUP = { algorithm: "m.megolm_backup.v1.curve25519-aes-sha2", auth_data: { public_key: "x" } };
const LOGIN = { type: "m.login.password", user: "hasty", password: "wrong" };
const KEY = { first_message_index: 0, forwarded_count: 0, is_verified: false, session_data: { c: "x" } };

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
  room = (await alice.post<{ room_id: string }>("createRoom", {})).room_id;
  await alice.post("rooms/" + at(room) + "/ban", { user_id: "@eve:hs1" });
});
afterAll(() => server.stop());

/** In a path: `ROOM` is Alice's room, `ME` whoever calls. A body that is a string goes as it is. */
type Row = readonly [method: string, path: string, body: unknown, status: number, code: string];

async function meets(caller: Person, [method, path, body, status, code]: Row): Promise<void> {
  const filled = path.replace("ROOM", at(room)).replace("ME", at(caller.userId));
  const error = await refusal(caller.call(method, filled, body));
  expect({ path, status: error.status, code: error.code }).toEqual({ path, status, code });
}

describe("Alice is told", () => {
  test.each<Row>([
    ["DELETE", "directory/room/%23none:hs1", undefined, 404, "M_NOT_FOUND"],
    ["PUT", "directory/room/none", { room_id: NOWHERE }, 400, "M_INVALID_PARAM"],
    ["GET", "directory/room/none", undefined, 400, "M_INVALID_PARAM"],
    ["GET", `directory/list/room/${NOWHERE}`, undefined, 404, "M_NOT_FOUND"],
    ["PUT", `directory/list/room/${NOWHERE}`, { visibility: "public" }, 404, "M_NOT_FOUND"],
    ["GET", "rooms/none/aliases", undefined, 400, "M_INVALID_PARAM"],
    ["POST", "knock/%23none:hs1", {}, 404, "M_NOT_FOUND"],

    ["PUT", "profile/ME/displayname", {}, 400, "M_MISSING_PARAM"],
    ["PUT", "profile/ME/Upper", { Upper: 1 }, 400, "M_INVALID_PARAM"],
    ["DELETE", "profile/ME/Upper", undefined, 400, "M_INVALID_PARAM"],
    ["GET", "profile/ME/m.tz", undefined, 404, "M_NOT_FOUND"],
    ["GET", "profile/@none:hs1/displayname", undefined, 404, "M_NOT_FOUND"],

    ["GET", "presence/@none:hs1/status", undefined, 404, "M_NOT_FOUND"],

    ["GET", "devices/none", undefined, 404, "M_NOT_FOUND"],
    ["GET", "user/ME/filter/99", undefined, 404, "M_NOT_FOUND"],
    ["GET", "/_matrix/client/v1/admin/suspend/@none:hs1", undefined, 403, "M_FORBIDDEN"],
    [
      "GET",
      "/_matrix/client/v1/register/m.login.registration_token/validity?token=x",
      undefined,
      403,
      "M_FORBIDDEN",
    ],
    ["POST", "login", { type: "m.login.carrier-pigeon" }, 400, "M_UNKNOWN"],

    ["GET", "pushrules/global/content/none", undefined, 404, "M_NOT_FOUND"],
    ["DELETE", "pushrules/global/content/none", undefined, 404, "M_NOT_FOUND"],
    ["GET", "pushrules/global/content/none/actions", undefined, 404, "M_NOT_FOUND"],
    ["PUT", "pushrules/global/content/none/actions", { actions: [] }, 404, "M_NOT_FOUND"],
    ["GET", "pushrules/global/content/none/enabled", undefined, 404, "M_NOT_FOUND"],
    ["PUT", "pushrules/global/content/none/enabled", { enabled: true }, 404, "M_NOT_FOUND"],
    ["PUT", "pushrules/global/content/.mine", { actions: [], pattern: "x" }, 400, "M_INVALID_PARAM"],
    ["PUT", "pushrules/global/content/a?before=none", { actions: [], pattern: "x" }, 400, "M_UNKNOWN"],

    ["PUT", "user/ME/account_data/a", "[]", 400, "M_BAD_JSON"],
    ["PUT", "user/ME/account_data/a", "{", 400, "M_NOT_JSON"],
    ["GET", "user/ME/account_data/none", undefined, 404, "M_NOT_FOUND"],
    ["PUT", "user/ME/rooms/ROOM/account_data/a", "[]", 400, "M_BAD_JSON"],
    ["PUT", "user/ME/rooms/none/account_data/a", {}, 400, "M_INVALID_PARAM"],
    ["PUT", "user/ME/rooms/ROOM/account_data/m.fully_read", {}, 405, "M_BAD_JSON"],
    ["GET", "user/ME/rooms/none/account_data/a", undefined, 400, "M_INVALID_PARAM"],
    ["GET", "user/ME/rooms/ROOM/account_data/a", undefined, 404, "M_NOT_FOUND"],

    ["GET", "rooms/ROOM/state/none/", undefined, 404, "M_NOT_FOUND"],
    ["POST", `rooms/ROOM/receipt/m.read/${NO_EVENT}`, { thread_id: "" }, 400, "M_INVALID_PARAM"],
    ["GET", "/_matrix/client/v1/rooms/ROOM/threads?from=none", undefined, 400, "M_INVALID_PARAM"],
    ["GET", `/_matrix/client/v1/rooms/ROOM/relations/${NO_EVENT}/m.thread`, undefined, 404, "M_NOT_FOUND"],
    ["GET", `/_matrix/client/v1/rooms/ROOM/relations/${NO_EVENT}/m.thread/a`, undefined, 404, "M_NOT_FOUND"],

    ["GET", "room_keys/version/none", undefined, 404, "M_NOT_FOUND"],
    ["PUT", "room_keys/keys?version=none", { rooms: {} }, 404, "M_NOT_FOUND"],
    ["PUT", "room_keys/keys/ROOM?version=none", { sessions: {} }, 404, "M_NOT_FOUND"],
    ["GET", "room_keys/keys/ROOM?version=none", undefined, 404, "M_NOT_FOUND"],
    ["DELETE", "room_keys/keys/ROOM?version=none", undefined, 404, "M_NOT_FOUND"],
    ["DELETE", "room_keys/keys/ROOM/session?version=none", undefined, 404, "M_NOT_FOUND"],
  ])("%s %s %j: %d %s", (method, path, body, status, code) =>
    meets(alice, [method, path, body, status, code]),
  );

  test("that keys go into the newest backup, and which that is", async () => {
    const { version: old } = await alice.post<{ version: string }>("room_keys/version", BACKUP);
    const { version } = await alice.post<{ version: string }>("room_keys/version", BACKUP);
    for (const [path, body] of [
      [`room_keys/keys?version=${old}`, { rooms: { [room]: { sessions: { s: KEY } } } }],
      [`room_keys/keys/${at(room)}?version=${old}`, { sessions: { s: KEY } }],
    ] as const) {
      const error = await refusal(alice.call("PUT", path, body));
      expect(error.body).toMatchObject({ errcode: "M_WRONG_ROOM_KEYS_VERSION", current_version: version });
      expect(error.status).toBe(403);
    }
  });

  test("that no device has a cross-signing key for its name", async () => {
    const key = "c".repeat(43);
    const session = await callApi<Parameters<typeof personOf>[1]>(server.url, "POST", "login", {
      ...{ type: "m.login.password", user: "bob", password: "bob's password", device_id: key },
    });
    const master_key = { user_id: bob.userId, usage: ["master"], keys: { [`ed25519:${key}`]: key } };
    const error = await refusal(personOf(server, session).post("keys/device_signing/upload", { master_key }));
    expect([error.status, error.code]).toEqual([403, "M_FORBIDDEN"]);
  });

  test("that devices go by her password", async () => {
    const error = await refusal(alice.post("delete_devices", { devices: [alice.deviceId] }));
    expect(error.status).toBe(401);
    expect(error.body["flows"]).toEqual([{ stages: ["m.login.password"] }]);
  });
});

describe("Bob, who is not in Alice's room, is told", () => {
  test.each<Row>([
    ["GET", "rooms/ROOM/aliases", undefined, 403, "M_FORBIDDEN"],
    ["GET", "rooms/ROOM/state", undefined, 403, "M_FORBIDDEN"],
    ["GET", "rooms/ROOM/state/m.room.create/", undefined, 403, "M_FORBIDDEN"],
    ["GET", "rooms/ROOM/members", undefined, 403, "M_FORBIDDEN"],
    ["GET", "rooms/ROOM/joined_members", undefined, 403, "M_FORBIDDEN"],
    ["POST", "rooms/ROOM/ban", { user_id: "@alice:hs1" }, 403, "M_FORBIDDEN"],
    ["POST", "rooms/ROOM/unban", { user_id: "@eve:hs1" }, 403, "M_FORBIDDEN"],
    ["POST", "join/ROOM", {}, 403, "M_FORBIDDEN"],
    ["DELETE", "profile/@alice:hs1/displayname", undefined, 403, "M_FORBIDDEN"],
    ["PUT", "user/@alice:hs1/account_data/a", {}, 403, "M_FORBIDDEN"],
    ["PUT", "user/@alice:hs1/rooms/ROOM/account_data/a", {}, 403, "M_FORBIDDEN"],
    ["GET", "user/@alice:hs1/rooms/ROOM/account_data/a", undefined, 403, "M_FORBIDDEN"],
  ])("%s %s %j: %d %s", (method, path, body, status, code) => meets(bob, [method, path, body, status, code]));
});

describe("an administrator is told that there is no such person", () => {
  test.each([
    ["GET", "suspend", undefined],
    ["PUT", "suspend", { suspended: true }],
    ["GET", "lock", undefined],
    ["PUT", "lock", { locked: true }],
  ])("%s %s", async (method, what, body) => {
    const path = `/_matrix/client/v1/admin/${what}/@none:hs1`;
    const error = await refusal(operatorOf(server).call(method, path, body));
    expect([error.status, error.code]).toEqual([404, "M_NOT_FOUND"]);
  });
});

describe("who asks too often is told when to come again", () => {
  let limited: TestServer;
  let hasty: Person;
  beforeAll(async () => {
    const one = { burst: 1, perSecond: 0.000_1 };
    limited = await startTestServer({
      rateLimits: { request: one, message: one, roomCreation: one, registration: one, login: one },
    });
    hasty = await register(limited, "hasty");
  });
  afterAll(() => limited.stop());

  const leftOut = readLeftOut();
  const names = readOperations()
    .filter(({ name, errors }) => errors.includes(429) && !leftOut.has(name))
    .map(({ name }) => name);
  test.each(names)("%s", async (name) => {
    const [method = "", path = ""] = name.split(" ");
    const ask = () =>
      callApi(
        limited.url,
        method,
        path.replaceAll(/\{\w+\}/g, "x"),
        method === "GET" ? undefined : LOGIN,
        hasty.token,
      );
    // The first may go through, whatever it comes to; it is the second that is too early.
    await ask().catch((error: unknown) => error);
    const error = await refusal(ask());
    expect([error.status, error.code]).toEqual([429, "M_LIMIT_EXCEEDED"]);
    expect(error.body["retry_after_ms"]).toBeGreaterThan(0);
  });
});
