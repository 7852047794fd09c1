/**
 * What events carry beside themselves: what the reader was in the room then, and what a state event replaced.
 * Source: Matrix client-server API v1.19, "Room event format", `UnsignedData`.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startWithPeople, type Person, type TestServer } from "./test-server.js";

const at = encodeURIComponent;

interface Event {
  readonly type: string;
  readonly event_id: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly unsigned: Readonly<Record<string, unknown>>;
}
interface Answer {
  readonly rooms: { readonly join: Readonly<Record<string, { timeline: { events: readonly Event[] } }>> };
}

let server: TestServer;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
});
afterAll(() => server.stop());

const setState = (person: Person, roomId: string, type: string, content: object) =>
  person.call("PUT", `rooms/${at(roomId)}/state/${type}`, content);

async function openRoom(visibility: string): Promise<string> {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
    preset: "public_chat",
    initial_state: [{ type: "m.room.history_visibility", content: { history_visibility: visibility } }],
  });
  return roomId;
}

const history = async (person: Person, roomId: string) =>
  (await person.get<{ chunk: Event[] }>(`rooms/${at(roomId)}/messages?dir=f&limit=100`)).chunk;

test("what the reader was, wherever events are read", async () => {
  const roomId = await openRoom("shared");
  const before = await alice.send(roomId, "before bob");
  await bob.post(`rooms/${at(roomId)}/join`, {});
  const after = await alice.send(roomId, "with bob");

  const read = await history(bob, roomId);
  const membership = (id: string) =>
    read.find(({ event_id: eventId }) => eventId === id)?.unsigned["membership"];
  expect(membership(before)).toBe("leave");
  expect(membership(after)).toBe("join");
  const synced = await bob.get<Answer>("sync?timeout=0");
  const timeline = synced.rooms.join[roomId]?.timeline.events ?? [];
  expect(timeline.map(({ unsigned }) => unsigned["membership"])).toEqual(
    timeline.map((_event, index) => (index < timeline.length - 2 ? "leave" : "join")),
  );
  const context = await bob.get<{ event: Event; events_before: Event[] }>(
    `rooms/${at(roomId)}/context/${at(after)}?limit=4`,
  );
  expect(context.event.unsigned["membership"]).toBe("join");
  const one = await bob.get<Event>(`rooms/${at(roomId)}/event/${at(before)}`);
  expect(one.unsigned["membership"]).toBe("leave");
});

test("what a state event took the place of, for those who may read it", async () => {
  const roomId = await openRoom("joined");
  await setState(alice, roomId, "m.room.topic", { topic: "first" });
  await bob.post(`rooms/${at(roomId)}/join`, {});
  await setState(alice, roomId, "m.room.topic", { topic: "second" });
  await setState(alice, roomId, "m.room.topic", { topic: "third" });

  const topics = async (person: Person) =>
    (await history(person, roomId))
      .filter(({ type }) => type === "m.room.topic")
      .map(({ content, unsigned }) => [content["topic"], unsigned["prev_content"]]);
  expect(await topics(alice)).toEqual([
    ["first", undefined],
    ["second", { topic: "first" }],
    ["third", { topic: "second" }],
  ]);
  expect(await topics(bob)).toEqual([
    ["second", undefined],
    ["third", { topic: "second" }],
  ]);
});

test("a member's change of name tells the old one", async () => {
  const roomId = await openRoom("shared");
  await alice.call("PUT", `profile/${at(alice.userId)}/displayname`, { displayname: "Alice" });
  const member = (await history(alice, roomId)).findLast(({ type }) => type === "m.room.member");
  expect(member?.content).toEqual({ membership: "join", displayname: "Alice" });
  expect(member?.unsigned["prev_content"]).toEqual({ membership: "join" });
});
