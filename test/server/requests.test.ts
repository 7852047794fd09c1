/** Requests that are none, those that are too many, and what machines ask. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  callApi,
  refusal,
  startTestServer,
  startWithPeople,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
let alice: Person;
beforeAll(async () => {
  [server, alice] = await startWithPeople("alice");
});
afterAll(() => server.stop());

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

  test("what SDKs still ask for by the path that it had before it was in the specification", async () => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", { name: "old" });
    const user = encodeURIComponent(alice.userId);
    await alice.call("PUT", `profile/${user}/displayname`, { displayname: "Alice" });
    const unstable = "/_matrix/client/unstable";
    for (const [path, answer] of [
      [`${unstable}/im.nheko.summary/summary/${encodeURIComponent(roomId)}`, { name: "old" }],
      [`${unstable}/uk.tcpip.msc4133/profile/${user}`, { displayname: "Alice" }],
      [`${unstable}/uk.half-shot.msc2666/user/mutual_rooms?user_id=@bob:hs1`, { joined: [] }],
      [`/_matrix/client/r0/profile/${user}`, { displayname: "Alice" }],
    ] as const)
      expect(await alice.get(path)).toMatchObject(answer);
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

test("a registration counts once, though it takes two requests; so does news of who is here", async () => {
  const limits = { registration: { perSecond: 0.001, burst: 3 } };
  const strict = await startTestServer({ rateLimits: limits });
  await using _ = { [Symbol.asyncDispose]: () => strict.stop() };
  const register = (body: object) => callApi<{ user_id: string }>(strict.url, "POST", "register", body);
  const available = (name: string) =>
    callApi(strict.url, "GET", `/_matrix/client/v3/register/available?username=${name}`);
  for (const username of ["alice", "bob"]) {
    await available(username);
    const { body } = await refusal(register({ username, password: "secret" }));
    const auth = { type: "m.login.dummy", session: body["session"] };
    expect((await register({ auth })).user_id).toBe(`@${username}:hs1`);
  }
  expect((await refusal(available("alice"))).code).toBe("M_USER_IN_USE");
  expect((await refusal(available("bob"))).code).toBe("M_LIMIT_EXCEEDED");
  expect((await refusal(available("carol"))).code).toBe("M_LIMIT_EXCEEDED");
  expect((await refusal(register({ username: "carol", password: "secret" }))).code).toBe("M_LIMIT_EXCEEDED");
});

test("health and metrics are there, metrics not for everybody", async () => {
  expect(await (await fetch(`${server.url}/health/live`)).json()).toEqual({ status: "ok" });
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  expect((await fetch(`${server.url}/metrics`)).status).toBe(403);
  expect(await server.running.services.metrics.render()).toContain('imcloud_requests_total{method="POST"');
});
