/** `/sync`: what it tells, once, and what it waits for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sync, type SyncAnswer } from "./syncing.js";
import { refusal, register, roomOf, startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  [server, alice, bob, carol] = await startWithPeople("alice", "bob", "carol");
});
afterAll(() => server.stop());

const at = encodeURIComponent;

describe("sync", () => {
  test("tells what is new, once, and nothing when nothing is", async () => {
    const roomId = await roomOf(alice, bob);
    const first = await sync(bob);
    expect(first.rooms?.join?.[roomId]?.summary).toMatchObject({
      "m.joined_member_count": 2,
      "m.heroes": ["@alice:hs1"],
    });
    const quiet = await sync(bob, first.next_batch);
    expect(quiet.rooms).toBeUndefined();
    const eventId = await alice.send(roomId, "news");
    const second = await sync(bob, quiet.next_batch);
    expect(second.rooms?.join?.[roomId]?.timeline).toMatchObject({
      events: [{ event_id: eventId }],
      limited: false,
    });
    expect(Object.keys(second.rooms?.join ?? {})).toEqual([roomId]);
    // A client that lost the answer asks again and gets the same.
    expect((await sync(bob, quiet.next_batch)).rooms?.join?.[roomId]).toBeDefined();
    expect((await sync(bob, second.next_batch)).rooms).toBeUndefined();
  });

  test("a wait ends with the event that it waits for, and not before", async () => {
    const roomId = await roomOf(alice, bob);
    const { next_batch: since } = await sync(bob);
    const waiting = bob.get<SyncAnswer>(`sync?timeout=30000&since=${since}`);
    const other = await alice.post<{ room_id: string }>("createRoom", {});
    await alice.send(other.room_id, "not Bob's business");
    const eventId = await alice.send(roomId, "wake up");
    expect((await waiting).rooms?.join?.[roomId]?.timeline.events).toMatchObject([{ event_id: eventId }]);
    const startedAt = performance.now();
    await bob.get(`sync?timeout=300&since=${(await waiting).next_batch}`);
    expect(performance.now() - startedAt).toBeGreaterThan(290);
  });

  test("a gap says so, and the state in it is told", async () => {
    const roomId = await roomOf(alice, bob);
    const { next_batch: since } = await sync(bob);
    await alice.call("PUT", `rooms/${at(roomId)}/state/m.room.topic/`, { topic: "in the gap" });
    for (let index = 0; index < 12; index++) await alice.send(roomId, `${index}`);
    const joined = (await sync(bob, since)).rooms?.join?.[roomId];
    expect(joined?.timeline.limited).toBe(true);
    expect(joined?.timeline.events).toHaveLength(10);
    expect(joined?.state.events).toMatchObject([{ type: "m.room.topic", content: { topic: "in the gap" } }]);
    // What lies in the gap is read from the timeline's start backwards.
    const page = await bob.get<{ chunk: { content: { body?: string } }[] }>(
      `rooms/${at(roomId)}/messages?dir=b&limit=2&from=${joined?.timeline.prev_batch ?? ""}`,
    );
    expect(page.chunk.map(({ content }) => content.body)).toEqual(["1", "0"]);
  });

  test("invites show the room from outside, leaving and rejoining are told", async () => {
    const { next_batch: start } = await sync(carol);
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      name: "Club",
      invite: ["@carol:hs1"],
    });
    const invited = await sync(carol, start);
    const shown = invited.rooms?.invite?.[roomId]?.invite_state.events.map(({ type }) => type);
    for (const type of ["m.room.create", "m.room.name", "m.room.member"]) expect(shown).toContain(type);
    expect(invited.rooms?.join?.[roomId]).toBeUndefined();
    await carol.post(`rooms/${at(roomId)}/join`, {});
    const joined = await sync(carol, invited.next_batch);
    const room = joined.rooms?.join?.[roomId];
    const told = [...(room?.state.events ?? []), ...(room?.timeline.events ?? [])].map(({ type }) => type);
    for (const type of ["m.room.create", "m.room.power_levels", "m.room.name"]) expect(told).toContain(type);
    await carol.post(`rooms/${at(roomId)}/leave`, {});
    const left = await sync(carol, joined.next_batch);
    expect(left.rooms?.leave?.[roomId]?.timeline.events.at(-1)).toMatchObject({
      type: "m.room.member",
      content: { membership: "leave" },
    });
    await alice.send(roomId, "she is gone");
    expect((await sync(carol, left.next_batch)).rooms).toBeUndefined();
    expect((await sync(carol)).rooms?.leave?.[roomId]).toBeUndefined();
    const whole = "&full_state=true";
    expect((await sync(carol, left.next_batch, whole)).rooms?.leave?.[roomId]).toBeUndefined();
    const asked = `${whole}&filter=${at(JSON.stringify({ room: { include_leave: true } }))}`;
    expect((await sync(carol, left.next_batch, asked)).rooms?.leave?.[roomId]).toBeDefined();
  });

  test("filters choose, lazy loading leaves silent members out", async () => {
    const roomId = await roomOf(alice, bob, carol);
    await alice.send(roomId, "hi");
    const { filter_id: id } = await carol.post<{ filter_id: string }>(`user/@carol:hs1/filter`, {
      room: { state: { lazy_load_members: true }, timeline: { limit: 1 } },
    });
    expect(await carol.get(`user/@carol:hs1/filter/${id}`)).toMatchObject({
      room: { timeline: { limit: 1 } },
    });
    const joined = (await sync(carol, undefined, `&filter=${id}`)).rooms?.join?.[roomId];
    expect(joined?.timeline.events).toHaveLength(1);
    const members = joined?.state.events
      .filter(({ type }) => type === "m.room.member")
      .map((event) => (event as unknown as { state_key: string }).state_key);
    // Bob, who says nothing, is told of for the room's name, which is made of its members while it has none.
    expect(members?.sort()).toEqual(["@alice:hs1", "@bob:hs1", "@carol:hs1"]);
    await alice.call("PUT", `rooms/${at(roomId)}/state/m.room.name`, { name: "named" });
    const named = (await sync(carol, undefined, `&filter=${id}`)).rooms?.join?.[roomId];
    expect(named?.state.events.filter(({ type }) => type === "m.room.member")).toHaveLength(2);
    const inline = at(JSON.stringify({ room: { timeline: { types: ["m.room.name"] }, rooms: [roomId] } }));
    const chosen = await sync(carol, undefined, `&filter=${inline}`);
    expect(Object.keys(chosen.rooms?.join ?? {})).toEqual([roomId]);
    expect((await refusal(carol.get("sync?filter=none"))).code).toBe("M_INVALID_PARAM");
    expect((await refusal(carol.get("sync?since=none"))).code).toBe("M_INVALID_PARAM");
  });

  test("unread messages count until they are read; a private receipt is nobody else's business", async () => {
    const roomId = await roomOf(alice, bob);
    const { next_batch: since } = await sync(bob);
    await alice.send(roomId, "one");
    const two = await alice.send(roomId, "two");
    const counted = await sync(bob, since);
    expect(counted.rooms?.join?.[roomId]?.unread_notifications).toEqual({
      notification_count: 2,
      highlight_count: 0,
    });
    const before = await sync(alice);
    await bob.post(`rooms/${at(roomId)}/receipt/m.read.private/${at(two)}`, {});
    expect(
      (await sync(bob, counted.next_batch)).rooms?.join?.[roomId]?.unread_notifications.notification_count,
    ).toBe(0);
    expect((await sync(alice, before.next_batch)).rooms).toBeUndefined();
    await bob.post(`rooms/${at(roomId)}/read_markers`, { "m.read": two, "m.fully_read": two });
    const receipt = (await sync(alice, before.next_batch)).rooms?.join?.[roomId]?.ephemeral.events[0];
    expect(receipt).toMatchObject({
      type: "m.receipt",
      content: { [two]: { "m.read": { "@bob:hs1": {} } } },
    });
  });

  test("account data, tags and push rules come once they change", async () => {
    const { next_batch: since } = await sync(bob);
    await bob.call("PUT", "user/@bob:hs1/account_data/m.direct", { "@alice:hs1": ["!x:hs1"] });
    await bob.call("PUT", "pushrules/global/underride/.m.rule.message/enabled", { enabled: false });
    const next = await sync(bob, since);
    expect(next.account_data?.events.map(({ type }) => type).sort()).toEqual(["m.direct", "m.push_rules"]);
    expect((await sync(bob, next.next_batch)).account_data).toBeUndefined();
    expect((await refusal(alice.get("user/@bob:hs1/account_data/m.direct"))).code).toBe("M_FORBIDDEN");
    expect((await refusal(bob.call("PUT", "user/@bob:hs1/account_data/m.push_rules", {}))).status).toBe(405);
    await bob.call("PUT", "pushrules/global/underride/.m.rule.message/enabled", { enabled: true });
    await bob.call("PUT", "pushrules/global/content/beer", {
      pattern: "beer",
      actions: ["notify", { set_tweak: "highlight" }],
    });
    const roomId = await roomOf(alice, bob);
    await alice.send(roomId, "a beer?");
    expect((await sync(bob)).rooms?.join?.[roomId]?.unread_notifications).toEqual({
      notification_count: 1,
      highlight_count: 1,
    });
    await bob.call("DELETE", "pushrules/global/content/beer");
    expect((await refusal(bob.get("pushrules/global/content/beer"))).code).toBe("M_NOT_FOUND");
    expect((await refusal(bob.get("pushrules/global/of-a-newer-server/beer"))).code).toBe("M_NOT_FOUND");
    const slashed = bob.call("PUT", `pushrules/global/content/${at("a/b")}`, { pattern: "x", actions: [] });
    expect((await refusal(slashed)).code).toBe("M_INVALID_PARAM");
  });

  test("push rules and tags that are set at the same time are all there", async () => {
    const roomId = await roomOf(bob);
    const names = Array.from({ length: 8 }, (_, index) => `u.${index}`);
    await Promise.all(
      names.flatMap((name) => [
        bob.call("PUT", `pushrules/global/content/${name}`, { pattern: name, actions: [] }),
        bob.call("PUT", `user/@bob:hs1/rooms/${at(roomId)}/tags/${name}`, {}),
      ]),
    );
    const { global } = await bob.get<{ global: { content: { rule_id: string }[] } }>("pushrules/");
    expect(global.content.map(({ rule_id: id }) => id).sort()).toEqual(names);
    const { tags } = await bob.get<{ tags: object }>(`user/@bob:hs1/rooms/${at(roomId)}/tags`);
    expect(Object.keys(tags).sort()).toEqual(names);
  });

  test("messages to a device come until they are acknowledged, then never again", async () => {
    const { next_batch: since } = await sync(bob);
    const content = { hello: "device" };
    for (const txn of ["a", "a", "b"])
      await alice.call("PUT", `sendToDevice/m.test/${txn}`, {
        messages: { "@bob:hs1": { [bob.deviceId]: content } },
      });
    const first = await sync(bob, since);
    expect(first.to_device?.events).toEqual(
      [1, 2].map(() => ({ type: "m.test", sender: "@alice:hs1", content })),
    );
    expect((await sync(bob, since)).to_device?.events).toHaveLength(2);
    const second = await sync(bob, first.next_batch);
    expect(second.to_device).toBeUndefined();
    expect((await sync(bob)).to_device).toBeUndefined();
  });

  test("who shares a room hears of new keys, and may ask for them", async () => {
    await roomOf(alice, bob);
    const { next_batch: since } = await sync(bob);
    const deviceKeys = {
      user_id: "@alice:hs1",
      device_id: alice.deviceId,
      algorithms: [],
      keys: {},
      signatures: {},
    };
    await alice.post("keys/upload", { device_keys: deviceKeys });
    expect((await sync(bob, since)).device_lists?.changed).toContain("@alice:hs1");
    const { device_keys: found } = await bob.post<{ device_keys: Record<string, Record<string, object>> }>(
      "keys/query",
      { device_keys: { "@alice:hs1": [] } },
    );
    expect(found["@alice:hs1"]?.[alice.deviceId]).toMatchObject(deviceKeys);
  });

  test("who refuses an invite, or takes back a knock, has left nobody; who was there has", async () => {
    const [one, two] = [await register(server, "host"), await register(server, "shy")];
    const { room_id: roomId } = await one.post<{ room_id: string }>("createRoom", {
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    const sinces = await Promise.all([one, two].map(async (person) => (await sync(person)).next_batch));
    const left = () =>
      Promise.all(
        [one, two].map(async (person, index) => (await sync(person, sinces[index])).device_lists?.left),
      );
    const ask = () => one.post(`rooms/${at(roomId)}/invite`, { user_id: two.userId });
    const leave = () => two.post(`rooms/${at(roomId)}/leave`, {});

    await ask();
    await leave();
    expect(await left()).toEqual([undefined, undefined]);
    await two.post(`knock/${at(roomId)}`, {});
    await leave();
    expect(await left()).toEqual([undefined, undefined]);

    await ask();
    await two.post(`join/${at(roomId)}`, {});
    for (const [index, person] of [one, two].entries()) sinces[index] = (await sync(person)).next_batch;
    // However they got out of it, and whatever was tried since.
    await leave();
    await ask();
    await leave();
    expect(await left()).toEqual([[two.userId], [one.userId]]);
  });

  test("who is only asked in has left nobody", async () => {
    const [one, two] = [await register(server, "inviting"), await register(server, "invited")];
    const { room_id: roomId } = await one.post<{ room_id: string }>("createRoom", {});
    const [{ next_batch: ones }, { next_batch: twos }] = [await sync(one), await sync(two)];
    await one.post(`rooms/${at(roomId)}/invite`, { user_id: two.userId });
    expect((await sync(one, ones)).device_lists).toBeUndefined();
    const invited = await sync(two, twos);
    expect(invited.device_lists).toBeUndefined();
    await two.post(`rooms/${at(roomId)}/join`, {});
    expect((await sync(two, invited.next_batch)).device_lists).toEqual({ changed: [one.userId], left: [] });
    const { next_batch: since } = await sync(one);
    await two.post(`rooms/${at(roomId)}/leave`, {});
    expect((await sync(one, since)).device_lists).toEqual({ changed: [], left: [two.userId] });
  });
});
