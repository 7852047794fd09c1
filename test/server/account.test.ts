/** The end of an account, who somebody is for another service, and events by their time. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { callApi, refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
beforeAll(async () => {
  server = await startTestServer();
  alice = await register(server, "alice");
});
afterAll(() => server.stop());
const at = encodeURIComponent;

test("a deactivated account has left its rooms, its sessions are over, and its name stays taken", async () => {
  const bob = await register(server, "bob");
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", { invite: [bob.userId] });
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const said = await bob.send(roomId, "I was here");
  const invited = await alice.post<{ room_id: string }>("createRoom", { invite: [bob.userId] });

  const challenge = await refusal(bob.post("account/deactivate", {}));
  expect(challenge.status).toBe(401);
  const auth = {
    type: "m.login.password",
    session: challenge.body["session"],
    identifier: { type: "m.id.user", user: "bob" },
  };
  expect(
    (await refusal(bob.post("account/deactivate", { auth: { ...auth, password: "wrong" } }))).status,
  ).toBe(401);
  expect(
    await bob.post<object>("account/deactivate", {
      erase: true,
      auth: { ...auth, password: "bob's password" },
    }),
  ).toEqual({ id_server_unbind_result: "success" });

  expect((await refusal(bob.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
  const login = callApi(server.url, "POST", "login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "bob" },
    password: "bob's password",
  });
  expect((await refusal(login)).code).toBe("M_USER_DEACTIVATED");
  for (const id of [roomId, invited.room_id])
    expect(await alice.get(`rooms/${at(id)}/state/m.room.member/${at(bob.userId)}`)).toEqual({
      membership: "leave",
    });
  expect(await alice.get(`rooms/${at(roomId)}/event/${at(said)}`)).toMatchObject({
    content: { body: "I was here" },
  });
  expect((await refusal(register(server, "bob"))).code).toBe("M_USER_IN_USE");
  const found = await alice.post<{ results: unknown[] }>("user_directory/search", { search_term: "bob" });
  expect(found.results).toEqual([]);
});

test("who comes into a room after an account's words were erased reads none of them; who was there reads on", async () => {
  const [kurt, lena, mona, nora] = (await Promise.all(
    ["kurt", "lena", "mona", "nora"].map((name) => register(server, name)),
  )) as [Person, Person, Person, Person];
  const { room_id: roomId } = await lena.post<{ room_id: string }>("createRoom", { preset: "public_chat" });
  const join = (person: Person) => person.post(`rooms/${at(roomId)}/join`, {});
  await join(kurt);
  await kurt.call("PUT", `rooms/${at(roomId)}/send/m.room.message/edit`, {
    ...{ msgtype: "m.text", body: "* marmalade, mended" },
    "m.new_content": { msgtype: "m.text", body: "marmalade, mended" },
    "m.relates_to": { rel_type: "m.replace", event_id: await kurt.send(roomId, "marmalade") },
  });
  const answered = await lena.send(roomId, "no marmalade");
  await kurt.call("PUT", `rooms/${at(roomId)}/send/m.room.message/thread`, {
    ...{ msgtype: "m.text", body: "marmalade, in a thread" },
    "m.relates_to": { rel_type: "m.thread", event_id: answered },
  });
  await join(mona);
  const auth = { type: "m.login.password", identifier: { type: "m.id.user", user: "kurt" } };
  await kurt.post("account/deactivate", { erase: true, auth: { ...auth, password: "kurt's password" } });
  await join(nora);

  interface Event {
    readonly event_id: string;
    readonly sender: string;
    readonly state_key?: string;
    readonly content: object;
  }
  const read = async (person: Person) =>
    (await person.get<{ chunk: Event[] }>(`rooms/${at(roomId)}/messages?dir=f&limit=50`)).chunk;
  const found = async (person: Person) => {
    const { search_categories: found } = await person.post<{
      search_categories: { room_events: { results: { result: Event }[] } };
    }>("search", { search_categories: { room_events: { search_term: "marmalade" } } });
    return found.room_events.results.map(({ result }) => result.event_id);
  };
  for (const person of [lena, mona]) {
    expect(JSON.stringify(await read(person))).toContain("marmalade, mended");
    expect((await found(person)).length).toBeGreaterThan(1);
  }
  const words = (await read(nora)).filter(
    ({ sender, state_key: key }) => sender === kurt.userId && key === undefined,
  );
  expect(words.map(({ content }) => content)).toEqual([{}, {}, {}]);
  for (const { event_id: eventId } of words)
    expect(await nora.get(`rooms/${at(roomId)}/event/${at(eventId)}`)).toMatchObject({ content: {} });
  expect(await found(nora)).toEqual([answered]);
  const everything = [await read(nora), await nora.get("sync")];
  expect(JSON.stringify(everything)).toContain("no marmalade");
  expect(JSON.stringify(everything)).not.toMatch(/marmalade, (mended|in a thread)/);
  // What he did to the room stands: without it the room would be another.
  expect(await nora.get(`rooms/${at(roomId)}/state/m.room.member/${at(kurt.userId)}`)).toEqual({
    membership: "leave",
  });
});

test("the nearest event to a moment, either way, that one may read", async () => {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", { preset: "private_chat" });
  const first = await alice.send(roomId, "first");
  const second = await alice.send(roomId, "second");
  const tsOf = async (id: string) =>
    (await alice.get<{ origin_server_ts: number }>(`rooms/${at(roomId)}/event/${at(id)}`)).origin_server_ts;
  const near = (ts: number, dir: string, by = alice) =>
    by.get<{ event_id: string; origin_server_ts: number }>(
      `/_matrix/client/v1/rooms/${at(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`,
    );
  const [firstTs, secondTs] = [await tsOf(first), await tsOf(second)];
  expect(await near(secondTs + 60_000, "b")).toEqual({ event_id: second, origin_server_ts: secondTs });
  expect((await near(0, "f")).origin_server_ts).toBeLessThanOrEqual(firstTs);
  expect((await near(firstTs, "f")).origin_server_ts).toBe(firstTs);
  expect((await refusal(near(secondTs + 60_000, "f"))).code).toBe("M_NOT_FOUND");
  expect((await refusal(near(0, "b"))).code).toBe("M_NOT_FOUND");
  const carol = await register(server, "carol");
  expect((await refusal(near(secondTs, "b", carol))).code).toBe("M_FORBIDDEN");
});

test("an OpenID token tells another service who one is, opens nothing, and ends with the session", async () => {
  const dora = await register(server, "dora");
  const ask = (person: Person, userId: string) =>
    person.post<{ access_token: string; expires_in: number }>(`user/${at(userId)}/openid/request_token`, {});
  const who = (token: string) =>
    callApi(server.url, "GET", `/_matrix/federation/v1/openid/userinfo?access_token=${token}`);
  const token = await ask(dora, dora.userId);
  expect(token).toMatchObject({ token_type: "Bearer", matrix_server_name: "hs1", expires_in: 3600 });
  expect(await who(token.access_token)).toEqual({ sub: dora.userId });
  expect((await refusal(ask(dora, alice.userId))).code).toBe("M_FORBIDDEN");
  const asAccess = callApi(server.url, "GET", "account/whoami", undefined, token.access_token);
  expect((await refusal(asAccess)).code).toBe("M_UNKNOWN_TOKEN");
  expect((await refusal(who(dora.token))).code).toBe("M_UNKNOWN_TOKEN");
  expect((await refusal(callApi(server.url, "GET", "/_matrix/federation/v1/openid/userinfo"))).code).toBe(
    "M_MISSING_TOKEN",
  );
  await dora.post("logout", {});
  expect((await refusal(who(token.access_token))).code).toBe("M_UNKNOWN_TOKEN");
});

test("a name is the part before the colon: no id, no colon, and capitals are small letters", async () => {
  for (const username of ["a:b", "@hugo:hs1", "hugo:hs1", "@hugo", "do ra", "dörte"]) {
    const asked = callApi(server.url, "POST", "register", {
      username,
      password: "long enough",
      auth: { type: "m.login.dummy" },
    });
    expect((await refusal(asked)).code).toBe("M_INVALID_USERNAME");
  }
  await register(server, "hugo");
  for (const user of ["hugo", "HUGO", "@hugo:hs1", "@Hugo:hs1"]) {
    const session = await callApi<{ user_id: string }>(server.url, "POST", "login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password: "hugo's password",
    });
    expect(session.user_id).toBe("@hugo:hs1");
  }
  // The server's own name is not folded: another server could have it.
  const elsewhere = callApi(server.url, "POST", "login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: "@hugo:HS1" },
    password: "hugo's password",
  });
  expect((await refusal(elsewhere)).code).toBe("M_FORBIDDEN");
});

test("another account's right password is no proof, and there is nothing to try again", async () => {
  const [emil, finn] = await Promise.all([register(server, "emil"), register(server, "finn")]);
  const auth = {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: finn.userId },
    password: "finn's password",
  };
  const error = await refusal(emil.call("DELETE", `devices/${emil.deviceId}`, { auth }));
  expect(error.status).toBe(403);
  expect(error.body).toEqual({ errcode: "M_FORBIDDEN", error: expect.any(String) as string });
  await emil.get("account/whoami");
});

test("keys of a device that lack what others check them by are refused", async () => {
  const greta = await register(server, "greta");
  const upload = (more: object) =>
    greta.post("keys/upload", {
      device_keys: { user_id: greta.userId, device_id: greta.deviceId, ...more },
    });
  const whole = { algorithms: ["m.olm.v1"], keys: { "ed25519:A": "k" }, signatures: {} };
  for (const wrong of [{}, { ...whole, keys: undefined }, { ...whole, algorithms: "m.olm.v1" }])
    expect(await refusal(upload(wrong))).toMatchObject({ status: 400, code: "M_BAD_JSON" });
  await upload({ ...whole, "org.example.more": 1 });
  const found = await greta.post<{ device_keys: Record<string, Record<string, object>> }>("keys/query", {
    device_keys: { [greta.userId]: [] },
  });
  expect(found.device_keys[greta.userId]?.[greta.deviceId]).toMatchObject({
    ...whole,
    "org.example.more": 1,
  });
});

test("nobody has an address of a third party", async () => {
  const person = await register(server, "threepidless");
  expect(await person.get<object>("account/3pid")).toEqual({ threepids: [] });
});

test("what was asked before the proof still counts when the proof comes alone", async () => {
  const unproved = { username: "gina", password: "gina's password", inhibit_login: true };
  const asked = await refusal(callApi(server.url, "POST", "register", unproved));
  const proof = { type: "m.login.dummy", session: asked.body["session"] };
  expect(await callApi<object>(server.url, "POST", "register", { auth: proof })).toEqual({
    user_id: "@gina:hs1",
    home_server: "hs1",
  });

  const logIn = () =>
    callApi<{ access_token: string }>(server.url, "POST", "login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "gina" },
      password: "gina's password",
    });
  const [first, second] = [await logIn(), await logIn()];
  const change = { new_password: "gina's other password", logout_devices: false };
  const by = (token: string, body: object) =>
    callApi<object>(server.url, "POST", "account/password", body, token);
  const challenge = await refusal(by(first.access_token, change));
  const auth = { type: "m.login.password", session: challenge.body["session"], password: "gina's password" };
  expect(await by(first.access_token, { auth })).toEqual({});
  // Her other device is not signed out, as she has said.
  expect(
    await callApi<object>(server.url, "GET", "account/whoami", undefined, second.access_token),
  ).toMatchObject({
    user_id: "@gina:hs1",
  });
});
