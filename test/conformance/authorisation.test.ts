/**
 * Who may do what: every operation, asked for by everybody, of every room.
 *
 * - Nobody without a token, and nobody with a forged one, is let in anywhere but where the specification says.
 * - No answer of any operation shows anybody a secret that is not theirs to see.
 * - What a room shows of its messages is exactly what its history visibility says.
 * - Nobody changes what is not theirs: after everything that everybody has tried, it is as it was.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GROUPS } from "../../src/server/http/groups.js";
import { ApiError, type Person } from "../server/test-server.js";
import {
  castOf,
  mayReadState,
  PRIVATE,
  READABLE,
  ROLES,
  said,
  TIMES,
  VISIBILITIES,
  written,
  type Cast,
  type Role,
  type Room,
} from "./cast.js";
import { readLeftOut, readOperations } from "./operations.js";
import { HOSTILE } from "./record.js";

const at = encodeURIComponent;

/** What needs no token. Source: the specification's `security` of each operation. */
const OPEN = new Set([
  "GET /.well-known/matrix/client",
  "GET /_matrix/client/versions",
  "GET /_matrix/client/v3/login",
  "POST /_matrix/client/v3/login",
  "POST /_matrix/client/v3/refresh",
  "POST /_matrix/client/v3/register",
  "GET /_matrix/client/v3/register/available",
  "GET /_matrix/client/v1/register/m.login.registration_token/validity",
  "GET /_matrix/client/v3/publicRooms",
  "GET /_matrix/client/v3/directory/room/{roomAlias}",
  "GET /_matrix/client/v3/directory/list/room/{roomId}",
  "GET /_matrix/client/v3/profile/{userId}",
  "GET /_matrix/client/v3/profile/{userId}/{keyName}",
]);

/** What ends the session of whoever asks, or their account: each has tests of its own. */
const ENDS =
  /logout|deactivate|account\/password|delete_devices|^DELETE \S+\/devices\/|^POST \S+\/login$|\/refresh$/;

/** Bodies that would do what is asked, if they were let: of operations that change something. */
function bodyOf(operation: string, cast: Cast): object {
  const { alice } = cast;
  const last = operation.split("/").at(-1) ?? "";
  const bodies: Readonly<Record<string, object>> = {
    invite: { user_id: "@somebody:hs1" },
    ...{ kick: { user_id: alice.userId }, ban: { user_id: alice.userId }, unban: { user_id: "@banned:hs1" } },
    upgrade: { new_version: "11" },
    "{userId}": { typing: true, timeout: 30_000, locked: true, suspended: true },
    "{stateKey}": { text: "changed" },
    "{txnId}": { msgtype: "m.text", body: "changed" },
    "{eventId}": { reason: "changed", score: -100 },
    "{keyName}": { displayname: "changed" },
    "{deviceId}": { display_name: "changed" },
    "{roomAlias}": { room_id: cast.rooms[0]?.roomId },
    "{roomId}": { visibility: "public", sessions: {} },
    "{sessionId}": {
      ...{ first_message_index: 0, forwarded_count: 0, is_verified: true },
      session_data: { ciphertext: "changed" },
    },
    "{version}": {
      algorithm: "m.megolm_backup.v1.curve25519-aes-sha2",
      auth_data: { public_key: "changed" },
      version: cast.hers["version"],
    },
    search: {
      search_categories: { room_events: { search_term: "secret", keys: ["content.body"] } },
      search_term: "alice",
      limit: 10,
    },
    query: { device_keys: { [alice.userId]: [] } },
    claim: { one_time_keys: { [alice.userId]: { [alice.deviceId]: "signed_curve25519" } } },
    status: { presence: "unavailable", status_msg: "changed" },
    createRoom: { preset: "private_chat" },
    sync: {
      lists: { all: { ranges: [[0, 99]], required_state: [["*", "*"]], timeline_limit: 100 } },
      room_subscriptions: Object.fromEntries(
        cast.rooms.map(({ roomId }) => [roomId, { required_state: [["*", "*"]], timeline_limit: 100 }]),
      ),
      extensions: Object.fromEntries(
        ["to_device", "e2ee", "account_data", "receipts", "typing"].map((name) => [name, { enabled: true }]),
      ),
    },
  };
  return bodies[last] ?? {};
}

const SLIDING = "POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
const leftOut = readLeftOut();
const specified = readOperations()
  .map(({ name }) => name)
  .filter((name) => !leftOut.has(name));
const operations = [...specified, SLIDING].filter((name) => !ENDS.test(name));
const administration = GROUPS.flatMap(({ endpoints }) => endpoints).filter(({ auth }) => auth === "admin");

/** What somebody may do to a room, and what would change it, or them. */
const MAY: Readonly<Record<Role, RegExp>> = {
  stranger: /\/knock\//,
  invited: /\/join(\/|$)|\/leave$/,
  knocking: /\/knock\/|\/leave$/,
  member: /\/send\/|\/invite$|\/leave$|PUT \S+\/directory\/room\//,
  left: /\/knock\/|\/forget$/,
  banned: /\/forget$/,
};

let cast: Cast;
beforeAll(async () => {
  cast = await castOf();
});
afterAll(() => cast.server.stop());

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Marked as hostile: what it happens to be answered says nothing of what was tested. */
async function ask(
  operation: string,
  token: string | undefined,
  names: Readonly<Record<string, string>>,
): Promise<Answer> {
  const [method = "", path = ""] = operation.split(" ");
  const filled = path.replaceAll(/\{(\w+)\}/g, (_hole, name: string) => at(names[name] ?? "x"));
  const query = "timeout=0&limit=100&dir=b&ts=1&from_ts=1&version=1&user_id=%40alice%3Ahs1&from=&to=";
  // An empty token of a page is none.
  const search = query.replaceAll(/&(from|to)=(?=&|$)/g, "");
  const response = await fetch(`${cast.server.url}${filled}?${search}`, {
    method,
    headers: {
      "user-agent": HOSTILE,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(method !== "GET" && { body: JSON.stringify(bodyOf(operation, cast)) }),
  });
  return { status: response.status, text: await response.text() };
}

const namesOf = ({ roomId }: Room, eventId: string): Record<string, string> => ({
  ...cast.hers,
  ...{ roomId, roomIdOrAlias: roomId, eventId },
});

async function plainly(person: Person, path: string): Promise<Answer> {
  return person.get(path).then(
    (body) => ({ status: 200, text: JSON.stringify(body) }),
    (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      return { status: error.status, text: JSON.stringify(error.body) };
    },
  );
}

/** The secrets that somebody may not see. */
function forbidden(role: Role): string[] {
  return [
    PRIVATE,
    ...VISIBILITIES.flatMap((visibility) => [
      ...(mayReadState(visibility, role) ? [] : [written(visibility)]),
      ...TIMES.filter((time) => !READABLE[visibility][role].includes(time)).map((time) =>
        said(visibility, time),
      ),
    ]),
  ];
}

/** Everything of Alice's and of her rooms, but for who reacts to whom knocking or reporting. */
async function everything(): Promise<string> {
  const { alice, rooms, hers } = cast;
  const mine = `user/${at(alice.userId)}`;
  const room = at(rooms[0]?.roomId ?? "");
  const all = {
    rooms: await Promise.all(
      rooms.map(async ({ roomId }) => ({
        state: await alice.get<unknown>(`rooms/${at(roomId)}/state`),
        messages: await alice.get<unknown>(`rooms/${at(roomId)}/messages?dir=b&limit=1000`),
        aliases: await alice.get<unknown>(`rooms/${at(roomId)}/aliases`),
        listed: await alice.get<unknown>(`directory/list/room/${at(roomId)}`),
      })),
    ),
    hers: await Promise.all(
      [
        ...["devices", "pushers", "pushrules/", "account/whoami", `profile/${at(alice.userId)}`],
        ...["room_keys/version", `room_keys/keys?version=${hers["version"] ?? ""}`],
        ...[`${mine}/account_data/x`, `${mine}/rooms/${room}/account_data/x`, `${mine}/rooms/${room}/tags`],
        `${mine}/rooms/${room}/account_data/m.fully_read`,
      ].map((path) => alice.get<unknown>(path)),
    ),
  };
  // What grows by itself: an event's age, when a device was seen, the place where pages start.
  return JSON.stringify(
    all,
    (name, value: unknown) => (/^age$|^start$|^last_seen/.test(name) ? undefined : value),
    1,
  );
}

test("nobody gets in without a token, or with one that is made up", async () => {
  const names = namesOf(cast.rooms[0] as Room, cast.rooms[0]?.events.early ?? "");
  const letIn: string[] = [];
  const paths = administration.map(({ method, path }) => `${method} ${path}`);
  for (const operation of [...new Set([...specified, SLIDING, ...paths])].filter((name) => !OPEN.has(name)))
    for (const [token, code] of [
      [undefined, "M_MISSING_TOKEN"],
      [`${cast.alice.token}x`, "M_UNKNOWN_TOKEN"],
    ] as const) {
      const { status, text } = await ask(operation, token, names);
      if (status !== 401 || !text.includes(code)) letIn.push(`${operation}: ${status} ${text}`);
    }
  expect(letIn).toEqual([]);
});

test("who is no administrator does nothing of an administrator's", async () => {
  expect(administration.length).toBeGreaterThan(30);
  const names = { ...namesOf(cast.rooms[0] as Room, ""), id: "1" };
  for (const { method, path } of administration)
    expect(await ask(`${method} ${path}`, cast.people.member.token, names)).toMatchObject({ status: 403 });
});

describe.each(VISIBILITIES.map((visibility) => [visibility] as const))("a room that is %s", (visibility) => {
  const room = () => cast.rooms.find((one) => one.visibility === visibility) as Room;

  test.each(ROLES.map((role) => [role] as const))("shows %s what is theirs to read", async (role) => {
    const person = cast.people[role];
    const { roomId, events } = room();
    const mine = READABLE[visibility][role];
    for (const time of TIMES)
      for (const path of [`event/${at(events[time])}`, `context/${at(events[time])}?limit=0`]) {
        const { status, text } = await plainly(person, `rooms/${at(roomId)}/${path}`);
        expect([path, status === 200, text.includes(said(visibility, time))]).toEqual([
          path,
          mine.includes(time),
          mine.includes(time),
        ]);
      }
    const { text: page } = await plainly(person, `rooms/${at(roomId)}/messages?dir=b&limit=100`);
    expect(TIMES.filter((time) => page.includes(said(visibility, time)))).toEqual([...mine]);
    const { text: state } = await plainly(person, `rooms/${at(roomId)}/state`);
    expect(state.includes(written(visibility))).toBe(mayReadState(visibility, role));
    if (role === "member") {
      const { text: synced } = await plainly(
        person,
        `sync?filter=${at(JSON.stringify({ room: { rooms: [roomId], timeline: { limit: 100 } } }))}`,
      );
      expect(TIMES.filter((time) => synced.includes(said(visibility, time)))).toEqual([...mine]);
    }
  });
});

test("their owner is shown the secrets, so that there is something to hide", async () => {
  const [room] = cast.rooms as readonly [Room];
  const showing: string[] = [];
  for (const operation of operations.filter((name) => name.startsWith("GET") || name === SLIDING)) {
    const { text } = await ask(operation, cast.alice.token, namesOf(room, room.events.early));
    if (text.includes("secret-")) showing.push(operation);
  }
  expect(showing.length).toBeGreaterThanOrEqual(20);
});

test("whatever anybody asks, nothing is shown that is not theirs, and nothing is changed", async () => {
  const before = await everything();
  const shown: string[] = [];
  let asked = 0;
  for (const role of ROLES) {
    const hidden = forbidden(role);
    for (const operation of operations.filter((name) => !MAY[role].test(name)))
      for (const room of cast.rooms.slice(0, operation.includes("{room") ? undefined : 1))
        for (const time of operation.includes("{eventId}") ? TIMES : ["early" as const]) {
          const { status, text } = await ask(
            operation,
            cast.people[role].token,
            namesOf(room, room.events[time]),
          );
          asked += 1;
          if (status >= 500) shown.push(`${operation} ${status}`);
          // What somebody has said themselves of her is no secret of hers: her own name in a path, say.
          for (const secret of hidden)
            if (text.includes(secret)) shown.push(`${role} ${room.visibility} ${operation}: ${secret}`);
        }
  }
  expect(shown).toEqual([]);
  expect(asked).toBeGreaterThan(1_900);
  expect(await everything()).toEqual(before);
});
