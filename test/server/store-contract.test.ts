/**
 * What the store promises, on each of its databases: of events and how they come in.
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
