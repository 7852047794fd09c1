/** Reactions, edits, threads and references: how they are listed, and what comes with the event they speak of. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, register, startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let roomId = "";
const at = encodeURIComponent;

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
  const room = await alice.post<{ room_id: string }>("createRoom", { invite: [bob.userId] });
  roomId = room.room_id;
  await bob.post(`rooms/${at(roomId)}/join`, {});
});
afterAll(() => server.stop());

let txns = 0;
async function say(person: Person, type: string, content: object): Promise<string> {
  const path = `rooms/${at(roomId)}/send/${type}/${++txns}`;
  return (await person.call<{ event_id: string }>("PUT", path, content)).event_id;
}
const relating = (relType: string, eventId: string, more: object = {}) => ({
  "m.relates_to": { rel_type: relType, event_id: eventId, ...more },
});
const react = (person: Person, eventId: string, key: string) =>
  say(person, "m.reaction", relating("m.annotation", eventId, { key }));
const reply = (person: Person, root: string, body: string) =>
  say(person, "m.room.message", { msgtype: "m.text", body, ...relating("m.thread", root) });

interface Shown {
  readonly event_id: string;
  readonly unsigned: {
    readonly "m.relations"?: {
      readonly "m.replace"?: Shown;
      readonly "m.reference"?: { readonly chunk: readonly { readonly event_id: string }[] };
      readonly "m.thread"?: {
        readonly count: number;
        readonly current_user_participated: boolean;
        readonly latest_event: Shown;
      };
    };
  };
}
interface Chunk {
  readonly chunk: readonly Shown[];
  readonly next_batch?: string;
  readonly recursion_depth?: number;
}
const related = (person: Person, eventId: string, rest = "") =>
  person.get<Chunk>(`/_matrix/client/v1/rooms/${at(roomId)}/relations/${at(eventId)}${rest}`);
const threads = (person: Person, query = "") =>
  person.get<Chunk>(`/_matrix/client/v1/rooms/${at(roomId)}/threads${query}`);
const ids = ({ chunk }: Chunk) => chunk.map(({ event_id: id }) => id);
const shown = (person: Person, eventId: string) =>
  person.get<Shown>(`rooms/${at(roomId)}/event/${at(eventId)}`);

test("what was said of an event is listed by its kind and type, in pages, either way", async () => {
  const root = await alice.send(roomId, "hello");
  const said = [
    await react(bob, root, "1"),
    await react(bob, root, "2"),
    await reply(bob, root, "yes?"),
    await react(alice, root, "1"),
  ];
  await alice.send(roomId, "of nothing");
  expect(ids(await related(bob, root))).toEqual(said.toReversed());
  expect(ids(await related(bob, root, "?dir=f"))).toEqual(said);
  expect(ids(await related(bob, root, "/m.thread"))).toEqual([said[2] ?? ""]);
  expect(ids(await related(bob, root, "/m.annotation/m.reaction?dir=f"))).toEqual(
    [0, 1, 3].map((i) => said[i] ?? ""),
  );
  expect(ids(await related(bob, root, "/m.annotation/m.other"))).toEqual([]);

  for (const [dir, wanted] of [
    ["b", said.toReversed()],
    ["f", said],
  ] as const) {
    const seen: string[] = [];
    let from = "";
    for (;;) {
      const page = await related(bob, root, `?dir=${dir}&limit=3${from}`);
      seen.push(...ids(page));
      if (page.next_batch === undefined) break;
      from = `&from=${page.next_batch}`;
    }
    expect(seen).toEqual(wanted);
  }
});

test("three steps away on request, and of other rooms' events nothing", async () => {
  const root = await alice.send(roomId, "root");
  const first = await say(bob, "m.room.message", { body: "a", ...relating("m.reference", root) });
  const second = await say(bob, "m.room.message", { body: "b", ...relating("m.reference", first) });
  const third = await react(bob, second, "x");
  expect(ids(await related(alice, root))).toEqual([first]);
  const all = await related(alice, root, "?recurse=true&dir=f");
  expect([ids(all), all.recursion_depth]).toEqual([[first, second, third], 3]);
  expect(ids(await related(alice, root, "/m.annotation?recurse=true"))).toEqual([third]);
  const carol = await register(server, "carol");
  expect((await refusal(related(carol, root))).code).toBe("M_NOT_FOUND");
  expect((await refusal(related(alice, "$none"))).code).toBe("M_NOT_FOUND");
  expect((await refusal(related(alice, root, "?from=x"))).code).toBe("M_INVALID_PARAM");
});

test("nobody reacts twice alike, unless the first is taken back; a retried request is no second one", async () => {
  const root = await alice.send(roomId, "like this?");
  const first = await react(bob, root, "👍");
  expect((await refusal(react(bob, root, "👍"))).code).toBe("M_DUPLICATE_ANNOTATION");
  await react(bob, root, "🎉");
  await react(alice, root, "👍");
  await bob.call("PUT", `rooms/${at(roomId)}/redact/${at(first)}/${++txns}`, {});
  expect(ids(await related(bob, root))).not.toContain(first);
  await react(bob, root, "👍");
  const path = `rooms/${at(roomId)}/send/m.reaction/${++txns}`;
  const content = relating("m.annotation", root, { key: "once" });
  expect(await bob.call("PUT", path, content)).toEqual(await bob.call("PUT", path, content));
});

test("an event comes with its last edit, what refers to it, and its thread", async () => {
  const root = await alice.send(roomId, "frist");
  const edit = (person: Person, body: string) =>
    say(person, "m.room.message", {
      msgtype: "m.text",
      body: `* ${body}`,
      "m.new_content": { msgtype: "m.text", body },
      ...relating("m.replace", root),
    });
  await edit(alice, "first");
  const last = await edit(alice, "first!");
  await edit(bob, "mine now");
  const reference = await say(bob, "m.room.message", { body: "see", ...relating("m.reference", root) });
  await reply(bob, root, "one");
  const newest = await reply(bob, root, "two");

  const bundle = (await shown(bob, root)).unsigned["m.relations"];
  expect(bundle?.["m.replace"]?.event_id).toBe(last);
  expect(bundle?.["m.reference"]).toEqual({ chunk: [{ event_id: reference }] });
  expect(bundle?.["m.thread"]).toMatchObject({
    count: 2,
    current_user_participated: true,
    latest_event: { event_id: newest },
  });
  const page = await bob.get<Chunk>(`rooms/${at(roomId)}/messages?dir=b&limit=20`);
  expect(
    page.chunk.find(({ event_id: id }) => id === root)?.unsigned["m.relations"]?.["m.replace"]?.event_id,
  ).toBe(last);
  const sync = await bob.get<{ rooms: { join: Record<string, { timeline: { events: Shown[] } }> } }>(
    `sync?timeout=0&filter=${at(JSON.stringify({ room: { timeline: { limit: 20 } } }))}`,
  );
  const synced = sync.rooms.join[roomId]?.timeline.events.find(({ event_id: id }) => id === root);
  expect(synced?.unsigned["m.relations"]?.["m.thread"]?.count).toBe(2);

  await alice.call("PUT", `rooms/${at(roomId)}/redact/${at(root)}/${++txns}`, {});
  expect((await shown(bob, root)).unsigned["m.relations"]).toBeUndefined();
});

test("threads are listed by their newest reply, also those one takes part in alone", async () => {
  const { room_id: fresh } = await alice.post<{ room_id: string }>("createRoom", { invite: [bob.userId] });
  const before = roomId;
  roomId = fresh;
  try {
    await bob.post(`rooms/${at(roomId)}/join`, {});
    const roots = [
      await alice.send(roomId, "a"),
      await alice.send(roomId, "b"),
      await alice.send(roomId, "c"),
    ];
    const [a = "", b = "", c = ""] = roots;
    await reply(alice, a, "1");
    await reply(bob, b, "1");
    await reply(alice, c, "1");
    await reply(alice, a, "2");
    expect(ids(await threads(bob))).toEqual([a, c, b]);
    expect(ids(await threads(bob, "?include=participated"))).toEqual([b]);
    const first = await threads(bob, "?limit=2");
    expect(ids(first)).toEqual([a, c]);
    expect(ids(await threads(bob, `?limit=2&from=${first.next_batch ?? ""}`))).toEqual([b]);
    expect(first.chunk[0]?.unsigned["m.relations"]?.["m.thread"]).toMatchObject({
      count: 2,
      current_user_participated: false,
    });
    const carol = await register(server, "carol-of-threads");
    expect((await refusal(threads(carol))).code).toBe("M_FORBIDDEN");
  } finally {
    roomId = before;
  }
});

test("a history is filtered by what its events speak of", async () => {
  const { room_id: id } = await alice.post<{ room_id: string }>("createRoom", {});
  const said = async (content: object) =>
    (await alice.call<{ event_id: string }>("PUT", `rooms/${at(id)}/send/m.room.message/${++txns}`, content))
      .event_id;
  const plain = await said({ msgtype: "m.text", body: "root" });
  const inThread = await said({ msgtype: "m.text", body: "reply", ...relating("m.thread", plain) });
  const reference = await said({ msgtype: "m.text", body: "see", ...relating("m.reference", plain) });
  const pages = async (filter: object) => {
    const found: string[] = [];
    let from = "";
    do {
      const query = `dir=b&limit=2&filter=${at(JSON.stringify({ types: ["m.room.message"], ...filter }))}`;
      const page = await alice.get<Chunk & { end?: string }>(`rooms/${at(id)}/messages?${query}${from}`);
      found.push(...ids(page));
      from = page.end === undefined ? "" : `&from=${page.end}`;
    } while (from !== "");
    return found;
  };
  const types = "org.matrix.msc3874.rel_types";
  const notTypes = "org.matrix.msc3874.not_rel_types";
  expect(await pages({ [types]: ["m.thread"] })).toEqual([inThread]);
  expect(await pages({ [types]: ["m.thread", "m.reference"] })).toEqual([reference, inThread]);
  expect(await pages({ [notTypes]: ["m.thread"] })).toEqual([reference, plain]);
  expect(await pages({ [types]: ["m.thread", "m.reference"], [notTypes]: ["m.thread"] })).toEqual([
    reference,
  ]);
  expect(await pages({})).toEqual([reference, inThread, plain]);
});

test("what was said of an event shows nothing that its reader may not see", async () => {
  const carol = await register(server, "erin");
  await alice.post(`rooms/${at(roomId)}/invite`, { user_id: carol.userId });
  await carol.post(`join/${at(roomId)}`, {});
  const root = await alice.send(roomId, "root");
  await reply(alice, root, "while carol was there");
  await carol.post(`rooms/${at(roomId)}/leave`, {});
  await reply(bob, root, "without carol");
  await say(alice, "m.room.message", {
    ...{ msgtype: "m.text", body: "* edited" },
    ...{ "m.new_content": { msgtype: "m.text", body: "edited" }, ...relating("m.replace", root) },
  });
  const thread = async (person: Person) => (await shown(person, root)).unsigned["m.relations"];
  expect((await thread(carol))?.["m.thread"]).toMatchObject({
    count: 1,
    latest_event: { content: { body: "while carol was there" } },
  });
  expect((await thread(carol))?.["m.replace"]).toBeUndefined();

  // Whom one ignores is not counted, nor shown as the last who has said something.
  const ignoring = `user/${at(alice.userId)}/account_data/m.ignored_user_list`;
  await alice.call("PUT", ignoring, { ignored_users: { [bob.userId]: {} } });
  expect((await thread(alice))?.["m.thread"]).toMatchObject({
    count: 1,
    latest_event: { sender: alice.userId },
  });
  const bobs = await bob.send(roomId, "bob begins");
  await reply(alice, bobs, "and alice answers");
  const listed = (await threads(alice, "?limit=1")).chunk[0];
  expect(listed).toMatchObject({ event_id: bobs, content: {} });
  await alice.call("PUT", ignoring, { ignored_users: {} });
});

test("what is said in another room speaks of nothing here", async () => {
  const carol = await register(server, "dora");
  const root = await alice.send(roomId, "only here");
  const { room_id: other } = await carol.post<{ room_id: string }>("createRoom", {});
  for (const relType of ["m.thread", "m.reference"])
    await carol.call("PUT", `rooms/${at(other)}/send/m.room.message/${relType}`, {
      ...{ msgtype: "m.text", body: "from elsewhere" },
      ...relating(relType, root),
    });
  expect((await shown(alice, root)).unsigned["m.relations"]).toBeUndefined();
  expect(ids(await related(alice, root))).toEqual([]);
});
