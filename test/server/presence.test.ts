/** Who is there, and who learns of it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  refusal,
  register,
  startTestServer,
  startWithPeople,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let carol: Person;
const at = encodeURIComponent;

beforeAll(async () => {
  [server, alice, bob, carol] = await startWithPeople("alice", "bob", "carol");
  const room = await alice.post<{ room_id: string }>("createRoom", { invite: [bob.userId] });
  await bob.post(`rooms/${at(room.room_id)}/join`, {});
});
afterAll(() => server.stop());

interface Answer {
  readonly next_batch: string;
  readonly presence?: { readonly events: readonly { sender: string; content: Record<string, unknown> }[] };
}
const sync = (person: Person, query = "set_presence=offline") => person.get<Answer>(`sync?${query}`);
const heard = ({ presence }: Answer) =>
  Object.fromEntries((presence?.events ?? []).map(({ sender, content }) => [sender, content["presence"]]));
const status = (userId: string) => `presence/${at(userId)}/status`;

test("a change is told at once to those who share a room, and to nobody else", async () => {
  const { next_batch: since } = await sync(bob);
  const other = await sync(carol);
  const waiting = sync(bob, `set_presence=offline&timeout=10000&since=${since}`);
  await alice.call("PUT", status(alice.userId), { presence: "online", status_msg: "here" });
  const told = await waiting;
  expect(told.presence?.events).toEqual([
    {
      type: "m.presence",
      sender: alice.userId,
      content: {
        presence: "online",
        status_msg: "here",
        currently_active: true,
        last_active_ago: expect.any(Number) as number,
      },
    },
  ] as never);
  expect(heard(await sync(bob, `set_presence=offline&since=${told.next_batch}`))).toEqual({});
  expect(heard(await sync(carol, `set_presence=offline&since=${other.next_batch}`))).toEqual({});
  expect(await bob.get<object>(status(alice.userId))).toMatchObject({
    presence: "online",
    status_msg: "here",
  });
  expect((await refusal(carol.get(status(alice.userId)))).code).toBe("M_FORBIDDEN");
  expect((await refusal(carol.get(status("@nobody:hs1")))).code).toBe("M_NOT_FOUND");
  expect((await refusal(bob.call("PUT", status(alice.userId), { presence: "offline" }))).code).toBe(
    "M_FORBIDDEN",
  );
  expect((await refusal(bob.call("PUT", status(bob.userId), { presence: "away" }))).code).toBe("M_BAD_JSON");
  const filter = at(JSON.stringify({ presence: { not_types: ["m.presence"] } }));
  expect(heard(await sync(bob, `set_presence=offline&filter=${filter}`))).toEqual({});
});

test("syncing makes one online, silence idle, and no more syncing gone", async () => {
  const { presence } = server.running.services;
  await sync(alice, "set_presence=online");
  const before = await sync(bob);
  expect(heard(before)[alice.userId]).toBe("online");
  presence.sweep(Date.now() + 29_000);
  expect(presence.of(alice.userId)["presence"]).toBe("online");
  const leave = presence.enter(alice.userId, "online");
  presence.sweep(Date.now() + 5 * 60_000 + 1_000);
  expect(presence.of(alice.userId)["presence"]).toBe("unavailable");
  presence.acted(alice.userId);
  expect(presence.of(alice.userId)["presence"]).toBe("online");
  leave();
  presence.sweep(Date.now() + 31_000);
  expect(heard(await sync(bob, `set_presence=offline&since=${before.next_batch}`))).toEqual({
    [alice.userId]: "offline",
  });
});

test("who comes into a room learns who is there, and is learned of", async () => {
  await alice.call("PUT", status(alice.userId), { presence: "online" });
  await carol.call("PUT", status(carol.userId), { presence: "unavailable" });
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat" });
  const [ofAlice, ofCarol] = [await sync(alice), await sync(carol)];
  await carol.post(`rooms/${at(roomId)}/join`, {});
  expect(heard(await sync(carol, `set_presence=offline&since=${ofCarol.next_batch}`))[alice.userId]).toBe(
    "online",
  );
  expect(heard(await sync(alice, `set_presence=offline&since=${ofAlice.next_batch}`))[carol.userId]).toBe(
    "unavailable",
  );
});

test("turned off, nobody is anything", async () => {
  const quiet = await startTestServer({ presence: { enabled: false } });
  try {
    const dave = await register(quiet, "dave");
    await dave.call("PUT", status(dave.userId), { presence: "online" });
    expect(await dave.get<object>(status(dave.userId))).toEqual({ presence: "offline" });
    expect((await sync(dave, "set_presence=online")).presence).toBeUndefined();
  } finally {
    await quiet.stop();
  }
});
