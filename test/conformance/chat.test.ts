/**
 * Two people chat through the server with matrix-js-sdk, the library under most web clients: the whole of a
 * first conversation, both ways, over real HTTP.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type MatrixClient, type MatrixEvent, Preset, type Room } from "matrix-js-sdk";
import { logIn, until, type TestServer, startTestServer } from "../server/test-server.js";

let server: TestServer;
let alice: MatrixClient;
let bob: MatrixClient;

beforeAll(async () => {
  server = await startTestServer();
  alice = await logIn(server, "alice");
  bob = await logIn(server, "bob");
});

afterAll(async () => {
  alice.stopClient();
  bob.stopClient();
  await server.stop();
});

const bodies = (client: MatrixClient, roomId: string): string[] =>
  (client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [])
    .filter((event) => event.getType() === "m.room.message" && !event.isRedacted())
    .map((event) => String(event.getContent()["body"]));

test("two people meet in a room and chat both ways", async () => {
  // Alice makes a room and invites Bob, who sees the invite with the room's name.
  const { room_id: roomId } = await alice.createRoom({
    name: "Kitchen",
    preset: Preset.PrivateChat,
    invite: ["@bob:hs1"],
  });
  await until(bob, () => bob.getRoom(roomId)?.getMyMembership() === "invite");
  expect(bob.getRoom(roomId)?.name).toBe("Kitchen");

  await bob.joinRoom(roomId);
  await until(bob, () => bob.getRoom(roomId)?.getMyMembership() === "join");
  await until(alice, () => alice.getRoom(roomId)?.getMember("@bob:hs1")?.membership === "join");

  // Both ways, in one order for both.
  await alice.sendTextMessage(roomId, "hello Bob");
  await until(bob, () => bodies(bob, roomId).includes("hello Bob"));
  await bob.sendTextMessage(roomId, "hello Alice");
  await until(alice, () => bodies(alice, roomId).includes("hello Alice"));
  expect(bodies(bob, roomId)).toEqual(bodies(alice, roomId));

  // Bob has one unread message less than Alice sent when he says that he read the first.
  await alice.sendTextMessage(roomId, "are you there?");
  await until(
    bob,
    () =>
      bob.getRoom(roomId)?.getUnreadNotificationCount() === 1 ||
      (bob.getRoom(roomId)?.getUnreadNotificationCount() ?? 0) > 0,
  );
  const last = bob.getRoom(roomId)?.getLiveTimeline().getEvents().at(-1) as MatrixEvent;
  await bob.sendReadReceipt(last);
  await until(alice, () => (alice.getRoom(roomId) as Room).hasUserReadEvent("@bob:hs1", last.getId() ?? ""));

  // Typing comes and goes.
  await bob.sendTyping(roomId, true, 10_000);
  await until(alice, () => alice.getRoom(roomId)?.getMember("@bob:hs1")?.typing === true);
  await bob.sendTyping(roomId, false, 0);
  await until(alice, () => alice.getRoom(roomId)?.getMember("@bob:hs1")?.typing === false);

  // A message is taken back, on both sides.
  const { event_id: regretted } = await alice.sendTextMessage(roomId, "oops");
  await until(bob, () => bodies(bob, roomId).includes("oops"));
  await alice.redactEvent(roomId, regretted, undefined, { reason: "typo" });
  await until(bob, () => bob.getRoom(roomId)?.findEventById(regretted)?.isRedacted() === true);
  expect(await bob.fetchRoomEvent(roomId, regretted)).toMatchObject({
    content: {},
    unsigned: { redacted_because: { content: { reason: "typo" } } },
  });

  // A new name reaches the other's room list.
  await bob.setDisplayName("Bob the Builder");
  await until(alice, () => alice.getRoom(roomId)?.getMember("@bob:hs1")?.name === "Bob the Builder");

  // What was said can be read back, page by page, without a gap or a repetition.
  const said: string[] = [];
  let from: string | null = null;
  do {
    const page = await bob.createMessagesRequest(roomId, from, 3, "b" as never);
    said.push(...page.chunk.map((event) => event.event_id));
    from = page.end ?? null;
  } while (from !== null);
  expect(new Set(said).size).toBe(said.length);
  expect(said.length).toBeGreaterThanOrEqual(12);

  await bob.leave(roomId);
  await until(alice, () => alice.getRoom(roomId)?.getMember("@bob:hs1")?.membership === "leave");
  const refusal: unknown = await bob.sendTextMessage(roomId, "still here?").catch((error: unknown) => error);
  expect(refusal).toMatchObject({ errcode: "M_FORBIDDEN" });
}, 60_000);
