/**
 * The API over real HTTP: what each call does, and how it says no. Every answer is checked against its
 * endpoint's own schema by the server under test.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  callApi,
  personOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let carol: Person;

beforeAll(async () => {
  server = await startTestServer();
  [alice, bob, carol] = await Promise.all([
    register(server, "alice"),
    register(server, "bob"),
    register(server, "carol"),
  ]);
});
afterAll(() => server.stop());

const at = encodeURIComponent;

async function room(...others: readonly Person[]): Promise<string> {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
    invite: others.map(({ userId }) => userId),
  });
  for (const other of others) await other.post(`rooms/${at(roomId)}/join`, {});
  return roomId;
}

interface Timeline {
  readonly events: readonly {
    event_id: string;
    type: string;
    sender: string;
    content: Record<string, unknown>;
    unsigned?: Record<string, unknown>;
  }[];
  readonly limited: boolean;
  readonly prev_batch: string;
}
interface JoinedRoom {
  readonly timeline: Timeline;
  readonly state: { readonly events: Timeline["events"] };
  readonly ephemeral: { readonly events: readonly { type: string; content: Record<string, unknown> }[] };
  readonly unread_notifications: { readonly notification_count: number; readonly highlight_count: number };
  readonly summary?: Record<string, unknown>;
}
interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Record<string, JoinedRoom>;
    readonly invite?: Record<string, { invite_state: { events: { type: string }[] } }>;
    readonly leave?: Record<string, { timeline: Timeline }>;
  };
  readonly account_data?: { readonly events: readonly { type: string; content: Record<string, unknown> }[] };
  readonly to_device?: { readonly events: readonly Record<string, unknown>[] };
  readonly device_lists?: { readonly changed: string[]; readonly left: string[] };
}

const sync = (person: Person, since?: string, more = ""): Promise<SyncAnswer> =>
  person.get<SyncAnswer>(`sync?timeout=0${since === undefined ? "" : `&since=${since}`}${more}`);

describe("requests that are none", () => {
  const raw = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);
  const codeOf = async (response: Response) =>
    [response.status, ((await response.json()) as { errcode: string }).errcode] as const;
  const auth = () => ({ authorization: `Bearer ${alice.token}` });

  test("an unknown path, and a method that is not for a path", async () => {
    expect(await codeOf(await raw("/_matrix/client/v3/nonsense"))).toEqual([404, "M_UNRECOGNIZED"]);
    expect(await codeOf(await raw("/_matrix/client/versions", { method: "DELETE" }))).toEqual([
      405,
      "M_UNRECOGNIZED",
    ]);
    expect(await codeOf(await raw("/_matrix/client/v3/profile/%E0%A4%A"))).toEqual([400, "M_INVALID_PARAM"]);
  });

  test("no token, a wrong token", async () => {
    expect(await codeOf(await raw("/_matrix/client/v3/account/whoami"))).toEqual([401, "M_MISSING_TOKEN"]);
    const response = await raw("/_matrix/client/v3/account/whoami", {
      headers: { authorization: "Bearer wrong" },
    });
    expect(await codeOf(response)).toEqual([401, "M_UNKNOWN_TOKEN"]);
  });

  test("no JSON, no object, a wrong type, a missing key, too much", async () => {
    const post = (body: string) =>
      raw("/_matrix/client/v3/createRoom", { method: "POST", headers: auth(), body });
    expect(await codeOf(await post("{"))).toEqual([400, "M_NOT_JSON"]);
    expect(await codeOf(await post("[]"))).toEqual([400, "M_BAD_JSON"]);
    expect(await codeOf(await post('{"name":1}'))).toEqual([400, "M_BAD_JSON"]);
    const invite = await raw(`/_matrix/client/v3/rooms/!x:hs1/invite`, {
      method: "POST",
      headers: auth(),
      body: "{}",
    });
    expect(await codeOf(invite)).toEqual([400, "M_MISSING_PARAM"]);
    expect(await codeOf(await post(`{"name":"${"x".repeat(1_100_000)}"}`))).toEqual([413, "M_TOO_LARGE"]);
  });

  test("what is no UTF-8, however it comes, and the end of a text that is", async () => {
    const post = (bytes: number[], isStreamed: boolean) => {
      const body = new Uint8Array([...new TextEncoder().encode('{"name":"'), ...bytes, 0x22, 0x7d]);
      return raw("/_matrix/client/v3/createRoom", {
        method: "POST",
        headers: auth(),
        body: isStreamed ? new Blob([body]).stream() : body,
      });
    };
    for (const isStreamed of [false, true]) {
      for (const wrong of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]])
        expect(await codeOf(await post(wrong, isStreamed))).toEqual([400, "M_NOT_JSON"]);
      expect((await post([0xe4, 0xb8, 0xad], isStreamed)).status).toBe(200);
    }
  });

  test("too deep, and what is missing after the proof", async () => {
    const post = (path: string, body: string) =>
      raw(`/_matrix/client/v3/${path}`, { method: "POST", headers: auth(), body });
    expect(
      await codeOf(
        await post("createRoom", `{"creation_content":${'{"a":'.repeat(5_000)}1${"}".repeat(5_001)}`),
      ),
    ).toEqual([400, "M_BAD_JSON"]);
    expect((await post("createRoom", JSON.stringify({ name: `${"[{".repeat(500)}"` }))).status).toBe(200);
    const proof = {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "alice" },
      password: "alice's password",
    };
    expect(await codeOf(await post("account/password", JSON.stringify({ auth: proof })))).toEqual([
      400,
      "M_MISSING_PARAM",
    ]);
  });

  test("browsers may ask from anywhere, and HEAD is GET without a body", async () => {
    const options = await raw("/_matrix/client/v3/sync", { method: "OPTIONS" });
    expect(options.status).toBe(200);
    expect(options.headers.get("access-control-allow-origin")).toBe("*");
    expect(options.headers.get("access-control-allow-headers")).toContain("Authorization");
    const head = await raw("/_matrix/client/versions", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });
});

describe("accounts and sessions", () => {
  const logIn = (user: string, password: string, more: object = {}) =>
    callApi<{ access_token: string; user_id: string; device_id: string; refresh_token?: string }>(
      server.url,
      "POST",
      "login",
      { type: "m.login.password", identifier: { type: "m.id.user", user }, password, ...more },
    );

  test("registration asks for its stage, and takes no name twice", async () => {
    const first = await refusal(callApi(server.url, "POST", "register", { username: "dora", password: "d" }));
    expect(first.status).toBe(401);
    expect(first.body).toMatchObject({ flows: [{ stages: ["m.login.dummy"] }] });
    expect(first.body["errcode"]).toBeUndefined();
    // The session remembers what was asked for.
    const made = await callApi<{ user_id: string }>(server.url, "POST", "register", {
      auth: { type: "m.login.dummy", session: first.body["session"] },
    });
    expect(made.user_id).toBe("@dora:hs1");
    expect((await refusal(callApi(server.url, "GET", "register/available?username=dora"))).code).toBe(
      "M_USER_IN_USE",
    );
    expect(await callApi(server.url, "GET", "register/available?username=erna")).toEqual({ available: true });
    expect(
      (await refusal(callApi(server.url, "POST", "register", { username: "Ä", password: "d" }))).code,
    ).toBe("M_INVALID_USERNAME");
    expect((await refusal(callApi(server.url, "POST", "register?kind=guest", {}))).code).toBe(
      "M_GUEST_ACCESS_FORBIDDEN",
    );
  });

  test("a wrong password and an unknown name are refused alike", async () => {
    const wrong = await refusal(logIn("alice", "wrong"));
    const unknown = await refusal(logIn("nobody", "wrong"));
    expect([wrong.status, wrong.code]).toEqual([403, "M_FORBIDDEN"]);
    expect(unknown.body).toEqual(wrong.body);
  });

  test("logging out ends the token, logging in on a device ends its old one", async () => {
    const first = personOf(server, await logIn("@alice:hs1", "alice's password", { device_id: "TABLET" }));
    const second = personOf(server, await logIn("ALICE", "alice's password", { device_id: "TABLET" }));
    expect((await refusal(first.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
    expect(await second.get("account/whoami")).toEqual({
      user_id: "@alice:hs1",
      device_id: "TABLET",
      is_guest: false,
    });
    await second.post("logout", {});
    expect((await refusal(second.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
  });

  test("a refresh token serves once, and ends the old access token", async () => {
    const session = await logIn("alice", "alice's password", { refresh_token: true });
    const next = await callApi<{ access_token: string }>(server.url, "POST", "refresh", {
      refresh_token: session.refresh_token,
    });
    expect((await refusal(personOf(server, session).get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
    expect(await personOf(server, { ...session, ...next }).get("account/whoami")).toMatchObject({
      user_id: "@alice:hs1",
    });
    expect(
      (await refusal(callApi(server.url, "POST", "refresh", { refresh_token: session.refresh_token })))
        .status,
    ).toBe(401);
  });

  test("a new password needs the old one, and ends the other devices", async () => {
    const erna = await register(server, "erna");
    const other = personOf(server, await logIn("erna", "erna's password"));
    const request = {
      new_password: "new",
      auth: { type: "m.login.password", identifier: { type: "m.id.user", user: "erna" }, password: "wrong" },
    };
    const wrong = await refusal(erna.post("account/password", request));
    expect([wrong.status, wrong.code]).toEqual([401, "M_FORBIDDEN"]);
    request.auth.password = "erna's password";
    await erna.post("account/password", request);
    await erna.get("account/whoami");
    expect((await refusal(other.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
    await logIn("erna", "new");
  });

  test("devices are listed, named and deleted with the password", async () => {
    const phone = personOf(
      server,
      await logIn("bob", "bob's password", {
        device_id: "PHONE",
        initial_device_display_name: "Bob's phone",
      }),
    );
    expect(await bob.get("devices/PHONE")).toMatchObject({ device_id: "PHONE", display_name: "Bob's phone" });
    await bob.call("PUT", "devices/PHONE", { display_name: "old phone" });
    expect(await bob.get("devices/PHONE")).toMatchObject({ display_name: "old phone" });
    expect((await refusal(bob.call("PUT", "devices/NONE", { display_name: "x" }))).code).toBe("M_NOT_FOUND");
    const challenge = await refusal(bob.call("DELETE", "devices/PHONE", {}));
    expect(challenge.status).toBe(401);
    await bob.call("DELETE", "devices/PHONE", {
      auth: {
        type: "m.login.password",
        session: challenge.body["session"],
        identifier: { type: "m.id.user", user: "bob" },
        password: "bob's password",
      },
    });
    expect((await refusal(phone.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
  });
});

describe("rooms", () => {
  test.each(["10", "11", "12"])("version %s: made, joined, spoken in", async (version) => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      room_version: version,
      name: "N",
      topic: "T",
      preset: "public_chat",
    });
    expect(roomId.includes(":")).toBe(version !== "12");
    await bob.post(`join/${at(roomId)}`, {});
    const eventId = await bob.send(roomId, "hi");
    expect(await alice.get(`rooms/${at(roomId)}/event/${at(eventId)}`)).toMatchObject({
      sender: "@bob:hs1",
      room_id: roomId,
    });
    expect(await alice.get(`rooms/${at(roomId)}/state/m.room.name/`)).toEqual({ name: "N" });
    expect(await alice.get(`rooms/${at(roomId)}/state/m.room.create`)).toMatchObject({
      room_version: version,
    });
    await alice.call("PUT", `rooms/${at(roomId)}/redact/${at(eventId)}/1`, { reason: "r" });
    expect(await bob.get(`rooms/${at(roomId)}/event/${at(eventId)}`)).toMatchObject({ content: {} });
  });

  test("an unknown version, an invitee without account, a taken alias", async () => {
    expect((await refusal(alice.post("createRoom", { room_version: "1" }))).code).toBe(
      "M_UNSUPPORTED_ROOM_VERSION",
    );
    expect((await refusal(alice.post("createRoom", { invite: ["@ghost:hs1"] }))).status).toBe(400);
    await alice.post("createRoom", { room_alias_name: "lobby" });
    expect((await refusal(alice.post("createRoom", { room_alias_name: "lobby" }))).code).toBe(
      "M_ROOM_IN_USE",
    );
  });

  test("aliases lead to rooms, their makers remove them", async () => {
    const roomId = await room();
    await alice.call("PUT", `directory/room/${at("#den:hs1")}`, { room_id: roomId });
    expect(await bob.get(`directory/room/${at("#den:hs1")}`)).toEqual({ room_id: roomId, servers: ["hs1"] });
    expect(
      (await refusal(alice.call("PUT", `directory/room/${at("#den:hs1")}`, { room_id: roomId }))).status,
    ).toBe(409);
    expect((await refusal(bob.call("DELETE", `directory/room/${at("#den:hs1")}`))).code).toBe("M_FORBIDDEN");
    const bad = alice.call("PUT", `rooms/${at(roomId)}/state/m.room.canonical_alias/`, {
      alias: "#elsewhere:hs1",
    });
    expect((await refusal(bad)).code).toBe("M_BAD_ALIAS");
    await alice.call("DELETE", `directory/room/${at("#den:hs1")}`);
    expect((await refusal(bob.get(`directory/room/${at("#den:hs1")}`))).code).toBe("M_NOT_FOUND");
  });

  test("kick, ban, unban, forget", async () => {
    const roomId = await room(bob);
    expect((await refusal(bob.post(`rooms/${at(roomId)}/kick`, { user_id: "@alice:hs1" }))).code).toBe(
      "M_FORBIDDEN",
    );
    expect((await refusal(bob.post(`rooms/${at(roomId)}/forget`, {}))).status).toBe(400);
    await alice.post(`rooms/${at(roomId)}/ban`, { user_id: "@bob:hs1", reason: "spam" });
    expect((await refusal(bob.post(`rooms/${at(roomId)}/join`, {}))).code).toBe("M_FORBIDDEN");
    expect((await refusal(alice.post(`rooms/${at(roomId)}/invite`, { user_id: "@bob:hs1" }))).code).toBe(
      "M_FORBIDDEN",
    );
    await alice.post(`rooms/${at(roomId)}/unban`, { user_id: "@bob:hs1" });
    await bob.post(`rooms/${at(roomId)}/forget`, {});
    expect((await refusal(bob.get(`rooms/${at(roomId)}/messages?dir=b`))).code).toBe("M_FORBIDDEN");
    await alice.post(`rooms/${at(roomId)}/invite`, { user_id: "@bob:hs1" });
    await bob.post(`rooms/${at(roomId)}/join`, {});
  });

  test("a repeated request makes one event, another device's makes its own", async () => {
    const roomId = await room(bob);
    const path = `rooms/${at(roomId)}/send/m.room.message/once`;
    const all = await Promise.all(
      Array.from({ length: 5 }, () => alice.call<{ event_id: string }>("PUT", path, { body: "x" })),
    );
    expect(new Set(all.map(({ event_id: id }) => id)).size).toBe(1);
    const again = await alice.call<{ event_id: string }>("PUT", path, { body: "x" });
    expect(again.event_id).toBe(all[0]?.event_id ?? "");
    const other = await bob.call<{ event_id: string }>("PUT", path, { body: "x" });
    expect(other.event_id).not.toBe(again.event_id);
    // The room has gone on as if the repetitions had not been.
    await alice.send(roomId, "next");
  });

  test("pages hold every event once, in both directions, whatever their size", async () => {
    const roomId = await room(bob);
    const sent: string[] = [];
    for (let index = 0; index < 25; index++)
      sent.push(await (index % 2 === 0 ? alice : bob).send(roomId, `${index}`));
    for (const [direction, limit] of [
      ["b", 1],
      ["b", 7],
      ["f", 4],
      ["f", 100],
    ] as const) {
      const seen: string[] = [];
      let from: string | undefined = direction === "f" ? "h1_0" : undefined;
      for (;;) {
        const page: { chunk: { event_id: string; type: string }[]; end?: string } = await bob.get(
          `rooms/${at(roomId)}/messages?dir=${direction}&limit=${limit}${from === undefined ? "" : `&from=${from}`}`,
        );
        seen.push(
          ...page.chunk.filter(({ type }) => type === "m.room.message").map(({ event_id: id }) => id),
        );
        if (page.end === undefined || page.chunk.length === 0) break;
        from = page.end;
      }
      expect(direction === "b" ? seen.toReversed() : seen).toEqual(sent);
    }
    const context = await bob.get<{ events_before: object[]; events_after: object[] }>(
      `rooms/${at(roomId)}/context/${at(sent[12] ?? "")}?limit=6`,
    );
    expect(context.events_before).toMatchObject([
      { event_id: sent[11] },
      { event_id: sent[10] },
      { event_id: sent[9] },
    ]);
    expect(context.events_after).toMatchObject([
      { event_id: sent[13] },
      { event_id: sent[14] },
      { event_id: sent[15] },
    ]);
  });

  test("who was not yet there reads what the room's history visibility allows", async () => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      preset: "public_chat",
      initial_state: [
        { type: "m.room.history_visibility", state_key: "", content: { history_visibility: "joined" } },
      ],
    });
    const before = await alice.send(roomId, "among us");
    await bob.post(`join/${at(roomId)}`, {});
    const after = await alice.send(roomId, "hello Bob");
    expect((await refusal(bob.get(`rooms/${at(roomId)}/event/${at(before)}`))).code).toBe("M_NOT_FOUND");
    const page = await bob.get<{ chunk: { event_id: string }[] }>(
      `rooms/${at(roomId)}/messages?dir=b&limit=100`,
    );
    expect(page.chunk.map(({ event_id: id }) => id)).toContain(after);
    expect(page.chunk.map(({ event_id: id }) => id)).not.toContain(before);
    expect((await refusal(carol.get(`rooms/${at(roomId)}/messages?dir=b`))).code).toBe("M_FORBIDDEN");
    const answer = await sync(bob);
    expect(JSON.stringify(answer.rooms?.join?.[roomId])).not.toContain("among us");
  });

  test("events that cannot be are refused, and the room goes on", async () => {
    const roomId = await room();
    const send = (body: unknown) =>
      alice.call("PUT", `rooms/${at(roomId)}/send/m.room.message/${Math.random()}`, body);
    expect((await refusal(send({ x: 1.5 }))).code).toBe("M_BAD_JSON");
    expect((await refusal(send('{"x":"\\ud800"}'))).code).toBe("M_BAD_JSON");
    expect((await refusal(send({ body: "x".repeat(70_000) }))).code).toBe("M_TOO_LARGE");
    expect((await refusal(alice.send("!none:hs1", "x"))).code).toBe("M_NOT_FOUND");
    await alice.send(roomId, "fine");
  });

  test("many at once keep one order", async () => {
    const roomId = await room(bob, carol);
    await Promise.all(
      [alice, bob, carol].flatMap((person) =>
        Array.from({ length: 30 }, (_, index) => person.send(roomId, `${index}`)),
      ),
    );
    const events = await server.running.services.store.events.history(
      roomId,
      { after: 0, upTo: 1e9 },
      "f",
      1_000,
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    for (const [index, event] of events.entries())
      if (index > 0) expect(event.prevEvents).toEqual([events[index - 1]?.eventId ?? ""]);
  });
});

describe("sync", () => {
  test("tells what is new, once, and nothing when nothing is", async () => {
    const roomId = await room(bob);
    const first = await sync(bob);
    expect(first.rooms?.join?.[roomId]?.summary).toMatchObject({
      "m.joined_member_count": 2,
      "m.heroes": ["@alice:hs1"],
    });
    const quiet = await sync(bob, first.next_batch);
    expect(quiet.rooms).toBeUndefined();
    const eventId = await alice.send(roomId, "news");
    const second = await sync(bob, quiet.next_batch);
    expect(second.rooms?.join?.[roomId]?.timeline).toMatchObject({
      events: [{ event_id: eventId }],
      limited: false,
    });
    expect(Object.keys(second.rooms?.join ?? {})).toEqual([roomId]);
    // A client that lost the answer asks again and gets the same.
    expect((await sync(bob, quiet.next_batch)).rooms?.join?.[roomId]).toBeDefined();
    expect((await sync(bob, second.next_batch)).rooms).toBeUndefined();
  });

  test("a wait ends with the event that it waits for, and not before", async () => {
    const roomId = await room(bob);
    const { next_batch: since } = await sync(bob);
    const waiting = bob.get<SyncAnswer>(`sync?timeout=30000&since=${since}`);
    const other = await alice.post<{ room_id: string }>("createRoom", {});
    await alice.send(other.room_id, "not Bob's business");
    const eventId = await alice.send(roomId, "wake up");
    expect((await waiting).rooms?.join?.[roomId]?.timeline.events).toMatchObject([{ event_id: eventId }]);
    const startedAt = performance.now();
    await bob.get(`sync?timeout=300&since=${(await waiting).next_batch}`);
    expect(performance.now() - startedAt).toBeGreaterThan(290);
  });

  test("a gap says so, and the state in it is told", async () => {
    const roomId = await room(bob);
    const { next_batch: since } = await sync(bob);
    await alice.call("PUT", `rooms/${at(roomId)}/state/m.room.topic/`, { topic: "in the gap" });
    for (let index = 0; index < 12; index++) await alice.send(roomId, `${index}`);
    const joined = (await sync(bob, since)).rooms?.join?.[roomId];
    expect(joined?.timeline.limited).toBe(true);
    expect(joined?.timeline.events).toHaveLength(10);
    expect(joined?.state.events).toMatchObject([{ type: "m.room.topic", content: { topic: "in the gap" } }]);
    // What lies in the gap is read from the timeline's start backwards.
    const page = await bob.get<{ chunk: { content: { body?: string } }[] }>(
      `rooms/${at(roomId)}/messages?dir=b&limit=2&from=${joined?.timeline.prev_batch ?? ""}`,
    );
    expect(page.chunk.map(({ content }) => content.body)).toEqual(["1", "0"]);
  });

  test("invites show the room from outside, leaving and rejoining are told", async () => {
    const { next_batch: start } = await sync(carol);
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      name: "Club",
      invite: ["@carol:hs1"],
    });
    const invited = await sync(carol, start);
    const shown = invited.rooms?.invite?.[roomId]?.invite_state.events.map(({ type }) => type);
    for (const type of ["m.room.create", "m.room.name", "m.room.member"]) expect(shown).toContain(type);
    expect(invited.rooms?.join?.[roomId]).toBeUndefined();
    await carol.post(`rooms/${at(roomId)}/join`, {});
    const joined = await sync(carol, invited.next_batch);
    const room = joined.rooms?.join?.[roomId];
    const told = [...(room?.state.events ?? []), ...(room?.timeline.events ?? [])].map(({ type }) => type);
    for (const type of ["m.room.create", "m.room.power_levels", "m.room.name"]) expect(told).toContain(type);
    await carol.post(`rooms/${at(roomId)}/leave`, {});
    const left = await sync(carol, joined.next_batch);
    expect(left.rooms?.leave?.[roomId]?.timeline.events.at(-1)).toMatchObject({
      type: "m.room.member",
      content: { membership: "leave" },
    });
    await alice.send(roomId, "she is gone");
    expect((await sync(carol, left.next_batch)).rooms).toBeUndefined();
    expect((await sync(carol)).rooms?.leave?.[roomId]).toBeUndefined();
  });

  test("filters choose, lazy loading leaves silent members out", async () => {
    const roomId = await room(bob, carol);
    await alice.send(roomId, "hi");
    const { filter_id: id } = await carol.post<{ filter_id: string }>(`user/@carol:hs1/filter`, {
      room: { state: { lazy_load_members: true }, timeline: { limit: 1 } },
    });
    expect(await carol.get(`user/@carol:hs1/filter/${id}`)).toMatchObject({
      room: { timeline: { limit: 1 } },
    });
    const joined = (await sync(carol, undefined, `&filter=${id}`)).rooms?.join?.[roomId];
    expect(joined?.timeline.events).toHaveLength(1);
    const members = joined?.state.events
      .filter(({ type }) => type === "m.room.member")
      .map((event) => (event as unknown as { state_key: string }).state_key);
    expect(members?.sort()).toEqual(["@alice:hs1", "@carol:hs1"]);
    const inline = at(JSON.stringify({ room: { timeline: { types: ["m.room.name"] }, rooms: [roomId] } }));
    const chosen = await sync(carol, undefined, `&filter=${inline}`);
    expect(Object.keys(chosen.rooms?.join ?? {})).toEqual([roomId]);
    expect((await refusal(carol.get("sync?filter=none"))).code).toBe("M_INVALID_PARAM");
    expect((await refusal(carol.get("sync?since=none"))).code).toBe("M_INVALID_PARAM");
  });

  test("unread messages count until they are read; a private receipt is nobody else's business", async () => {
    const roomId = await room(bob);
    const { next_batch: since } = await sync(bob);
    await alice.send(roomId, "one");
    const two = await alice.send(roomId, "two");
    const counted = await sync(bob, since);
    expect(counted.rooms?.join?.[roomId]?.unread_notifications).toEqual({
      notification_count: 2,
      highlight_count: 0,
    });
    const before = await sync(alice);
    await bob.post(`rooms/${at(roomId)}/receipt/m.read.private/${at(two)}`, {});
    expect(
      (await sync(bob, counted.next_batch)).rooms?.join?.[roomId]?.unread_notifications.notification_count,
    ).toBe(0);
    expect((await sync(alice, before.next_batch)).rooms).toBeUndefined();
    await bob.post(`rooms/${at(roomId)}/read_markers`, { "m.read": two, "m.fully_read": two });
    const receipt = (await sync(alice, before.next_batch)).rooms?.join?.[roomId]?.ephemeral.events[0];
    expect(receipt).toMatchObject({
      type: "m.receipt",
      content: { [two]: { "m.read": { "@bob:hs1": {} } } },
    });
  });

  test("account data, tags and push rules come once they change", async () => {
    const { next_batch: since } = await sync(bob);
    await bob.call("PUT", "user/@bob:hs1/account_data/m.direct", { "@alice:hs1": ["!x:hs1"] });
    await bob.call("PUT", "pushrules/global/underride/.m.rule.message/enabled", { enabled: false });
    const next = await sync(bob, since);
    expect(next.account_data?.events.map(({ type }) => type).sort()).toEqual(["m.direct", "m.push_rules"]);
    expect((await sync(bob, next.next_batch)).account_data).toBeUndefined();
    expect((await refusal(alice.get("user/@bob:hs1/account_data/m.direct"))).code).toBe("M_FORBIDDEN");
    expect((await refusal(bob.call("PUT", "user/@bob:hs1/account_data/m.push_rules", {}))).status).toBe(405);
    await bob.call("PUT", "pushrules/global/underride/.m.rule.message/enabled", { enabled: true });
    await bob.call("PUT", "pushrules/global/content/beer", {
      pattern: "beer",
      actions: ["notify", { set_tweak: "highlight" }],
    });
    const roomId = await room(bob);
    await alice.send(roomId, "a beer?");
    expect((await sync(bob)).rooms?.join?.[roomId]?.unread_notifications).toEqual({
      notification_count: 1,
      highlight_count: 1,
    });
    await bob.call("DELETE", "pushrules/global/content/beer");
    expect((await refusal(bob.get("pushrules/global/content/beer"))).code).toBe("M_NOT_FOUND");
    expect((await refusal(bob.get("pushrules/global/of-a-newer-server/beer"))).code).toBe("M_NOT_FOUND");
  });

  test("messages to a device come until they are acknowledged, then never again", async () => {
    const { next_batch: since } = await sync(bob);
    const content = { hello: "device" };
    for (const txn of ["a", "a", "b"])
      await alice.call("PUT", `sendToDevice/m.test/${txn}`, {
        messages: { "@bob:hs1": { [bob.deviceId]: content } },
      });
    const first = await sync(bob, since);
    expect(first.to_device?.events).toEqual(
      [1, 2].map(() => ({ type: "m.test", sender: "@alice:hs1", content })),
    );
    expect((await sync(bob, since)).to_device?.events).toHaveLength(2);
    const second = await sync(bob, first.next_batch);
    expect(second.to_device).toBeUndefined();
    expect((await sync(bob)).to_device).toBeUndefined();
  });

  test("who shares a room hears of new keys, and may ask for them", async () => {
    await room(bob);
    const { next_batch: since } = await sync(bob);
    const deviceKeys = {
      user_id: "@alice:hs1",
      device_id: alice.deviceId,
      algorithms: [],
      keys: {},
      signatures: {},
    };
    await alice.post("keys/upload", { device_keys: deviceKeys });
    expect((await sync(bob, since)).device_lists?.changed).toContain("@alice:hs1");
    const { device_keys: found } = await bob.post<{ device_keys: Record<string, Record<string, object>> }>(
      "keys/query",
      { device_keys: { "@alice:hs1": [] } },
    );
    expect(found["@alice:hs1"]?.[alice.deviceId]).toMatchObject(deviceKeys);
  });
});

test("profiles are read by all, written by their owners, and follow into rooms", async () => {
  const roomId = await room(bob);
  await bob.call("PUT", "profile/@bob:hs1/displayname", { displayname: "Bob" });
  await bob.call("PUT", "profile/@bob:hs1/avatar_url", { avatar_url: "mxc://hs1/x" });
  expect(await callApi<object>(server.url, "GET", "profile/@bob:hs1")).toEqual({
    displayname: "Bob",
    avatar_url: "mxc://hs1/x",
  });
  expect(await alice.get(`rooms/${at(roomId)}/joined_members`)).toMatchObject({
    joined: { "@bob:hs1": { display_name: "Bob", avatar_url: "mxc://hs1/x" } },
  });
  expect((await refusal(alice.call("PUT", "profile/@bob:hs1/displayname", { displayname: "x" }))).code).toBe(
    "M_FORBIDDEN",
  );
  expect((await refusal(alice.get("profile/@ghost:hs1"))).code).toBe("M_NOT_FOUND");
  const found = await alice.post<{ results: object[] }>("user_directory/search", {
    search_term: "bo",
  });
  expect(found.results).toContainEqual({
    user_id: "@bob:hs1",
    display_name: "Bob",
    avatar_url: "mxc://hs1/x",
  });
});

test("limits hold when they are on", async () => {
  await using strict = Object.assign(
    await startTestServer({ rateLimits: { login: { perSecond: 0.001, burst: 2 } } }),
    {
      async [Symbol.asyncDispose](this: TestServer) {
        await this.stop();
      },
    },
  );
  const attempt = () =>
    refusal(callApi(strict.url, "POST", "login", { type: "m.login.password", user: "x", password: "x" }));
  expect((await attempt()).code).toBe("M_FORBIDDEN");
  expect((await attempt()).code).toBe("M_FORBIDDEN");
  const limited = await attempt();
  expect([limited.status, limited.code]).toEqual([429, "M_LIMIT_EXCEEDED"]);
  expect(limited.body["retry_after_ms"]).toBeGreaterThan(1_000);
});

test("health and metrics are there, metrics not for everybody", async () => {
  expect(await (await fetch(`${server.url}/health/live`)).json()).toEqual({ status: "ok" });
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  expect((await fetch(`${server.url}/metrics`)).status).toBe(403);
  expect(await server.running.services.metrics.render()).toContain('imcloud_requests_total{method="POST"');
});
