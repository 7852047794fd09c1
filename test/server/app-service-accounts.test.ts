/** Application services: how they are registered, whom they speak for, and what is theirs alone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { loadAppServices } from "../../src/server/load-app-services.js";
import { Bridge, irc, Registrations, ServiceClient } from "./bridge.js";
import {
  callApi,
  personOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

const at = encodeURIComponent;
const LOGIN = "m.login.application_service";
const registrations = new Registrations();
let bridge: Bridge;
let server: TestServer;
let service: ServiceClient;
let alice: Person;

beforeAll(async () => {
  bridge = new Bridge();
  const files = [
    registrations.write("irc", irc(bridge.url, { protocols: ["irc"] })),
    registrations.write("deaf", {
      ...irc(null, {
        id: "deaf",
        as_token: "deaf's",
        hs_token: "to the deaf",
        sender_localpart: "gORT3deaf",
      }),
      namespaces: { users: [{ exclusive: false, regex: "@deaf_" }] },
    }),
  ];
  server = await startTestServer({
    appServices: { files },
    rateLimits: {
      enabled: true,
      message: { perSecond: 0.001, burst: 2 },
      registration: { perSecond: 1, burst: 100 },
    },
  });
  service = new ServiceClient(server.url, "as token of irc");
  alice = await register(server, "alice");
  await service.register("irc_ann");
});
afterAll(async () => {
  await server.stop();
  await bridge.stop();
  registrations[Symbol.dispose]();
});

describe("registration files", () => {
  const load = (...contents: readonly (object | string)[]) => {
    const files = contents.map((content, index) => registrations.write(`try${index}`, content));
    return loadAppServices({ serverName: "hs1", appServices: { files } });
  };

  test("one that bridges write is understood", async () => {
    const [one] = await load(`
id: telegram
url: http://localhost:29317
as_token: secret
hs_token: other secret
sender_localpart: tgbot
rate_limited: false
de.sorunome.msc2409.push_ephemeral: true
receive_ephemeral: true
io.element.msc4190: true
namespaces:
    users:
    - regex: '@telegram_.+:hs1'
      exclusive: true
      group_id: "+telegram:hs1"
    aliases: []
`);
    expect(one).toMatchObject({ id: "telegram", url: "http://localhost:29317", sender: "@tgbot:hs1" });
    expect(one?.ephemeralNames).toContain("ephemeral");
    expect(one?.coversUser("@telegram_1:hs1")).toBe(true);
    expect(one?.coversUser("@xtelegram_1:hs1")).toBe(false);
    expect(one?.isLimited("@telegram_1:hs1")).toBe(false);
  });

  test.each([
    ["no YAML", ["{"], /try0\.yaml: cannot be read/],
    ["a token that is no text", [irc(null, { as_token: 1 })], /try0\.yaml: as_token: /],
    [
      "a name that would end before its server",
      [irc(null, { sender_localpart: "a:b" })],
      /sender_localpart: /,
    ],
    ["an address of another kind", [irc("ftp://x")], /try0\.yaml: url: /],
    ["two services of one id", [irc(null), irc(null)], /try1\.yaml: id: the same as in .*try0/],
    [
      "one token for both ways",
      [irc(null, { hs_token: "as token of irc" })],
      /try0\.yaml: hs_token: the same as in .*try0/,
    ],
    [
      "two services of one token",
      [irc(null), irc(null, { id: "other", hs_token: "another" })],
      /try1\.yaml: as_token: the same as in .*try0/,
    ],
    [
      "a bad regular expression",
      [irc(null, { namespaces: { users: [{ exclusive: true, regex: "@irc_(" }] } })],
      /namespaces\.users\.0\.regex: .*RE2/,
    ],
    [
      "one that RE2 does not have",
      [irc(null, { namespaces: { aliases: [{ exclusive: true, regex: "#(?!admin).*" }] } })],
      /namespaces\.aliases\.0\.regex: .*RE2/,
    ],
  ])("%s is refused, and no token shown", async (_what, contents, message) => {
    const error = await load(...contents).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    expect(error?.name).toBe("ConfigError");
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain("token of irc");
  });

  test("a folder's are read by name, and one that is not there is said", async () => {
    registrations.write("try0", irc(null));
    const empty = { serverName: "hs1", appServices: { files: [], folder: "/nowhere" } };
    expect(loadAppServices(empty)).rejects.toThrow(/folder: \/nowhere cannot be read/);
    const own = new Registrations();
    own.write("b", irc(null, { id: "b", as_token: "b", hs_token: "bb" }));
    own.write("a", irc(null, { id: "a", as_token: "a", hs_token: "aa" }));
    const found = await loadAppServices({
      serverName: "hs1",
      appServices: { files: [], folder: own.folder },
    });
    own[Symbol.dispose]();
    expect(found.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("no expression makes the server think for long", async () => {
    const [one] = await load(
      irc(null, { namespaces: { users: [{ exclusive: false, regex: "@(a+)+(a+)+$" }] } }),
    );
    const startedAt = performance.now();
    expect(one?.coversUser(`@${"a".repeat(250)}!`)).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

describe("whom a service speaks for", () => {
  test("itself, and the users of its namespace that it has registered", async () => {
    expect(await service.call("GET", "account/whoami")).toEqual({
      user_id: "@ircbot:hs1",
      is_guest: false,
    });
    const ann = service.as("@irc_ann:hs1");
    expect(await ann.call("GET", "account/whoami")).toEqual({ user_id: "@irc_ann:hs1", is_guest: false });
    for (const other of [alice.userId, "@irc_nobody:hs1"]) {
      const refused = await refusal(service.as(other).call("GET", "account/whoami"));
      expect([refused.status, refused.code]).toEqual([403, "M_FORBIDDEN"]);
    }
    const unknown = new ServiceClient(server.url, "as token of nobody");
    expect((await refusal(unknown.call("GET", "account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
  });

  test("itself by a name with capitals, as mautrix makes one up", async () => {
    const deaf = new ServiceClient(server.url, "deaf's");
    const sender = "@gORT3deaf:hs1";
    expect(await deaf.call("GET", "account/whoami")).toMatchObject({ user_id: sender });
    expect(await deaf.as(sender).call("GET", "account/whoami")).toMatchObject({ user_id: sender });
    for (const user of ["gORT3deaf", sender]) {
      const login = { type: LOGIN, identifier: { type: "m.id.user", user } };
      expect(await deaf.call("POST", "login", login)).toMatchObject({ user_id: sender });
    }
  });

  test("as one of a user's devices, which it makes and ends without a password", async () => {
    const ann = service.as("@irc_ann:hs1");
    expect(
      (await refusal(service.as("@irc_ann:hs1", { device_id: "BRIDGE" }).call("GET", "account/whoami"))).code,
    ).toBe("M_UNKNOWN_DEVICE");
    const keys = { one_time_keys: {} };
    expect((await refusal(ann.call("POST", "keys/upload", keys))).code).toBe("M_INVALID_PARAM");

    await ann.call("PUT", "devices/BRIDGE", { display_name: "the bridge" });
    for (const name of ["device_id", "org.matrix.msc3202.device_id"]) {
      const device = service.as("@irc_ann:hs1", { [name]: "BRIDGE" });
      expect(await device.call("GET", "account/whoami")).toMatchObject({ device_id: "BRIDGE" });
      await device.call("POST", "keys/upload", keys);
    }
    const listed = await ann.call<{ devices: object[] }>("GET", "devices");
    expect(listed.devices).toMatchObject([{ device_id: "BRIDGE", display_name: "the bridge" }]);

    await ann.call("DELETE", "devices/BRIDGE", {});
    await ann.call("PUT", "devices/SECOND", {});
    await ann.call("POST", "delete_devices", { devices: ["SECOND"] });
    expect(await ann.call("GET", "devices")).toEqual({ devices: [] });
    expect(
      (await refusal(service.as("@irc_ann:hs1", { device_id: "BRIDGE" }).call("GET", "account/whoami"))).code,
    ).toBe("M_UNKNOWN_DEVICE");
    expect((await refusal(alice.call("PUT", "devices/NEW", {}))).code).toBe("M_NOT_FOUND");
  });

  test("it registers and logs in whom it may", async () => {
    const post = (path: string, body: object, token?: string) =>
      callApi<Record<string, string>>(server.url, "POST", path, body, token);
    const made = await post("register", { type: LOGIN, username: "irc_bea" }, "as token of irc");
    expect(made).toMatchObject({ user_id: "@irc_bea:hs1", access_token: expect.any(String) as never });
    expect((await refusal(service.register("irc_bea"))).code).toBe("M_USER_IN_USE");
    expect((await refusal(service.register("bea"))).code).toBe("M_EXCLUSIVE");
    const noName = service.call("POST", "register", { type: LOGIN });
    expect((await refusal(noName)).code).toBe("M_MISSING_PARAM");
    expect((await refusal(post("register", { type: LOGIN, username: "irc_x" }))).code).toBe(
      "M_MISSING_TOKEN",
    );
    expect((await refusal(post("register", { type: LOGIN, username: "irc_x" }, "no token"))).code).toBe(
      "M_UNKNOWN_TOKEN",
    );

    const flows = await callApi<{ flows: { type: string }[] }>(server.url, "GET", "login");
    expect(flows.flows.map(({ type }) => type)).toContain(LOGIN);
    const login = (user: string) =>
      post("login", { type: LOGIN, identifier: { type: "m.id.user", user } }, "as token of irc");
    const session = await login("irc_bea");
    const bea = personOf(server, session as never);
    expect(await bea.get("account/whoami")).toMatchObject({ user_id: "@irc_bea:hs1" });
    expect((await refusal(login("alice"))).code).toBe("M_EXCLUSIVE");
    expect((await refusal(login("irc_nobody"))).code).toBe("M_FORBIDDEN");

    await service.as("@irc_bea:hs1").call("POST", "account/deactivate", {});
    expect((await refusal(bea.get("account/whoami"))).code).toBe("M_UNKNOWN_TOKEN");
    expect((await refusal(service.as("@irc_bea:hs1").call("GET", "account/whoami"))).code).toBe(
      "M_FORBIDDEN",
    );
  });

  test("its names and aliases are nobody else's", async () => {
    expect((await refusal(register(server, "irc_carl"))).code).toBe("M_EXCLUSIVE");
    expect((await refusal(register(server, "ircbot"))).code).toBe("M_EXCLUSIVE");
    const free = callApi(server.url, "GET", "register/available?username=irc_carl");
    expect((await refusal(free)).code).toBe("M_EXCLUSIVE");
    // Not exclusive: anybody's.
    expect((await register(server, "deaf_carl")).userId).toBe("@deaf_carl:hs1");

    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {});
    const alias = `directory/room/${at("#irc_tea:hs1")}`;
    expect((await refusal(alice.call("PUT", alias, { room_id: roomId }))).code).toBe("M_EXCLUSIVE");
    expect((await refusal(alice.post("createRoom", { room_alias_name: "irc_tea" }))).code).toBe(
      "M_EXCLUSIVE",
    );
    const own = await service.call<{ room_id: string }>("POST", "createRoom", { room_alias_name: "irc_tea" });
    expect(await alice.get(alias)).toMatchObject({ room_id: own.room_id });
    const outside = service.call("POST", "createRoom", { room_alias_name: "tea" });
    expect((await refusal(outside)).code).toBe("M_EXCLUSIVE");
    expect((await refusal(alice.call("DELETE", alias))).code).toBe("M_FORBIDDEN");
    await service.as("@irc_ann:hs1").call("DELETE", alias);
    expect((await refusal(alice.get(alias))).code).toBe("M_NOT_FOUND");

    // It names a room that none of its users is in; nobody else does.
    await service.call("PUT", alias, { room_id: roomId });
    expect(await alice.get(alias)).toMatchObject({ room_id: roomId });
    const others = alice.call("PUT", `directory/room/${at("#tea:hs1")}`, { room_id: own.room_id });
    expect((await refusal(others)).code).toBe("M_FORBIDDEN");
  });
});

describe("what it says", () => {
  test("has the time that it gives, and is not limited where the registration says so", async () => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      preset: "public_chat",
    });
    const ann = service.as("@irc_ann:hs1");
    await ann.call("POST", `rooms/${at(roomId)}/join`, {});
    const path = `rooms/${at(roomId)}/send/m.room.message`;
    const ids: unknown[] = [];
    for (let sent = 0; sent < 5; sent += 1) {
      const body = { msgtype: "m.text", body: `${sent}` };
      ids.push((await ann.call("PUT", `${path}/t${sent}?ts=${1_600_000_000_000 + sent}`, body))["event_id"]);
    }
    const again = await ann.call("PUT", `${path}/t4?ts=1600000000004`, { msgtype: "m.text", body: "4" });
    expect(again["event_id"]).toBe(ids[4] as string);
    const seen = await alice.get(`rooms/${at(roomId)}/event/${at(String(ids[3]))}`);
    expect(seen).toMatchObject({ sender: "@irc_ann:hs1", origin_server_ts: 1_600_000_000_003 });
    const redaction = await ann.call(
      "PUT",
      `rooms/${at(roomId)}/redact/${at(String(ids[2]))}/r?ts=1600000000009`,
      {},
    );
    const bare = await alice.get(`rooms/${at(roomId)}/event/${at(String(redaction["event_id"]))}`);
    expect(bare["origin_server_ts"]).toBe(1_600_000_000_009);

    // Of everybody else, the server's clock says when; and the third message is one too many.
    const before = Date.now();
    const own = await alice.call("PUT", `${path}/a0?ts=1`, { msgtype: "m.text", body: "now" });
    const told = await alice.get(`rooms/${at(roomId)}/event/${at(String(own["event_id"]))}`);
    expect(told["origin_server_ts"]).toBeGreaterThanOrEqual(before);
    const topic = `rooms/${at(roomId)}/state/m.room.topic?ts=1`;
    await alice.call("PUT", topic, { topic: "t" });
    expect((await refusal(alice.call("PUT", topic, { topic: "u" }))).code).toBe("M_LIMIT_EXCEEDED");
  });
});
