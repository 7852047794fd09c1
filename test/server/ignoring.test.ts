/** Whom somebody ignores: their words and invites are kept from them, and from nobody else. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { judgeInvite } from "../../src/server/core/invite-permission.js";
import type { JsonObject } from "../../src/server/core/json.js";
import { refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

interface Event {
  readonly type: string;
  readonly event_id: string;
  readonly sender: string;
  readonly state_key?: string;
}
interface Synced {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Readonly<Record<string, { timeline: { events: readonly Event[] } }>>;
    readonly invite?: Readonly<Record<string, object>>;
  };
}

let server: TestServer;
let alice: Person;
let bob: Person;
let pest: Person;
let room: string;
const at = encodeURIComponent;

beforeAll(async () => {
  server = await startTestServer();
  [alice, bob, pest] = (await Promise.all(
    ["alice", "bob", "pest"].map((name) => register(server, name)),
  )) as [Person, Person, Person];
  room = (await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat" })).room_id;
  for (const person of [bob, pest]) await person.post(`rooms/${at(room)}/join`, {});
  await alice.call("PUT", `user/${at(alice.userId)}/account_data/m.ignored_user_list`, {
    ignored_users: { [pest.userId]: {} },
  });
});
afterAll(() => server.stop());

const messagesOf = (events: readonly Event[]) =>
  events.filter(({ type }) => type === "m.room.message").map(({ event_id }) => event_id);

test("their messages are not shown, in a sync, in history, or found; what they set of a room is", async () => {
  const { next_batch: since } = await alice.get<Synced>("sync");
  const noise = await pest.send(room, "buy marmalade");
  const word = await bob.send(room, "no marmalade");
  await alice.call("PUT", `rooms/${at(room)}/state/m.room.power_levels/`, {
    users: { [alice.userId]: 100, [pest.userId]: 50 },
  });
  await pest.call("PUT", `rooms/${at(room)}/state/m.room.topic/`, { topic: "marmalade" });

  const seen = async (person: Person, query = "") => {
    const { rooms } = await person.get<Synced>(`sync${query}`);
    return rooms?.join?.[room]?.timeline.events ?? [];
  };
  const news = await seen(alice, `?since=${since}`);
  expect(messagesOf(news)).toEqual([word]);
  expect(news.filter(({ type }) => type === "m.room.topic").map(({ sender }) => sender)).toEqual([
    pest.userId,
  ]);
  expect(messagesOf(await seen(alice))).toEqual([word]);
  expect(messagesOf(await seen(bob))).toEqual([noise, word]);

  const read = async (person: Person) =>
    (await person.get<{ chunk: Event[] }>(`rooms/${at(room)}/messages?dir=f`)).chunk;
  expect(messagesOf(await read(alice))).toEqual([word]);
  expect(messagesOf(await read(bob))).toEqual([noise, word]);

  const found = async (person: Person) => {
    const { search_categories } = await person.post<{
      search_categories: { room_events: { results: { result: Event }[] } };
    }>("search", {
      search_categories: { room_events: { search_term: "marmalade", keys: ["content.body"] } },
    });
    return search_categories.room_events.results.map(({ result }) => result.event_id).sort();
  };
  expect(await found(alice)).toEqual([word]);
  expect(await found(bob)).toEqual([noise, word].sort());
});

test("what they say wakes nobody", async () => {
  const { next_batch: since } = await alice.get<Synced>("sync?set_presence=offline");
  await pest.send(room, "psst");
  expect((await alice.get<Synced>(`sync?set_presence=offline&since=${since}`)).rooms).toBeUndefined();
});

describe("invites", () => {
  const set = (person: Person, type: string, content: object) =>
    person.call("PUT", `user/${at(person.userId)}/account_data/${type}`, content);
  const filter = (person: Person, content: object) =>
    set(person, "org.matrix.msc4155.invite_permission_config", content);
  const invite = async (from: Person, to: Person) => {
    const { room_id: roomId } = await from.post<{ room_id: string }>("createRoom", {});
    await from.post(`rooms/${at(roomId)}/invite`, { user_id: to.userId });
    return roomId;
  };
  const invites = async (person: Person) =>
    Object.keys((await person.get<Synced>("sync")).rooms?.invite ?? {}).sort();

  test("filters by user: who is blocked learns of it, who is ignored does not, who is allowed comes through", async () => {
    const [carol, dave] = [await register(server, "carol"), await register(server, "dave")];
    await filter(carol, {
      allowed_users: [bob.userId],
      ignored_users: ["@d?ve:*"],
      blocked_servers: ["hs1"],
    });
    expect((await refusal(invite(pest, carol))).code).toBe("M_INVITE_BLOCKED");
    await invite(dave, carol);
    const wanted = await invite(bob, carol);
    expect(await invites(carol)).toEqual([wanted]);
    // What was kept from somebody is there when they want it after all.
    await filter(carol, {});
    expect(await invites(carol)).toHaveLength(2);
  });

  // Source: MSC4155: users before servers; what allows before what ignores, and that before what blocks.
  test.each([
    [{}, "allow"],
    [{ blocked_users: [], ignored_servers: null, blocked_servers: "hs1", allowed_users: [7] }, "allow"],
    [{ blocked_servers: ["*"] }, "block"],
    [{ blocked_servers: ["hs"] }, "allow"],
    [{ blocked_users: ["@p?st:*"], ignored_users: ["@other:hs1"] }, "block"],
    [{ blocked_users: ["@pest:hs1"], ignored_users: ["@pest:hs?"] }, "ignore"],
    [{ blocked_users: ["@pest:hs1"], ignored_users: ["*"], allowed_users: ["@p*"] }, "allow"],
    [{ blocked_users: ["@pest:hs1"], allowed_servers: ["hs1"] }, "block"],
    [{ blocked_servers: ["hs1"], ignored_servers: ["hs?"] }, "ignore"],
    [{ blocked_servers: ["*"], allowed_users: ["@pest:hs1"] }, "allow"],
  ] as [JsonObject, string][])("%j: %s", (filters, verdict) => {
    expect(judgeInvite(undefined, filters, "@pest:hs1")).toBe(verdict as never);
    expect(judgeInvite({ default_action: "block" }, filters, "@pest:hs1")).toBe("block");
  });

  test("whoever blocks all is not shown what came before either", async () => {
    const erin = await register(server, "erin");
    const roomId = await invite(bob, erin);
    await set(erin, "m.invite_permission_config", { default_action: "block" });
    expect(await invites(erin)).toEqual([]);
    await set(erin, "m.invite_permission_config", {});
    expect(await invites(erin)).toEqual([roomId]);
  });
});

test("their invites are not told of, others' are", async () => {
  const { next_batch: since } = await alice.get<Synced>("sync");
  await pest.post("createRoom", { invite: [alice.userId] });
  const { room_id: wanted } = await bob.post<{ room_id: string }>("createRoom", { invite: [alice.userId] });
  for (const query of ["", `?since=${since}`])
    expect(Object.keys((await alice.get<Synced>(`sync${query}`)).rooms?.invite ?? {})).toEqual([wanted]);
  const sliding = await alice.post<{ rooms: Readonly<Record<string, { invite_state?: object }>> }>(
    "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync",
    { lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } } },
  );
  const invites = Object.entries(sliding.rooms).filter(([, { invite_state }]) => invite_state !== undefined);
  expect(invites.map(([id]) => id)).toEqual([wanted]);
});
