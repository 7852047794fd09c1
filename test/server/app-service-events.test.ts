/** What application services hear of: the events that concern them, each until it is taken, and what they ask for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ServerConfigInput } from "../../src/shared/server-config.js";
import { Bridge, irc, Registrations, ServiceClient } from "./bridge.js";
import { onEachDatabase } from "./databases.js";
import { personOf, refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

const at = encodeURIComponent;
const registrations = new Registrations();
afterAll(() => registrations[Symbol.dispose]());

const startWith = (files: readonly string[], overrides: Partial<ServerConfigInput> = {}) =>
  startTestServer({ appServices: { files: [...files] }, ...overrides });

async function roomOf(person: Person, body: object = {}): Promise<string> {
  return (await person.post<{ room_id: string }>("createRoom", body)).room_id;
}

onEachDatabase((_open, newPlace) => {
  test("what concerns it arrives in order, also what was said while it or the server was away", async () => {
    await using bridge = new Bridge();
    const store = newPlace();
    const file = registrations.write("irc", irc(bridge.url));
    let server = await startWith([file], { store });
    let alice = await register(server, "alice");
    const service = new ServiceClient(server.url, "as token of irc");
    await service.register("irc_ann");
    const elsewhere = await roomOf(alice);
    await alice.send(elsewhere, "none of its business");
    const room = await roomOf(alice, { preset: "public_chat" });
    await alice.send(room, "before anybody came");
    await service.as("@irc_ann:hs1").call("POST", `rooms/${at(room)}/join`, {});
    await alice.send(room, "one");
    await bridge.until(() => bridge.texts.length === 1);
    expect(bridge.texts).toEqual(["one"]);
    expect([...bridge.authorisations]).toEqual(["Bearer hs token of irc"]);
    expect(bridge.events[0]).toMatchObject({
      type: "m.room.member",
      state_key: "@irc_ann:hs1",
      room_id: room,
    });

    // It refuses: the same transaction comes again, by the same name, before anything else does.
    let refusals = 2;
    bridge.take = () => ((refusals -= 1) < 0 ? Response.json({}) : new Response("", { status: 503 }));
    const seen = bridge.transactions.length;
    await alice.send(room, "two");
    await alice.send(room, "three");
    await bridge.until(() => bridge.texts.includes("three"));
    const tries = bridge.transactions.slice(seen, seen + 3);
    expect(new Set(tries.map(({ id }) => id)).size).toBe(1);
    expect(new Set(tries.map(({ body }) => JSON.stringify(body))).size).toBe(1);

    // It is away; its user leaves; the server ends and starts again.
    await bridge.stop();
    await alice.send(room, "four");
    await alice.post(`rooms/${at(room)}/kick`, { user_id: "@irc_ann:hs1" });
    await alice.send(room, "after the end");
    await alice.send(elsewhere, "still none of its business");
    await server.stop();
    server = await startWith([file], { store });
    bridge.start();
    await bridge.until(() => bridge.events.at(-1)?.content["membership"] === "leave");

    expect(bridge.events.at(-1)?.unsigned?.prev_content).toMatchObject({ membership: "join" });

    // What comes next, by a user who asks for it.
    alice = personOf(server, { user_id: alice.userId, access_token: alice.token, device_id: alice.deviceId });
    await alice.post(`rooms/${at(room)}/invite`, { user_id: "@irc_ann:hs1" });
    await bridge.until(() => bridge.events.at(-1)?.content["membership"] === "invite");
    // What it had taken when it went away, before its answer was out, comes again.
    expect([...new Set(bridge.texts)]).toEqual(["one", "two", "three", "four"]);
    expect(bridge.events.every(({ room_id: id }) => id === room)).toBe(true);
    await server.stop();
  });

  test("a service that is new hears of nothing old, and rooms that it lists are told apart", async () => {
    await using bridge = new Bridge();
    const store = newPlace();
    let server = await startTestServer({ store });
    let alice = await register(server, "alice");
    const room = await roomOf(alice, { name: "Tea", preset: "public_chat" });
    await alice.send(room, "old");
    await server.stop();
    const namespaces = { rooms: [{ exclusive: false, regex: "!.*" }] };
    const file = registrations.write("all", irc(bridge.url, { namespaces }));
    server = await startWith([file], { store });
    alice = personOf(server, { user_id: alice.userId, access_token: alice.token, device_id: alice.deviceId });
    const message = { msgtype: "m.text", body: "new" };
    await alice.call("PUT", `rooms/${at(room)}/send/m.room.message/new`, message);
    await bridge.until(() => bridge.texts.length > 0);
    expect(bridge.texts).toEqual(["new"]);

    const service = new ServiceClient(server.url, "as token of irc");
    const list = `directory/list/appservice/freenode/${at(room)}`;
    expect((await refusal(alice.call("PUT", list, { visibility: "public" }))).code).toBe("M_FORBIDDEN");
    const nowhere = service.call("PUT", `directory/list/appservice/freenode/${at("!no:hs1")}`, {
      visibility: "public",
    });
    expect((await refusal(nowhere)).code).toBe("M_NOT_FOUND");
    const names = async (body: object) =>
      (await alice.post<{ chunk: { name?: string }[] }>("publicRooms", body)).chunk.map(({ name }) => name);
    await service.call("PUT", list, { visibility: "public" });
    expect(await names({})).toEqual([]);
    expect(await names({ third_party_instance_id: "irc|freenode" })).toEqual(["Tea"]);
    expect(await names({ third_party_instance_id: "irc|other" })).toEqual([]);
    expect(await names({ include_all_networks: true })).toEqual(["Tea"]);
    expect((await refusal(names({ third_party_instance_id: "none" }))).code).toBe("M_INVALID_PARAM");
    await service.call("PUT", list, { visibility: "private" });
    expect(await names({ include_all_networks: true })).toEqual([]);
    await server.stop();
  });
});

describe("with a service", () => {
  let bridge: Bridge;
  let server: TestServer;
  let service: ServiceClient;
  let alice: Person;

  beforeAll(async () => {
    bridge = new Bridge();
    const file = registrations.write(
      "lively",
      irc(bridge.url, { protocols: ["irc", "mute"], receive_ephemeral: true }),
    );
    const silent = irc(null, { id: "silent", as_token: "s", hs_token: "ss", sender_localpart: "silent" });
    server = await startWith([file, registrations.write("silent", { ...silent, namespaces: {} })]);
    service = new ServiceClient(server.url, "as token of irc");
    alice = await register(server, "alice");
    await service.register("irc_ann");
  });
  afterAll(async () => {
    await server.stop();
    await bridge.stop();
  });

  test("an alias of its namespace makes a room its business", async () => {
    const room = await roomOf(alice, { invite: ["@ircbot:hs1"] });
    await service.call("POST", `rooms/${at(room)}/join`, {});
    await service.call("PUT", `directory/room/${at("#irc_named:hs1")}`, { room_id: room });
    await service.call("POST", `rooms/${at(room)}/leave`, {});
    await alice.send(room, "by its name");
    await bridge.until(() => bridge.texts.includes("by its name"));
  });

  test("who types, who has read and who is there is told where it was asked for", async () => {
    const room = await roomOf(alice, { invite: ["@irc_ann:hs1"] });
    const apart = await roomOf(alice);
    await service.as("@irc_ann:hs1").call("POST", `rooms/${at(room)}/join`, {});
    const eventId = await alice.send(room, "read me");
    const other = await alice.send(apart, "read me too");
    for (const id of [apart, room])
      await alice.call("PUT", `rooms/${at(id)}/typing/${at(alice.userId)}`, {
        typing: true,
        timeout: 30_000,
      });
    await alice.post(`rooms/${at(apart)}/receipt/m.read/${at(other)}`, {});
    await alice.post(`rooms/${at(room)}/receipt/m.read.private/${at(eventId)}`, {});
    await alice.post(`rooms/${at(room)}/receipt/m.read/${at(eventId)}`, {});
    await alice.call("PUT", `presence/${at(alice.userId)}/status`, {
      presence: "online",
      status_msg: "here",
    });
    const found = (type: string) => bridge.ephemeral.filter((one) => one.type === type);
    await bridge.until(() => ["m.typing", "m.receipt", "m.presence"].every((type) => found(type).length > 0));
    expect(found("m.typing").at(-1)).toEqual({
      type: "m.typing",
      room_id: room,
      content: { user_ids: [alice.userId] },
    });
    expect(found("m.receipt").at(-1)).toMatchObject({
      room_id: room,
      content: { [eventId]: { "m.read": { [alice.userId]: {} } } },
    });
    expect(JSON.stringify(bridge.ephemeral)).not.toContain("m.read.private");
    expect(JSON.stringify(bridge.ephemeral)).not.toContain(apart);
    expect(found("m.presence").at(-1)).toMatchObject({
      sender: alice.userId,
      content: { status_msg: "here" },
    });
  });

  test("it is asked for users and rooms that are not there, and makes them", async () => {
    bridge.answer = async (path) => {
      if (path === "/users/@irc_new:hs1") {
        await service.register("irc_new");
        return Response.json({});
      }
      if (path !== "/rooms/#irc_new:hs1") return undefined;
      await service.call("POST", "createRoom", { room_alias_name: "irc_new", preset: "public_chat" });
      return Response.json({});
    };
    const room = await roomOf(alice);
    await alice.post(`rooms/${at(room)}/invite`, { user_id: "@irc_new:hs1" });
    await alice.post(`join/${at("#irc_new:hs1")}`, {});
    expect(bridge.asked).toEqual(["GET /users/@irc_new:hs1", "GET /rooms/#irc_new:hs1"]);
    expect((await refusal(alice.get(`profile/${at("@irc_none:hs1")}`))).code).toBe("M_NOT_FOUND");
    expect((await refusal(alice.get(`directory/room/${at("#irc_none:hs1")}`))).code).toBe("M_NOT_FOUND");
    expect((await refusal(alice.get(`profile/${at("@nobody:hs1")}`))).code).toBe("M_NOT_FOUND");
    expect(bridge.asked.slice(2)).toEqual(["GET /users/@irc_none:hs1", "GET /rooms/#irc_none:hs1"]);
  });

  test("it asks whether it can be reached", async () => {
    const ping = (from: Pick<ServiceClient, "call">, id = "irc") =>
      from.call("POST", `/_matrix/client/v1/appservice/${id}/ping`, { transaction_id: "p" });
    bridge.answer = () => Response.json({});
    expect(await ping(service)).toEqual({ duration_ms: expect.any(Number) as number });
    bridge.answer = () => new Response("no", { status: 418 });
    expect((await refusal(ping(service))).body).toMatchObject({
      errcode: "M_BAD_STATUS",
      status: 418,
      body: "no",
    });
    expect((await refusal(ping(alice))).code).toBe("M_FORBIDDEN");
    expect((await refusal(ping(service, "silent"))).code).toBe("M_FORBIDDEN");
    const silent = new ServiceClient(server.url, "s");
    expect((await refusal(ping(silent, "silent"))).code).toBe("M_URL_NOT_SET");
    await bridge.stop();
    expect((await refusal(ping(service))).code).toBe("M_CONNECTION_FAILED");
    bridge.start();
  });

  test("what it knows of another network is shown", async () => {
    const place = { alias: "#irc_tea:hs1", protocol: "irc", fields: { channel: "#tea" } };
    const person = { userid: "@irc_ann:hs1", protocol: "irc", fields: { nick: "ann" } };
    const about = {
      user_fields: ["nick"],
      location_fields: ["channel"],
      icon: "mxc://hs1/icon",
      field_types: {},
      instances: [{ desc: "Freenode", network_id: "freenode", fields: {} }],
    };
    const answers: Record<string, unknown> = {
      "/thirdparty/protocol/irc": about,
      "/thirdparty/location/irc": [place],
      "/thirdparty/user/irc": [person],
      "/thirdparty/location": [place],
      "/thirdparty/user": [person],
    };
    const queries: string[] = [];
    bridge.answer = (path, query) => {
      queries.push(query.toString());
      if (query.toString().includes("none")) return Response.json([]);
      return Object.hasOwn(answers, path) ? Response.json(answers[path]) : undefined;
    };
    const shown = { ...about, instances: [{ ...about.instances[0], instance_id: "irc|freenode" }] };
    expect(await alice.get("thirdparty/protocols")).toEqual({ irc: shown });
    expect(await alice.get("thirdparty/protocol/irc")).toEqual(shown);
    expect(await alice.get<unknown>("thirdparty/location/irc?channel=%23tea")).toEqual([place]);
    expect(await alice.get<unknown>("thirdparty/user/irc?nick=ann")).toEqual([person]);
    expect(await alice.get<unknown>(`thirdparty/location?alias=${at("#irc_tea:hs1")}`)).toEqual([place]);
    expect(await alice.get<unknown>(`thirdparty/user?userid=${at("@irc_ann:hs1")}`)).toEqual([person]);
    expect(queries).toContain("channel=%23tea");
    for (const path of [
      ...["protocol/mute", "protocol/other", "location/other", "user/other", "location/irc?channel=none"],
      ...["user/irc?nick=none", "location?alias=none", "user?userid=none"],
    ])
      expect((await refusal(alice.get(`thirdparty/${path}`))).code).toBe("M_NOT_FOUND");
  });
});

test("where there is no service, there are no other networks", async () => {
  const server = await startTestServer();
  const alice = await register(server, "alice");
  expect(await alice.get("thirdparty/protocols")).toEqual({});
  expect((await refusal(alice.get("thirdparty/user/irc"))).code).toBe("M_NOT_FOUND");
  await server.stop();
});
