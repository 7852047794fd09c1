/** Whom somebody ignores: their words and invites are kept from them, and from nobody else. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { register, startTestServer, type Person, type TestServer } from "./test-server.js";

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
