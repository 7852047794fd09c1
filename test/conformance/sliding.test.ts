/**
 * matrix-js-sdk by simplified sliding sync alone, with its real cryptography: an encrypted conversation, receipts, typing,
 * an invite, and a room out of sight that is looked at.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  ClientEvent,
  createClient,
  MatrixEventEvent,
  RoomEvent,
  RoomMemberEvent,
  type MatrixClient,
  type MatrixEvent,
} from "matrix-js-sdk";
import { SlidingSync, type MSC3575List } from "matrix-js-sdk/lib/sliding-sync.js";
import { callApi, startTestServer, type TestServer } from "../server/test-server.js";

const WAIT_MS = 30_000;
const STATE = ["name", "encryption", "create", "power_levels", "join_rules", "history_visibility"].map(
  (name) => [`m.room.${name}`, ""],
);
const WHOLE = [...STATE, ["m.room.member", "*"]];

let server: TestServer;
const clients: { client: MatrixClient; sliding: SlidingSync }[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  for (const { client, sliding } of clients) {
    sliding.stop();
    client.stopClient();
  }
  await server.stop();
});

async function enter(name: string): Promise<{ client: MatrixClient; sliding: SlidingSync }> {
  const session = await callApi<{ user_id: string; access_token: string; device_id: string }>(
    server.url,
    "POST",
    "register",
    { username: name, password: "p", auth: { type: "m.login.dummy" } },
  );
  const client = createClient({
    baseUrl: server.url,
    userId: session.user_id,
    accessToken: session.access_token,
    deviceId: session.device_id,
  });
  await client.initRustCrypto({ useIndexedDB: false });
  const list: MSC3575List = {
    ranges: [[0, 0]],
    timeline_limit: 1,
    required_state: [...STATE, ["m.room.member", "$ME"], ["m.room.member", "$LAZY"]],
  };
  const sliding = new SlidingSync(
    server.url,
    new Map([["all", list]]),
    { timeline_limit: 20, required_state: WHOLE },
    client,
    5_000,
  );
  await client.startClient({ slidingSync: sliding });
  clients.push({ client, sliding });
  return { client, sliding };
}

/** Resolves when a condition holds; looked at whenever the client hears something. */
function until(client: MatrixClient, what: string, condition: () => boolean): Promise<void> {
  const hears = [
    ClientEvent.Sync,
    ClientEvent.Event,
    ClientEvent.Room,
    RoomEvent.Timeline,
    RoomEvent.MyMembership,
    RoomEvent.Receipt,
    RoomMemberEvent.Typing,
    MatrixEventEvent.Decrypted,
  ] as const;
  return new Promise((resolve, reject) => {
    const done = (error?: Error) => {
      clearTimeout(timer);
      for (const name of hears) client.off(name, look);
      if (error === undefined) resolve();
      else reject(error);
    };
    const timer = setTimeout(() => done(new Error(`not within ${WAIT_MS} ms: ${what}`)), WAIT_MS);
    const look = () => {
      if (condition()) done();
    };
    for (const name of hears) client.on(name, look);
    look();
  });
}

const events = (client: MatrixClient, roomId: string): MatrixEvent[] =>
  client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
const texts = (client: MatrixClient, roomId: string) =>
  events(client, roomId)
    .filter((event) => event.getType() === "m.room.message")
    .map((event) => String(event.getContent()["body"]));

test("an encrypted day by sliding sync", async () => {
  const [alice, bob] = [await enter("alice"), await enter("bob")];
  const { room_id: roomId } = await alice.client.createRoom({
    name: "Kitchen",
    invite: ["@bob:hs1"],
    initial_state: [
      { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
    ],
  });
  await until(bob.client, "the invite", () => bob.client.getRoom(roomId)?.getMyMembership() === "invite");
  expect(bob.client.getRoom(roomId)?.name).toBe("Kitchen");
  await bob.client.joinRoom(roomId);
  for (const { client, sliding } of [alice, bob]) {
    sliding.modifyRoomSubscriptions(new Set([roomId]));
    await until(client, "both members", () => client.getRoom(roomId)?.getJoinedMembers().length === 2);
  }

  await alice.client.sendTextMessage(roomId, "hello Bob");
  await until(bob.client, "the text, decrypted", () => texts(bob.client, roomId).includes("hello Bob"));
  await bob.client.sendTextMessage(roomId, "hello Alice");
  await until(alice.client, "the answer", () => texts(alice.client, roomId).includes("hello Alice"));
  expect(texts(bob.client, roomId)).toEqual(["hello Bob", "hello Alice"]);
  expect(texts(alice.client, roomId)).toEqual(["hello Bob", "hello Alice"]);
  // What went over the wire could be read by nobody between.
  expect(events(bob.client, roomId).every((event) => event.getWireType() !== "m.room.message")).toBe(true);

  const last = events(bob.client, roomId).at(-1);
  if (last === undefined) throw new Error("no event");
  const hello = events(alice.client, roomId).find((event) => event.getContent()["body"] === "hello Alice");
  if (hello === undefined) throw new Error("no answer");
  await alice.client.sendReadReceipt(hello);
  await until(bob.client, "that Alice has read", () =>
    (bob.client.getRoom(roomId)?.getUsersReadUpTo(last) ?? []).includes("@alice:hs1"),
  );
  await alice.client.sendTyping(roomId, true, 20_000);
  await until(
    bob.client,
    "that Alice is typing",
    () => bob.client.getRoom(roomId)?.getMember("@alice:hs1")?.typing === true,
  );

  // A room below the list's only place is not known, until it is looked at.
  const { room_id: far } = await alice.client.createRoom({ name: "far" });
  await alice.client.sendTextMessage(far, "one");
  await alice.client.sendTextMessage(roomId, "up again");
  const { client, sliding } = await again(alice.client);
  await until(client, "the first room", () => client.getRoom(roomId) !== null);
  expect(client.getRoom(far)).toBeNull();
  sliding.modifyRoomSubscriptions(new Set([far]));
  await until(client, "the room's text", () => texts(client, far).includes("one"));
  expect(client.getRoom(far)?.name).toBe("far");
});

/** The same device begins anew, without cryptography. */
async function again(one: MatrixClient): Promise<{ client: MatrixClient; sliding: SlidingSync }> {
  const client = createClient({
    baseUrl: server.url,
    userId: one.getUserId() ?? "",
    accessToken: one.getAccessToken() ?? "",
  });
  const list: MSC3575List = { ranges: [[0, 0]], timeline_limit: 1, required_state: STATE };
  clients.find((known) => known.client === one)?.sliding.stop();
  const subscription = { timeline_limit: 20, required_state: WHOLE };
  const sliding = new SlidingSync(server.url, new Map([["all", list]]), subscription, client, 5_000);
  await client.startClient({ slidingSync: sliding });
  clients.push({ client, sliding });
  return { client, sliding };
}
