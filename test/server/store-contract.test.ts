/**
 * What the store promises, on each of its databases: of events and all that is made from them.
 */
import { expect, test } from "bun:test";
import type { EventDraft } from "../../src/server/core/event.js";
import type { NewEvent } from "../../src/server/store/append.js";
import type { Change } from "../../src/server/store/database.js";
import { openStore } from "../../src/server/store/store.js";
import { configOf, events, makeRoom, member, onEachDatabase } from "./databases.js";

const places = onEachDatabase((open, newConfig) => {
  test("an append on the head is taken, one on an older head is not", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    const first = await store.events.append({
      roomId: "!a:hs1",
      expectedHead: 2,
      events: events("!a:hs1", 3, [{}]),
    });
    expect(first).toEqual({ positions: [3] });
    const late = await store.events.append({
      roomId: "!a:hs1",
      expectedHead: 2,
      events: events("!a:hs1", 3, [{ content: { body: "late" } }]),
    });
    expect(late).toEqual({ conflict: 3 });
    expect(await store.events.room("!a:hs1")).toMatchObject({ head: 3, lastPosition: 3 });
  });

  test("of many appends on one head exactly one is taken", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    const attempts = Array.from({ length: 20 }, (_, index) =>
      store.events.append({
        roomId: "!a:hs1",
        expectedHead: 2,
        events: events("!a:hs1", 3, [{ content: { body: `${index}` } }]),
      }),
    );
    const taken = (await Promise.all(attempts)).filter((result) => "positions" in result);
    expect(taken).toHaveLength(1);
  });

  test("events written in one go on heads that are not written yet are taken in order", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        store.events.append({
          roomId: "!a:hs1",
          expectedHead: 2 + index,
          events: events("!a:hs1", 3 + index, [{}]),
        }),
      ),
    );
    expect(results.every((result) => "positions" in result)).toBe(true);
    const history = await store.events.history("!a:hs1", { after: 0, upTo: 1_000 }, "f", 100);
    expect(history.map(({ seq }) => seq)).toEqual(Array.from({ length: 52 }, (_, index) => index + 1));
  });

  test("an append that fails takes down none of the group", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    const [event] = events("!a:hs1", 3, [{}]);
    const results = await Promise.allSettled([
      store.accounts.create("@ann:hs1", "hash", false),
      // An event of nobody cannot be written; the one before it could be.
      store.events.append({
        roomId: "!b:hs1",
        expectedHead: 0,
        version: "11",
        events: events("!b:hs1", 1, [{}, {}]).map((it, index) =>
          index === 0 ? it : { ...it, sender: null as unknown as string },
        ),
      }),
      store.events.append({ roomId: "!a:hs1", expectedHead: 2, events: [event as NewEvent] }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await store.events.room("!b:hs1")).toBeUndefined();
    expect(await store.accounts.get("@ann:hs1")).toBeDefined();
  });

  test("every event is found by its id, however long ago it was and whoever looks", async () => {
    const config = newConfig();
    const ids: string[] = [];
    {
      await using store = await open(config);
      await makeRoom(store, "!a:hs1");
      // More than two batches of the index over ids.
      for (let head = 2; head < 9_000; head += 450) {
        const more = events("!a:hs1", head + 1, Array(450).fill({}));
        expect(
          await store.events.append({ roomId: "!a:hs1", expectedHead: head, events: more }),
        ).toHaveProperty("positions");
        ids.push(...more.map(({ eventId }) => eventId));
      }
      for (const eventId of [ids[0], ids.at(-1)]) {
        expect((await store.events.event(eventId ?? ""))?.eventId).toBe(eventId);
      }
    }
    await using store = await open(config);
    for (let index = 0; index < ids.length; index += 250) {
      expect((await store.events.event(ids[index] ?? ""))?.seq).toBe(index + 3);
    }
    expect((await store.events.event(ids.at(-1) ?? ""))?.seq).toBe(ids.length + 2);
    expect(await store.events.event(`$${"a".repeat(43)}`)).toBeUndefined();
    expect(await store.events.event("$")).toBeUndefined();
  });

  test("nobody sees a position before the one in front of it", async () => {
    const config = newConfig();
    await using store = await open(config);
    // PostgreSQL is written by several nodes at once.
    await using other = config.kind === "postgres" ? await open(config) : store;
    let isWriting = true;
    const watch = (async () => {
      let cursor = 0;
      while (isWriting) {
        for (const event of await store.events.stream(cursor, 100)) {
          expect(event.position).toBe(cursor + 1);
          cursor = event.position;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.all(
      [store, other].flatMap((writer, node) =>
        Array.from({ length: 10 }, async (_, room) => {
          const roomId = `!${node}-${room}:hs1`;
          await makeRoom(writer, roomId);
          for (let seq = 3; seq < 13; seq++) {
            await writer.events.append({
              roomId,
              expectedHead: seq - 1,
              events: events(roomId, seq, [{}]),
            });
          }
        }),
      ),
    );
    isWriting = false;
    await watch;
    expect(await store.events.position()).toBe(240);
  });

  test("changes are told in commit order, before their write resolves", async () => {
    await using store = await open();
    const told: Change[] = [];
    store.onChanges((changes) => told.push(...changes));
    await makeRoom(store, "!a:hs1");
    expect(told).toEqual([
      { position: 1, kind: "event", roomId: "!a:hs1" },
      { position: 2, kind: "event", roomId: "!a:hs1" },
      { position: 2, kind: "membership", roomId: "!a:hs1", userId: "@alice:hs1", membership: "join" },
    ]);
  });

  test("state is what the last event of each key says, now and at each moment", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    const topic = (text: string): Partial<EventDraft> => ({
      type: "m.room.topic",
      stateKey: "",
      content: { topic: text },
    });
    await store.events.append({
      roomId: "!a:hs1",
      expectedHead: 2,
      events: events("!a:hs1", 3, [topic("old"), {}, topic("new"), member("@bob:hs1", "invite")]),
    });
    const topicOf = (state: readonly { type: string; content: object }[]) =>
      state.find(({ type }) => type === "m.room.topic")?.content;
    expect(topicOf(await store.events.currentState("!a:hs1"))).toEqual({ topic: "new" });
    expect(topicOf(await store.events.stateAt("!a:hs1", 4))).toEqual({ topic: "old" });
    expect(topicOf(await store.events.stateAt("!a:hs1", 2))).toBeUndefined();
    expect((await store.events.stateChanges("!a:hs1", { after: 3, upTo: 6 })).map(({ seq }) => seq)).toEqual([
      5, 6,
    ]);
    expect(await store.events.members("!a:hs1", "invite")).toEqual(["@bob:hs1"]);
  });

  test("what was written is there after the store was opened again", async () => {
    const config = newConfig();
    {
      await using store = await open(config);
      await makeRoom(store, "!a:hs1");
    }
    await using again = await open(config);
    expect(await again.events.position()).toBe(2);
    expect(await again.events.currentState("!a:hs1")).toHaveLength(2);
  });

  test("a database belongs to one server name", async () => {
    const config = newConfig();
    await (await open(config)).close();
    const refusal = await openStore(configOf(config, "other")).then(String, String);
    expect(refusal).toContain("belongs to `hs1`");
  });

  test("a transaction id stays with its event, and its mark is told with the change", async () => {
    await using store = await open();
    await makeRoom(store, "!a:hs1");
    const told: Change[] = [];
    store.onChanges((changes) => told.push(...changes));
    const [event] = events("!a:hs1", 3, [{}]) as [NewEvent];
    const origin = { deviceId: "PHONE", txnId: "1", mark: "mark" };
    await store.events.append({ roomId: "!a:hs1", expectedHead: 2, events: [event], origin });
    expect(told).toEqual([{ position: 3, kind: "event", roomId: "!a:hs1", txn: "mark" }]);
    expect(await store.events.withTxns(10)).toMatchObject([
      { eventId: event.eventId, txn: { deviceId: "PHONE", txnId: "1" } },
    ]);
    expect(await store.events.withTxns(0)).toEqual([]);
  });

  test("what speaks of an event is found by its kind, near and far, and threads by their newest reply", async () => {
    await using store = await open();
    const roomId = "!a:hs1";
    await makeRoom(store, roomId);
    const about = (parent: string, relType: string, sender = "@alice:hs1") => ({
      sender,
      content: { "m.relates_to": { rel_type: relType, event_id: parent, key: "k" } },
    });
    const ids: string[] = [];
    const say = async (draft: Partial<EventDraft>) => {
      const [event] = events(roomId, 3 + ids.length, [draft]);
      if (event === undefined) throw new Error("no event");
      await store.events.append({ roomId, expectedHead: 2 + ids.length, events: [event] });
      ids.push(event.eventId);
      return event.eventId;
    };
    const root = await say({});
    const other = await say({});
    const near = await say(about(root, "m.reference"));
    const far = await say(about(near, "m.annotation", "@bob:hs1"));
    await say(about(root, "m.thread"));
    await say(about(other, "m.thread", "@bob:hs1"));
    await say(about(root, "m.thread", "@bob:hs1"));
    const all = { after: 0, upTo: await store.events.position() };
    const found = async (depth: number, relType?: string) =>
      (
        await store.relations.children(
          { roomId, eventId: root },
          { depth, ...(relType !== undefined && { relType }) },
          all,
          "f",
          10,
        )
      ).map(({ eventId }) => ids.indexOf(eventId));
    expect(await found(1)).toEqual([2, 4, 6]);
    expect(await found(3)).toEqual([2, 3, 4, 6]);
    expect(await found(3, "m.annotation")).toEqual([3]);
    const threads = await store.relations.threads(roomId, all.upTo, 10);
    expect(threads.map(({ parent }) => parent)).toEqual([root, other]);
    const counts = await store.relations.threadCounts(roomId, [root, other, far], "@alice:hs1");
    expect([...counts].map(([id, { count, own }]) => [id, count, own]).toSorted()).toEqual(
      [
        [root, 2, true],
        [other, 1, false],
      ].toSorted(),
    );
    expect((await store.relations.editsAndReferences(roomId, [root])).map(({ eventId }) => eventId)).toEqual([
      near,
    ]);
    await makeRoom(store, "!b:hs1");
    await store.events.append({
      roomId: "!b:hs1",
      expectedHead: 2,
      events: events("!b:hs1", 3, [about(root, "m.thread"), about(root, "m.replace")]),
    });
    expect((await store.relations.threadCounts(roomId, [root], "@alice:hs1")).get(root)?.count).toBe(2);
    expect(await store.relations.editsAndReferences(roomId, [root])).toHaveLength(1);
    expect(await store.relations.hasReaction(near, "m.room.message", "@bob:hs1", "k")).toBe(true);
    expect(await store.relations.hasReaction(near, "m.room.message", "@alice:hs1", "k")).toBe(false);
  });

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

test("nodes over one PostgreSQL hear of each other's changes", async () => {
  const config = places.postgres();
  const [one, two] = [await openStore(configOf(config)), await openStore(configOf(config))];
  try {
    const heard = new Promise<readonly Change[]>((resolve) => two.onChanges(resolve));
    await makeRoom(one, "!a:hs1");
    expect(await heard).toContainEqual({ position: 1, kind: "event", roomId: "!a:hs1", isRemote: true });
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
});
