/** Full-text search: what is found, by whom, and in which order. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let roomId = "";
const at = encodeURIComponent;

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
  ({ room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat" }));
});
afterAll(() => server.stop());

interface Found {
  readonly count: number;
  readonly highlights: string[];
  readonly results: {
    rank: number;
    result: { event_id: string; content: { body: string } };
    context?: {
      events_before: { content: { body?: string } }[];
      events_after: { content: { body?: string } }[];
    };
  }[];
  readonly groups?: Record<string, Record<string, { results: string[] }>>;
  readonly next_batch?: string;
}
async function find(person: Person, term: string, more: object = {}, query = ""): Promise<Found> {
  const answer = await person.post<{ search_categories: { room_events: Found } }>(`search${query}`, {
    search_categories: { room_events: { search_term: term, order_by: "recent", ...more } },
  });
  return answer.search_categories.room_events;
}
const bodies = ({ results }: Found) => results.map(({ result }) => result.content.body);

test("words are found in any order and case, and Chinese words of one, two or more characters", async () => {
  for (const text of [
    "The quick brown Fox",
    "a fox, a FOX",
    "今天我们去北京玩",
    "北方的京剧",
    "日本語のテスト",
  ])
    await alice.send(roomId, text);
  expect(bodies(await find(alice, "FOX"))).toEqual(["a fox, a FOX", "The quick brown Fox"]);
  expect(bodies(await find(alice, "fox quick"))).toEqual(["The quick brown Fox"]);
  expect(bodies(await find(alice, "北京"))).toEqual(["今天我们去北京玩"]);
  expect(bodies(await find(alice, "京"))).toEqual(["北方的京剧", "今天我们去北京玩"]);
  expect(bodies(await find(alice, "我们去北京"))).toEqual(["今天我们去北京玩"]);
  expect(bodies(await find(alice, "去 我们"))).toEqual(["今天我们去北京玩"]);
  expect(bodies(await find(alice, "テスト"))).toEqual(["日本語のテスト"]);
  expect(bodies(await find(alice, "nothing"))).toEqual([]);
  expect(bodies(await find(alice, "!?"))).toEqual([]);
  const ranked = await find(alice, "fox", { order_by: "rank" });
  expect(bodies(ranked)).toEqual(["a fox, a FOX", "The quick brown Fox"]);
  expect(ranked.highlights).toEqual(["fox"]);
});

test("only in rooms that one is in, and what one may read; nothing that was redacted", async () => {
  await alice.call("PUT", `rooms/${at(roomId)}/state/m.room.history_visibility`, {
    history_visibility: "joined",
  });
  await alice.send(roomId, "secretword before");
  expect(bodies(await find(bob, "secretword"))).toEqual([]);
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const after = await alice.send(roomId, "secretword after");
  expect(bodies(await find(bob, "secretword"))).toEqual(["secretword after"]);
  await alice.call("PUT", `rooms/${at(roomId)}/redact/${at(after)}/r`, {});
  expect((await find(bob, "secretword")).count).toBe(0);
});

test("a message is found by what it says since it was edited last, and shown as one message", async () => {
  let edits = 0;
  const edit = async (person: Person, eventId: string, text: string) => {
    const path = `rooms/${at(roomId)}/send/m.room.message/edit-${++edits}`;
    const made = await person.call<{ event_id: string }>("PUT", path, {
      ...{ msgtype: "m.text", body: `* ${text}`, "m.new_content": { msgtype: "m.text", body: text } },
      "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
    return made.event_id;
  };
  const redact = (eventId: string) =>
    alice.call("PUT", `rooms/${at(roomId)}/redact/${at(eventId)}/${++edits}`, {});
  const found = async (term: string) => (await find(bob, term)).results.map(({ result }) => result.event_id);

  const message = await alice.send(roomId, "firstword kept");
  expect(await found("firstword")).toEqual([message]);
  const first = await edit(alice, message, "secondword kept");
  expect([await found("firstword"), await found("secondword")]).toEqual([[], [message]]);
  const second = await edit(alice, message, "thirdword kept");
  expect([await found("secondword"), await found("thirdword")]).toEqual([[], [message]]);
  expect(await found("kept")).toEqual([message]);
  expect((await find(bob, "thirdword")).results[0]?.result).toMatchObject({
    content: { body: "firstword kept" },
    unsigned: { "m.relations": { "m.replace": { event_id: second } } },
  });

  // Nobody edits what another has said, and an edit that is taken back leaves what was there before.
  await edit(bob, message, "strangeword");
  expect([await found("strangeword"), await found("thirdword")]).toEqual([[], [message]]);
  await redact(second);
  expect([await found("thirdword"), await found("secondword")]).toEqual([[], [message]]);
  await redact(first);
  expect([await found("secondword"), await found("firstword")]).toEqual([[], [message]]);
  await redact(message);
  await edit(alice, message, "lateword");
  expect([await found("firstword"), await found("kept"), await found("lateword")]).toEqual([[], [], []]);
});

test("pages, context, groups and filters", async () => {
  for (let index = 1; index <= 5; index++) await alice.send(roomId, `pageword ${index}`);
  const filter = { limit: 2 };
  const seen: string[] = [];
  for (let query = "", pages = 0; pages < 9; pages++) {
    const page = await find(alice, "pageword", { filter }, query);
    seen.push(...bodies(page));
    expect(page.count).toBe(5);
    if (page.next_batch === undefined) break;
    query = `?next_batch=${page.next_batch}`;
  }
  expect(seen).toEqual([5, 4, 3, 2, 1].map((index) => `pageword ${index}`));
  const whole = await find(alice, "pageword 3", {
    event_context: { before_limit: 1, after_limit: 1, include_profile: true },
    groupings: { group_by: [{ key: "room_id" }] },
  });
  const [hit] = whole.results;
  expect(hit?.context?.events_before.map(({ content }) => content.body)).toEqual(["pageword 2"]);
  expect(hit?.context?.events_after.map(({ content }) => content.body)).toEqual(["pageword 4"]);
  expect(whole.groups?.["room_id"]?.[roomId]?.results).toEqual([hit?.result.event_id ?? ""]);
  expect((await find(alice, "pageword", { filter: { senders: [bob.userId] } })).count).toBe(0);
  expect((await find(alice, "pageword", { keys: ["content.topic"] })).count).toBe(0);
  expect((await refusal(find(alice, "x", {}, "?next_batch=x"))).code).toBe("M_INVALID_PARAM");
});
