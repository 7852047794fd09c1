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
