/**
 * What the store promises, on each of its databases: of what is made from events, and follows or outlives them.
 */
import { expect, test } from "bun:test";
import type { EventDraft } from "../../src/server/core/event.js";
import type { NewEvent } from "../../src/server/store/append.js";
import { events, makeRoom, member, onEachDatabase } from "./databases.js";

onEachDatabase((open) => {
  test("rooms are seen by activity, and of one no more than is asked for", async () => {
    await using store = await open();
    const own = [
      { type: "m.room.create", stateKey: "", content: { room_version: "11", type: "m.space" } },
      member("@alice:hs1", "join"),
      { type: "m.room.name", stateKey: "", content: { name: "n" } },
      { ...member("@bob:hs1", "join"), content: { membership: "join", displayname: "Bob", avatar_url: 1 } },
      member("@carol:hs1", "invite"),
      {},
    ];
    for (const roomId of ["!a:hs1", "!b:hs1"]) {
      const made = await store.events.append({
        roomId,
        expectedHead: 0,
        version: "11",
        events: events(roomId, 1, own),
      });
      expect(made).toHaveProperty("positions");
    }
    const encryption = { type: "m.room.encryption", stateKey: "" };
    await store.events.append({
      roomId: "!a:hs1",
      expectedHead: 6,
      events: events("!a:hs1", 7, [encryption]),
    });
    const { views } = store;
    const facts = (await views.facts("@carol:hs1")).toSorted((one, other) => one.activity - other.activity);
    const common = { type: "m.space", membership: "invite", isRemoved: true } as const;
    // For whoever is outside, the invite is all that happened.
    expect(facts).toEqual([
      { ...common, roomId: "!a:hs1", activity: 5, isEncrypted: true },
      { ...common, roomId: "!b:hs1", activity: 11, isEncrypted: false },
    ]);
    expect(await views.facts("@alice:hs1", ["!a:hs1", "!none:hs1"])).toEqual([
      {
        ...common,
        membership: "join",
        isRemoved: false,
        roomId: "!a:hs1",
        activity: 13,
        isEncrypted: true,
      },
    ]);
    const state = async (query: Parameters<typeof views.state>[1]) =>
      (await views.state("!a:hs1", query)).map(({ type, stateKey }) => `${type}|${stateKey ?? ""}`);
    expect(await state({ types: [], members: [] })).toEqual([]);
    expect(await state({ types: ["m.room.name", "m.none"], members: ["@bob:hs1"] })).toEqual([
      "m.room.name|",
      "m.room.member|@bob:hs1",
    ]);
    expect(await state({ types: "all", members: [] })).toHaveLength(3);
    expect(await state({ types: "all", members: "all" })).toHaveLength(6);
    expect(await views.memberCounts("!a:hs1")).toEqual({ join: 2, invite: 1 });
    expect(await views.members("!a:hs1", "join", 1)).toEqual([{ userId: "@alice:hs1" }]);
    expect(await views.members("!a:hs1", "join", 9)).toContainEqual({
      userId: "@bob:hs1",
      displayName: "Bob",
    });
    const newest = (types: string[], after = 0) => views.newestOf("!a:hs1", types, { after, upTo: 13 });
    expect(await newest(["m.room.message", "m.room.create"])).toBe(6);
    expect(await newest(["m.room.message"], 6)).toBeUndefined();
  });

  test("who shares a room with somebody, and who came or went in their rooms", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    await makeRoom(store, "!b:hs1");
    await store.events.append({
      roomId: "!a:hs1",
      expectedHead: 2,
      events: events("!a:hs1", 3, [member("@bob:hs1", "join"), member("@carol:hs1", "invite")]),
    });
    await store.events.append({
      roomId: "!b:hs1",
      expectedHead: 2,
      events: events("!b:hs1", 3, [member("@dave:hs1", "join"), member("@alice:hs1", "leave")]),
    });
    const all = ["@alice:hs1", "@bob:hs1", "@carol:hs1", "@dave:hs1", "@nobody:hs1"];
    expect((await store.events.sharing("@alice:hs1", all)).toSorted()).toEqual(["@alice:hs1", "@bob:hs1"]);
    expect(await store.events.sharing("@alice:hs1", [])).toEqual([]);
    const changed = async (position: number) =>
      (await store.views.membersChangedSince("@alice:hs1", position)).map(({ userId }) => userId).toSorted();
    expect(await changed(0)).toEqual(["@bob:hs1", "@carol:hs1"]);
    expect(await changed(5)).toEqual(["@carol:hs1"]);
  });

  test("a delayed event is held by one at a time, and over once", async () => {
    await using store = await open();
    const { delayedEvents } = store;
    const event = {
      ...{ delayId: "one", userId: "@a:hs1", roomId: "!a:hs1", type: "t", content: { a: 1 } },
      ...{ delayMs: 100, runningSince: 1_000 },
    };
    expect(await delayedEvents.add(event, "m1", 2)).toBe("one");
    expect(await delayedEvents.add({ ...event, delayId: "again" }, "m1", 2)).toBe("one");
    expect(await delayedEvents.add({ ...event, delayId: "two", stateKey: "" }, "m2", 2)).toBe("two");
    expect(await delayedEvents.add({ ...event, delayId: "three" }, "m3", 2)).toBeNull();
    expect(await delayedEvents.nextDue()).toBe(1_100);
    expect(await delayedEvents.hold(1_099, 9_000, 9)).toEqual([]);
    expect(await delayedEvents.restart("two", 1_050)).toBe(true);
    expect(await delayedEvents.hold(1_100, 2_000, 9)).toEqual([{ ...event, position: 0 }]);
    // It is being sent: nobody else takes it, restarts it or takes it back until the time is over.
    expect(await delayedEvents.hold(1_149, 9_000, 9)).toEqual([]);
    expect(await delayedEvents.restart("one", 1_149)).toBe(false);
    expect(await delayedEvents.cancel("one", 1_149)).toBe(false);
    expect((await delayedEvents.hold(2_001, 3_000, 1, "one")).map(({ delayId }) => delayId)).toEqual(["one"]);
    await delayedEvents.end("one", { eventId: "$e" }, 2_002);
    expect(await delayedEvents.outcome("one")).toEqual({ outcome: { eventId: "$e" } });
    expect(await delayedEvents.outcome("two")).toEqual({});
    expect(await delayedEvents.outcome("none")).toBeUndefined();
    expect(await delayedEvents.scheduled("@a:hs1")).toEqual([
      { ...event, delayId: "two", stateKey: "", runningSince: 1_050, position: 0 },
    ]);
    expect(await delayedEvents.cancel("two", 2_003)).toBe(true);
    expect(await delayedEvents.nextDue()).toBeUndefined();
    expect(await delayedEvents.tidy(86_402_003)).toBe(1);
    expect(await delayedEvents.outcome("one")).toBeUndefined();
  });

  test("what is purged is gone with its place and relations; state, the newest and the young stay", async () => {
    await using store = await open();
    const roomId = "!a:hs1";
    await makeRoom(store, roomId);
    const [root] = events(roomId, 3, [{}]) as [NewEvent];
    const reply = { content: { "m.relates_to": { rel_type: "m.thread", event_id: root.eventId } } };
    const name = { type: "m.room.name", stateKey: "", content: { name: 'The "Attic"' } };
    const more = events(roomId, 4, [reply, name, {}, {}]).map((event, index) =>
      index < 3 ? event : { ...event, ts: event.ts + 1 },
    );
    await store.events.append({ roomId, expectedHead: 2, events: [root, ...more] });
    const { roomAdministration: rooms } = store;
    const all = { roomId, upTo: 100, limit: 1 };
    expect(await rooms.purge({ ...all, after: 0, before: root.ts })).toEqual({ count: 0 });
    expect(await rooms.purge({ ...all, after: 0, before: root.ts + 1 })).toEqual({ count: 1, next: 3 });
    expect(await rooms.purge({ ...all, after: 3, limit: 9, before: root.ts + 1 })).toEqual({ count: 2 });
    expect(await rooms.purge({ ...all, after: 0, limit: 9 })).toEqual({ count: 0 });
    const left = await store.events.history(roomId, { after: 0, upTo: 100 }, "f", 100);
    expect(left.map(({ seq }) => seq)).toEqual([1, 2, 5, 7]);
    expect(await store.events.event(root.eventId)).toBeUndefined();
    expect(await store.relations.threads(roomId, 100, 10)).toEqual([]);

    await rooms.block(roomId, "why");
    await rooms.block("!none:hs1");
    expect([await rooms.isBlocked(roomId), await rooms.isBlocked("!b:hs1")]).toEqual([true, false]);
    expect((await rooms.blocked()).map((room) => room.roomId).toSorted()).toEqual([roomId, "!none:hs1"]);
    expect(await rooms.page('"attic', "", 9)).toEqual([
      { roomId, version: "11", isPublished: false, isBlocked: true, joined: 1, name: 'The "Attic"' },
    ]);
    expect(await rooms.page("", roomId, 9)).toEqual([]);
    expect(await rooms.policies("", 9)).toEqual([{ roomId }]);
    const policy = { max_lifetime: 5 };
    const picture = { type: "m.room.avatar", stateKey: "", content: { url: "mxc://hs1/x" } };
    const said = [{ type: "m.room.retention", stateKey: "", content: policy }, picture];
    await store.events.append({ roomId, expectedHead: 7, events: events(roomId, 8, said) });
    expect(await rooms.policies("", 9)).toEqual([{ roomId, policy, avatar: "mxc://hs1/x" }]);
    expect(await rooms.policies(roomId, 9)).toEqual([]);
    expect(await rooms.room("!none:hs1")).toBeUndefined();
    expect([await rooms.unblock(roomId), await rooms.unblock(roomId)]).toEqual([true, false]);
    await rooms.setNoticeRoom("@a:hs1", "!old:hs1");
    await rooms.setNoticeRoom("@a:hs1", roomId);
    expect(await rooms.noticeRoom("@a:hs1")).toBe(roomId);
  });

  test("words lead to the events that say them, until they are emptied", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    const say = (seq: number, body: string) =>
      store.events.append({
        roomId: "!a:hs1",
        expectedHead: seq - 1,
        events: events("!a:hs1", seq, [{ content: { body } }]),
      });
    await say(3, "Ünder 北京 ground");
    await say(4, "ground only");
    const find = async (words: string[], before = 1_000, userId = "@alice:hs1") =>
      (await store.search.find({ words, userId, types: ["m.room.message"], before }, 10)).map(
        ({ seq }) => seq,
      );
    expect(await find(["ground"])).toEqual([]);
    await store.search.indexSome();
    expect(await find(["ground"])).toEqual([]);
    await store.search.index();
    expect(await find(["ground"])).toEqual([4, 3]);
    expect(await find(["ground", "北京", "ünder"])).toEqual([3]);
    expect(await find(["ground"], 4)).toEqual([3]);
    expect(await find(["ground"], 1_000, "@bob:hs1")).toEqual([]);
    const redaction: Partial<EventDraft> = { type: "m.room.redaction", content: {} };
    const emptied = [{ eventId: "$x", position: 3, content: {}, because: {} }];
    await store.events.append({
      roomId: "!a:hs1",
      expectedHead: 4,
      events: events("!a:hs1", 5, [redaction]),
      emptied,
    });
    await store.search.index();
    expect(await find(["ground"])).toEqual([4]);
    expect(await find(["北京"])).toEqual([]);
  });

  test("one drains the outbox at a time, and the cursor only moves for its holder", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    expect(await store.outbox.lease("rabbitmq", "one", 10_000)).toBe(0);
    expect(await store.outbox.lease("rabbitmq", "two", 10_000)).toBeNull();
    expect(await store.outbox.advance("rabbitmq", "two", 1, [])).toBe(false);
    expect(
      await store.outbox.advance("rabbitmq", "one", 1, [
        { position: 1, eventId: "$x", roomId: "!a:hs1", reason: "no" },
      ]),
    ).toBe(true);
    expect(await store.outbox.lag("rabbitmq")).toEqual({ events: 1, deadLetters: 1 });
    await store.outbox.release("rabbitmq", "one");
    expect(await store.outbox.lease("rabbitmq", "two", 10_000)).toBe(1);
  });
});
