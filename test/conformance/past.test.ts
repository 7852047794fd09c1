/** What the chat page holds of a room's past, with the real library, while somebody scrolls up and down in it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  createClient,
  Direction,
  PendingEventOrdering,
  type EventTimelineSet,
  type MatrixClient,
  type Room,
} from "matrix-js-sdk";
import { Past } from "../../src/web/chat/past.js";
import {
  register,
  roomOf,
  startTestServer,
  until,
  type Person,
  type TestServer,
} from "../server/test-server.js";

const MESSAGES = 700;
const WINDOW = 180;
/** The window; on either side what is kept around it, and two requests; and the newest. */
const HELD = WINDOW + 2 * (60 + 2 * 30) + 90;

let server: TestServer;
let alice: Person;
let reader: MatrixClient;
let room: Room;
let set: EventTimelineSet;
let roomId: string;
let past: Past;
/** Of what was said in the room itself, oldest first. */
const ids: string[] = [];

const pause = () => new Promise<void>((resolve) => setTimeout(resolve));

const say = async (body: string) => void ids.push(await alice.send(roomId, body));

async function relate(
  type: string,
  eventId: string,
  relation: object,
  content: object = {},
): Promise<string> {
  const path = `rooms/${encodeURIComponent(roomId)}/send/${type}/${crypto.randomUUID()}`;
  const body = { ...content, "m.relates_to": { ...relation, event_id: eventId } };
  return (await alice.call<{ event_id: string }>("PUT", path, body)).event_id;
}
const react = (eventId: string, key: string) =>
  relate("m.reaction", eventId, { rel_type: "m.annotation", key });
const reactionsTo = (eventId: string) =>
  room.relations
    .getChildEventsForEvent(eventId, "m.annotation", "m.reaction")
    ?.getRelations()
    .map((event) => event.getRelation()?.key);

beforeAll(async () => {
  server = await startTestServer();
  alice = await register(server, "alice");
  const ben = await register(server, "ben");
  roomId = await roomOf(alice, ben);
  for (let number = 0; number < MESSAGES; number += 1) {
    await say(`message ${number}`);
    if (number % 20 === 7) await react(ids.at(-1) ?? "", "👍");
    // More replies than one request brings: there are answers with nothing for the room itself.
    for (let reply = 0; number === 300 && reply < 70; reply += 1)
      await relate(
        "m.room.message",
        ids[100] ?? "",
        { rel_type: "m.thread" },
        { msgtype: "m.text", body: "in the thread" },
      );
  }
  reader = createClient({
    ...{ baseUrl: server.url, userId: ben.userId, accessToken: ben.token, deviceId: ben.deviceId },
    timelineSupport: true,
  });
  await reader.startClient({
    ...{ initialSyncLimit: 20, lazyLoadMembers: true, threadSupport: true },
    pendingEventOrdering: PendingEventOrdering.Detached,
  });
  await until(reader, () => reader.getRoom(roomId) !== null);
  room = reader.getRoom(roomId) as Room;
  set = room.getUnfilteredTimelineSet();
  past = new Past(reader, room, set, WINDOW, pause);
}, 60_000);
afterAll(async () => {
  reader.stopClient();
  await server.stop();
});

const held = () => ids.filter((id) => set.getTimelineForEvent(id) !== null);
const shown = () => past.events.map((event) => event.getId() ?? "").filter((id) => ids.includes(id));

/** Without gaps, in order, and not more than there may be. */
function look(): void {
  const first = Math.max(0, ids.indexOf(shown()[0] ?? ""));
  expect(shown()).toEqual(ids.slice(first, first + shown().length));
  expect(past.events.length).toBeLessThanOrEqual(WINDOW);
  expect(held().length).toBeLessThanOrEqual(HELD);
}

/** To the end in a direction, or as long as it says. */
async function scroll(direction: Direction, goesOn: () => boolean = () => true): Promise<void> {
  let requests = 0;
  while (past.canMove(direction) && goesOn()) {
    if (!past.move(direction, 7)) {
      await past.fetch(direction);
      requests += 1;
    }
    look();
    expect(requests).toBeLessThan((2 * ids.length) / 30);
  }
}

test("all of it passes by, up and down again, and little of it is held", async () => {
  await past.open(undefined, 40);
  look();
  expect(shown().at(-1)).toBe(ids.at(-1) ?? "");
  for (let time = 0; time < 2; time += 1) {
    await scroll(Direction.Backward);
    expect(past.events[0]?.getType()).toBe("m.room.create");
    expect(past.isLive).toBe(false);
    await scroll(Direction.Forward);
    expect(shown().at(-1)).toBe(ids.at(-1) ?? "");
    expect(past.isLive).toBe(true);
  }
});

test("what was said about a message is there whenever the message is", async () => {
  const [old = "", other = ""] = [ids[7], ids[207]];
  const all = (eventId: string) => reactionsTo(eventId)?.toSorted().join("");
  await react(old, "🎉");
  await until(reader, () => all(old) === "🎉");
  await scroll(Direction.Backward);
  expect(all(old)).toBe("🎉👍");
  // Now while one is in sight, and the other is not any more.
  await react(old, "🌱");
  await react(other, "🌱");
  await until(reader, () => all(old) === "🌱🎉👍" && reactionsTo(other)?.includes("🌱") === true);
  for (let time = 0; time < 2; time += 1) {
    await scroll(Direction.Forward, () => !shown().includes(other));
    expect(all(other)).toBe("🌱👍");
    await scroll(Direction.Forward);
    await scroll(Direction.Backward, () => !shown().includes(old));
    expect(all(old)).toBe("🌱🎉👍");
  }
});

test("what is said meanwhile comes after the rest", async () => {
  await scroll(Direction.Backward);
  for (let number = 0; number < 30; number += 1) await say(`meanwhile ${number}`);
  await until(reader, () => held().includes(ids.at(-1) ?? ""));
  expect(past.isLive).toBe(false);
  await scroll(Direction.Forward);
  await say("and now");
  await until(reader, () => held().includes(ids.at(-1) ?? ""));
  expect(past.move(Direction.Forward, 30)).toBe(true);
  expect(shown().at(-1)).toBe(ids.at(-1) ?? "");
});

test("after a jump to a message it goes on in both directions", async () => {
  await past.open(ids[300], 40);
  look();
  expect(shown()).toContain(ids[300] ?? "");
  expect(past.isLive).toBe(false);
  await scroll(Direction.Backward);
  expect(past.events[0]?.getType()).toBe("m.room.create");
  await scroll(Direction.Forward);
  expect(past.isLive).toBe(true);
  await past.open(undefined, 40);
  expect(shown().at(-1)).toBe(ids.at(-1) ?? "");
});

test("a jump next to what is here leaves no gap, now or when the room is opened again", async () => {
  for (const back of [25, 70, 130]) {
    past.close();
    past = new Past(reader, room, set, WINDOW, pause);
    await past.open(undefined, 40);
    const oldest = ids.indexOf(held()[0] ?? "");
    const target = ids[oldest - back] ?? "";
    await past.open(target, 40);
    look();
    expect(shown()).toContain(target);
    await scroll(Direction.Forward);
    await scroll(Direction.Backward, () => !shown().includes(ids[20] ?? ""));
    // From the middle to where the conversation just was, and to what is next to it.
    await past.open(ids[400], 40);
    await scroll(Direction.Backward, () => !shown().includes(ids[370] ?? ""));
    await past.open(ids[350 - back], 40);
    look();
    await scroll(Direction.Forward);
    past.close();
    await past.open(undefined, 40);
    await scroll(Direction.Backward);
    expect(past.events[0]?.getType()).toBe("m.room.create");
    await scroll(Direction.Forward);
  }
});

test("a reply in a thread is not in the room's conversation, and a jump to it changes nothing", async () => {
  await past.open(ids[300], 40);
  const was = shown();
  const reply = await relate(
    "m.room.message",
    ids[100] ?? "",
    { rel_type: "m.thread" },
    { msgtype: "m.text", body: "x" },
  );
  expect(await past.open(reply, 40).then(() => "opened", String)).not.toBe("opened");
  expect(await past.open("$nothing", 40).then(() => "opened", String)).toContain("M_NOT_FOUND");
  expect(shown()).toEqual(was);
  await scroll(Direction.Forward);
});

test("a message that is taken back is so wherever it is", async () => {
  const gone = ids[150] ?? "";
  await past.open(gone, 40);
  await alice.call("PUT", `rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(gone)}/t1`, {});
  await until(reader, () => room.findEventById(gone)?.isRedacted() === true);
  expect(past.events.find((event) => event.getId() === gone)?.isRedacted()).toBe(true);
});

test("once it is closed the newest are held, and nothing else", async () => {
  await past.open(undefined, 40);
  await scroll(Direction.Backward);
  past.close();
  expect(past.events).toEqual([]);
  expect(held()).toEqual(ids.slice(ids.indexOf(held()[0] ?? "")));
  expect(held().length).toBeLessThan(150);
});
