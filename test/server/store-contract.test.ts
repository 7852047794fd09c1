/**
 * What the store promises, on each of its databases.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventDraft } from "../../src/server/core/event.js";
import { sealEvent } from "../../src/server/core/event-hash.js";
import { roomVersion } from "../../src/server/core/room-versions.js";
import type { NewEvent } from "../../src/server/store/append.js";
import type { Change } from "../../src/server/store/database.js";
import { openStore, type Store } from "../../src/server/store/store.js";
import { ServerConfig, type ServerConfigInput } from "../../src/shared/server-config.js";
import { hasPostgres, startPostgres, type TestCluster } from "./postgres.js";

const BASE = {
  serverName: "hs1",
  listeners: [{ address: "127.0.0.1", port: 0 }],
  publicBaseUrl: "http://127.0.0.1",
} as const;

function configOf(store: ServerConfigInput["store"], serverName = "hs1"): ServerConfig {
  return ServerConfig.parse({ ...BASE, serverName, store });
}

let cluster: TestCluster | undefined;
const folder = mkdtempSync(join(tmpdir(), "imcloud-store-"));
let files = 0;

beforeAll(() => {
  if (hasPostgres) cluster = startPostgres();
});
afterAll(() => {
  cluster?.stop();
  rmSync(folder, { recursive: true });
});

const DATABASES: Record<string, () => ServerConfigInput["store"]> = {
  sqlite: () => ({ kind: "sqlite", path: join(folder, `${++files}.sqlite`) }),
  postgres: () => {
    if (cluster === undefined)
      throw new Error("PostgreSQL is not installed: scripts/test-server.sh installs it");
    return cluster.newStore();
  },
};

const version = roomVersion("11");

/** Events that only need to be events. */
function events(roomId: string, firstSeq: number, drafts: readonly Partial<EventDraft>[]): NewEvent[] {
  return drafts.map((draft, index) =>
    sealEvent(
      version,
      { type: "m.room.message", sender: "@alice:hs1", content: { body: `${firstSeq + index}` }, ...draft },
      { roomId, seq: firstSeq + index, ts: 1_700_000_000_000, prevEvents: [], authEvents: [] },
    ),
  );
}

const member = (userId: string, membership: string): Partial<EventDraft> => ({
  type: "m.room.member",
  stateKey: userId,
  content: { membership },
});

async function makeRoom(store: Store, roomId: string): Promise<void> {
  const create: Partial<EventDraft> = {
    type: "m.room.create",
    stateKey: "",
    content: { room_version: "11" },
  };
  const made = await store.events.append({
    roomId,
    expectedHead: 0,
    version: "11",
    events: events(roomId, 1, [create, member("@alice:hs1", "join")]),
  });
  expect(made).toHaveProperty("positions");
}

for (const [name, newConfig] of Object.entries(DATABASES)) {
  describe(name, () => {
    async function open(config = newConfig()): Promise<Store & AsyncDisposable> {
      const store = await openStore(configOf(config));
      return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
    }

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
      expect(
        (await store.events.stateChanges("!a:hs1", { after: 3, upTo: 6 })).map(({ seq }) => seq),
      ).toEqual([5, 6]);
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
      const sent = { ...event, deviceId: "PHONE", txnId: "1" };
      await store.events.append({ roomId: "!a:hs1", expectedHead: 2, events: [sent], txn: "mark" });
      expect(told).toEqual([{ position: 3, kind: "event", roomId: "!a:hs1", txn: "mark" }]);
      expect(await store.events.withTxns(10)).toMatchObject([
        { eventId: event.eventId, txn: { deviceId: "PHONE", txnId: "1" } },
      ]);
      expect(await store.events.withTxns(0)).toEqual([]);
    });

    test("a receipt never goes back", async () => {
      await using store = await open();
      const receipt = { roomId: "!a:hs1", userId: "@bob:hs1", type: "m.read", thread: "", ts: 1 } as const;
      expect(await store.personal.setReceipt({ ...receipt, eventId: "$2", eventPosition: 2 })).toBe(true);
      expect(await store.personal.setReceipt({ ...receipt, eventId: "$1", eventPosition: 1 })).toBe(false);
      expect(await store.personal.receipts("!a:hs1", 0)).toMatchObject([{ eventId: "$2" }]);
    });

    test("a refresh token serves once", async () => {
      await using store = await open();
      await store.accounts.create("@ann:hs1", "hash", false);
      await store.sessions.logIn("@ann:hs1", "PHONE", [
        { hash: "a1", kind: "access" },
        { hash: "r1", kind: "refresh" },
      ]);
      const next = [{ hash: "a2", kind: "access" } as const, { hash: "r2", kind: "refresh" } as const];
      expect(await store.sessions.refresh("r1", next)).toBe("done");
      expect(await store.sessions.refresh("r1", [{ hash: "a3", kind: "access" }])).toBe("unknown");
      expect(await store.sessions.byToken("a1")).toBeUndefined();
      expect(await store.sessions.byToken("a2")).toMatchObject({ userId: "@ann:hs1", deviceId: "PHONE" });
    });

    test("a one-time key goes to one claimer, then the fallback key to all", async () => {
      await using store = await open();
      const device = { userId: "@ann:hs1", deviceId: "PHONE" };
      await store.accounts.create("@ann:hs1", "hash", false);
      await store.sessions.logIn("@ann:hs1", "PHONE", []);
      await store.encryption.uploadKeys(device, {
        oneTime: [{ algorithm: "signed_curve25519", keyId: "AAA", key: { key: "one" } }],
        fallback: [{ algorithm: "signed_curve25519", keyId: "FFF", key: { key: "fallback" } }],
      });
      const claims = await Promise.all(
        [1, 2, 3].map(() => store.encryption.claimKeys([{ ...device, algorithm: "signed_curve25519" }])),
      );
      expect(
        claims
          .flat()
          .map(({ keyId }) => keyId)
          .sort(),
      ).toEqual(["AAA", "FFF", "FFF"]);
      expect(await store.encryption.unusedFallbacks(device)).toEqual([]);
    });

    test("a better key takes a worse one's place in the newest backup, and no other does", async () => {
      await using store = await open();
      const backups = store.keyBackups;
      const old = await backups.create("@a:hs1", "algorithm", {});
      const version = await backups.create("@a:hs1", "algorithm", { public_key: "x" });
      const key = (firstMessageIndex: number, isVerified = false) => ({
        ...{ roomId: "!r:hs1", sessionId: "s", firstMessageIndex, isVerified },
        ...{ forwardedCount: 0, sessionData: { n: firstMessageIndex } },
      });
      expect(await backups.put("@a:hs1", version, [key(5)])).toEqual({ kind: "done", etag: "1", count: 1 });
      expect(await backups.put("@a:hs1", version, [key(6)])).toEqual({ kind: "done", etag: "1", count: 1 });
      expect(await backups.put("@a:hs1", version, [key(9, true)])).toMatchObject({ etag: "2" });
      expect(await backups.keys({ userId: "@a:hs1", version })).toEqual([key(9, true)]);
      expect(await backups.put("@a:hs1", old, [key(0)])).toEqual({ kind: "old", current: version });
      expect(await backups.put("@b:hs1", version, [key(0)])).toEqual({ kind: "unknown" });
      expect(await backups.version("@a:hs1", "no number")).toBeUndefined();
      const part = { userId: "@a:hs1", version, roomId: "!r:hs1", sessionId: "s" };
      expect(await backups.deleteKeys(part)).toEqual({ kind: "done", etag: "3", count: 0 });
      expect(await backups.delete("@a:hs1", version)).toBe(true);
      expect((await backups.version("@a:hs1"))?.version).toBe(old);
      expect(Number(await backups.create("@a:hs1", "algorithm", {}))).toBeGreaterThan(Number(version));
    });

    test("a signature of another's key is seen and heard of by the signer alone", async () => {
      await using store = await open();
      const { crossSigning } = store;
      await crossSigning.setKeys("@b:hs1", [{ usage: "master", key: { keys: {} } }]);
      const before = await store.events.position();
      const signature = {
        userId: "@b:hs1",
        keyId: "K",
        signer: "@a:hs1",
        signerKey: "ed25519:U",
        signature: "S",
      };
      await crossSigning.addSignatures([signature, { ...signature, signature: "T" }]);
      expect(await crossSigning.signatures("@b:hs1", "@a:hs1")).toEqual([{ ...signature, signature: "T" }]);
      expect(await crossSigning.signatures("@b:hs1", "@b:hs1")).toEqual([]);
      const upTo = await store.events.position();
      expect(await crossSigning.signedBy("@a:hs1", before, upTo)).toEqual(["@b:hs1"]);
      expect(await crossSigning.signedBy("@b:hs1", before, upTo)).toEqual([]);
      expect(await crossSigning.keys("@b:hs1")).toEqual({ master: { keys: {} } });
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
            root,
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
      const counts = await store.relations.threadCounts([root, other, far], "@alice:hs1");
      expect([...counts].map(([id, { count, own }]) => [id, count, own]).toSorted()).toEqual(
        [
          [root, 2, true],
          [other, 1, false],
        ].toSorted(),
      );
      expect((await store.relations.editsAndReferences([root])).map(({ eventId }) => eventId)).toEqual([
        near,
      ]);
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
        (await store.views.membersChangedSince("@alice:hs1", position))
          .map(({ userId }) => userId)
          .toSorted();
      expect(await changed(0)).toEqual(["@bob:hs1", "@carol:hs1"]);
      expect(await changed(5)).toEqual(["@carol:hs1"]);
    });

    test("a dehydrated device takes the place of the one before, and takes messages until it goes", async () => {
      await using store = await open();
      const { dehydratedDevices, encryption } = store;
      await store.accounts.create("@a:hs1", "hash", false);
      await store.sessions.logIn("@a:hs1", "REAL", []);
      const device = (deviceId: string) => ({
        ...{ userId: "@a:hs1", deviceId, data: { algorithm: "x" }, deviceKeys: { device_id: deviceId } },
        ...{ oneTime: [{ algorithm: "s", keyId: "1", key: "k" }], fallback: [] },
      });
      expect(await dehydratedDevices.get("@a:hs1")).toBeUndefined();
      expect(await dehydratedDevices.put(device("OLD"))).toBe(true);
      expect(await dehydratedDevices.put(device("REAL"))).toBe(false);
      expect(await dehydratedDevices.get("@a:hs1")).toEqual({ deviceId: "OLD", data: { algorithm: "x" } });
      expect(await dehydratedDevices.put(device("NEW"))).toBe(true);
      expect([...(await encryption.deviceKeys("@a:hs1")).keys()]).toEqual(["NEW"]);
      expect(await encryption.keyCounts({ userId: "@a:hs1", deviceId: "NEW" })).toEqual({ s: 1 });
      for (const path of ["1", "2"])
        await encryption.send([{ userId: "@a:hs1", deviceId: "*", event: { path } }], {
          ...{ userId: "@b:hs1", deviceId: "B", path },
        });
      const all = await dehydratedDevices.messages("@a:hs1", "NEW", 0, 9);
      expect(all.map(({ event }) => event)).toEqual([{ path: "1" }, { path: "2" }]);
      expect(await dehydratedDevices.messages("@a:hs1", "NEW", all[0]?.position ?? 0, 9)).toEqual(
        all.slice(1),
      );
      expect(await dehydratedDevices.drop("@a:hs1")).toBe("NEW");
      expect(await dehydratedDevices.drop("@a:hs1")).toBeNull();
      expect((await store.sessions.devices("@a:hs1")).map(({ deviceId }) => deviceId)).toEqual(["REAL"]);
      expect(await dehydratedDevices.put(device("NEXT"))).toBe(true);
      await store.sessions.deleteDevices("@a:hs1", ["NEXT"]);
      expect(await dehydratedDevices.get("@a:hs1")).toBeUndefined();
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
      expect((await delayedEvents.hold(2_001, 3_000, 1, "one")).map(({ delayId }) => delayId)).toEqual([
        "one",
      ]);
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

    test("a user's data is found by its room and by its type", async () => {
      await using store = await open();
      const { personal } = store;
      await personal.setAccountData("@a:hs1", "", "m.tag", { of: "all" });
      const first = await personal.setAccountData("@a:hs1", "!a:hs1", "m.tag", { of: "a" });
      const second = await personal.setAccountData("@a:hs1", "!a:hs1", "other", {});
      await personal.setAccountData("@b:hs1", "!a:hs1", "m.tag", {});
      const types = async (after: number) =>
        (await personal.accountDataOfRoom("@a:hs1", "!a:hs1", after)).map(({ type }) => type);
      expect([await types(0), await types(first)]).toEqual([["m.tag", "other"], ["other"]]);
      expect(second).toBeGreaterThan(first);
      expect(await personal.dataOfRooms("@a:hs1", "m.tag")).toEqual([
        { roomId: "!a:hs1", type: "m.tag", content: { of: "a" }, position: first },
      ]);
    });

    test("uploads fill an account's room and no more, and a place is filled once", async () => {
      await using store = await open();
      const content = { hash: "h", bytes: 60, type: "image/png", name: "n" };
      const { media } = store;
      expect(await media.add("one", "@a:hs1", content, 100)).toBe("done");
      expect(await media.add("two", "@a:hs1", content, 100)).toBe("full");
      expect(await media.add("two", "@b:hs1", content, 100)).toBe("done");
      expect(await media.get("one")).toMatchObject({ userId: "@a:hs1", content });
      expect(await media.get("none")).toBeUndefined();
      expect(await media.reserve("place", "@a:hs1", 1, 0)).toBe(true);
      expect(await media.reserve("another", "@a:hs1", 1, 0)).toBe(false);
      expect((await media.get("place"))?.content).toBeUndefined();
      expect(await media.fill("place", "@b:hs1", content, 1_000)).toBe("taken");
      expect(await media.fill("place", "@a:hs1", { ...content, bytes: 41 }, 100)).toBe("full");
      expect(await media.fill("place", "@a:hs1", { ...content, bytes: 40 }, 100)).toBe("done");
      expect(await media.fill("place", "@a:hs1", content, 1_000)).toBe("taken");
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

    test("an account by a token is made with the token's use, or not at all", async () => {
      await using store = await open();
      const { accounts, registrationTokens: tokens } = store;
      const token = { id: "t", hash: "h", uses: 1, expiresAt: Date.now() + 60_000, createdAt: 1 };
      expect(await tokens.add(token)).toBe(true);
      expect(await tokens.add({ ...token, id: "u" })).toBe(false);
      expect(await tokens.isGood("h", Date.now())).toBe(true);
      expect(await tokens.isGood("h", token.expiresAt)).toBe(false);
      await accounts.create("@ann:hs1", "hash", false);
      expect(await accounts.createByToken("@ann:hs1", "hash", "h")).toBe("taken");
      expect(await accounts.createByToken("@bob:hs1", "hash", "none")).toBe("refused");
      const made = await Promise.all(
        ["@bob:hs1", "@cleo:hs1"].map((userId) => accounts.createByToken(userId, "hash", "h")),
      );
      expect(made).toEqual(["created", "refused"]);
      expect(await accounts.get("@cleo:hs1")).toBeUndefined();
      expect(await tokens.list()).toEqual([
        { id: "t", uses: 1, used: 1, expiresAt: token.expiresAt, createdAt: 1 },
      ]);
      expect([await tokens.delete("t"), await tokens.delete("t")]).toEqual([true, false]);
    });

    test("accounts are restrained, given a quota, and listed by what they are called", async () => {
      await using store = await open();
      const { accounts } = store;
      for (const name of ["a_1", "ab1", "b"]) await accounts.create(`@${name}:hs1`, undefined, false);
      await accounts.setProfileField("@b:hs1", "displayname", "Anna_1");
      expect((await accounts.page("A_1", "", 9)).map(({ userId }) => userId)).toEqual(["@a_1:hs1", "@b:hs1"]);
      expect((await accounts.page("", "@a_1:hs1", 1)).map(({ userId }) => userId)).toEqual(["@ab1:hs1"]);
      expect(await accounts.setRestraint("@b:hs1", "locked", true)).toBe(true);
      expect(await accounts.setRestraint("@none:hs1", "suspended", true)).toBe(false);
      expect(await accounts.setMediaQuota("@b:hs1", 10)).toBe(true);
      const restrained = await accounts.get("@b:hs1");
      expect(restrained).toMatchObject({ isLocked: true, isSuspended: false, mediaBytes: 10 });
      await store.sessions.logIn("@b:hs1", "PHONE", [
        { hash: "a", kind: "access" },
        { hash: "r", kind: "refresh" },
      ]);
      expect(await store.sessions.byToken("a")).toMatchObject({ isLocked: true, isSuspended: false });
      expect(await store.sessions.refresh("r", [])).toBe("locked");
      const content = { hash: "h", bytes: 11, type: "image/png" };
      expect(await store.media.add("one", "@b:hs1", content, 100)).toBe("full");
      expect(await store.media.add("one", "@b:hs1", { ...content, bytes: 10 }, 0)).toBe("done");
      expect(await store.media.usage("@b:hs1")).toEqual({ count: 1, bytes: 10 });
    });

    test("a pusher belongs to a key, waits for its proof, and is told from where it stands", async () => {
      await using store = await open();
      await makeRoom(store, "!a:hs1");
      const { pushers } = store;
      const told: Change[] = [];
      store.onChanges((changes) => told.push(...changes));
      const make = (userId: string, more: object = {}) =>
        pushers.set({
          ...{ id: `of ${userId}`, userId, deviceId: "D", kind: "http", appId: "app", pushkey: "key" },
          ...{ appName: "a", deviceName: "d", lang: "en", data: { url: "u" }, now: 5, append: true, most: 1 },
          isActive: true,
          ...more,
        });
      expect(await make("@alice:hs1")).toBe(true);
      expect(await make("@alice:hs1", { pushkey: "another", id: "x" })).toBe(false);
      expect(await make("@alice:hs1", { id: "not taken over", lang: "de" })).toBe(true);
      const [own] = await pushers.of("@alice:hs1");
      expect(own).toMatchObject({ id: "of @alice:hs1", lang: "de", setAt: 5, position: 3, isActive: true });
      expect(await make("@bob:hs1")).toBe(true);
      expect((await pushers.all()).length).toBe(2);
      expect([await pushers.isKnown("key"), await pushers.isKnown("another")]).toEqual([true, false]);
      const proof = { ack: { token: "t", until: Date.now() + 10_000 }, isActive: false };
      expect(await make("@bob:hs1", { append: false, ...proof })).toBe(true);
      expect(await pushers.of("@alice:hs1")).toEqual([]);
      expect(await pushers.activate("@bob:hs1", "other", "t")).toBe("no-pusher");
      expect(await pushers.activate("@bob:hs1", "app", "u")).toBe("unknown");
      expect(await pushers.activate("@bob:hs1", "app", "t")).toBe("done");
      expect(await pushers.activate("@bob:hs1", "app", "t")).toBe("unknown");
      await make("@bob:hs1", { ack: { token: "t", until: 1 }, isActive: false });
      expect(await pushers.activate("@bob:hs1", "app", "t")).toBe("expired");

      await pushers.told("of @bob:hs1", 50);
      await pushers.told("of @bob:hs1", 40);
      await pushers.allTold(60, ["of @bob:hs1"]);
      expect((await pushers.all()).map(({ position }) => position)).toEqual([50]);
      await pushers.allTold(60, []);
      expect((await pushers.all()).map(({ position }) => position)).toEqual([60]);
      await pushers.delete({ userId: "@bob:hs1", appId: "app", pushkey: "key" });
      expect(await pushers.all()).toEqual([]);
      expect(new Set(told.map(({ kind, userId }) => `${kind} ${userId ?? ""}`))).toEqual(
        new Set(["pushers @alice:hs1", "pushers @bob:hs1"]),
      );

      const all = { after: 0, upTo: await store.events.position() };
      const found = await pushers.eventsFor("@alice:hs1", all, 10);
      expect(found.map(({ type }) => type)).toEqual(["m.room.create", "m.room.member"]);
      expect(await pushers.eventsFor("@bob:hs1", all, 10)).toEqual([]);
      expect(await pushers.saidTo("@alice:hs1", all)).toEqual([]);
      expect([await store.secrets.keep("s", "one"), await store.secrets.keep("s", "two")]).toEqual([
        "one",
        "one",
      ]);
    });

    test("a content in quarantine stays so for who uploads it anew, and what is deleted says whose content it had", async () => {
      await using store = await open();
      const { media } = store;
      const content = { hash: "h", bytes: 2, type: "image/png" };
      await media.add("b", "@a:hs1", content, 100);
      await media.add("a", "@a:hs1", { ...content, hash: "i" }, 100);
      await media.reserve("c", "@b:hs1", 1, 0);
      expect(await media.quarantine("h", true)).toBe(1);
      await media.fill("c", "@b:hs1", content, 100);
      await media.add("d", "@b:hs1", content, 100);
      const isHidden = async (id: string) => (await media.get(id))?.isQuarantined;
      expect(await Promise.all(["a", "b", "c", "d"].map(isHidden))).toEqual([false, true, true, true]);
      expect(await media.usageByUser("", 9)).toEqual([
        { userId: "@a:hs1", count: 2, bytes: 4 },
        { userId: "@b:hs1", count: 2, bytes: 4 },
      ]);
      expect(await media.usageByUser("@a:hs1", 1)).toHaveLength(1);
      expect((await media.page("@a:hs1", "", 9)).map(({ mediaId }) => mediaId)).toEqual(["a", "b"]);
      expect((await media.page("@a:hs1", "a", 1)).map(({ mediaId }) => mediaId)).toEqual(["b"]);
      const all = await media.olderThan(Date.now() + 1, { createdAt: -1, mediaId: "" }, 9);
      expect(all.map(({ mediaId }) => mediaId).toSorted()).toEqual(["a", "b", "c", "d"]);
      const [first] = all;
      if (first === undefined) throw new Error("none");
      expect(await media.olderThan(Date.now() + 1, first, 9)).toEqual(all.slice(1));
      expect(await media.olderThan(first.createdAt, { createdAt: -1, mediaId: "" }, 9)).toEqual([]);
      expect([await media.delete("a"), await media.delete("a")]).toEqual([{ hash: "i" }, null]);
      expect([await media.isUsed("i"), await media.isUsed("h")]).toEqual([false, true]);
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

    test("reports are numbered, and come in pages", async () => {
      await using store = await open();
      const { reports } = store;
      const report = { reporter: "@a:hs1", userId: "@b:hs1", reason: "r", at: 7 };
      expect([await reports.add(report), await reports.add({ ...report, reason: "s" })]).toEqual([1, 2]);
      expect(await reports.list(1)).toEqual([{ ...report, reason: "s", id: 2 }]);
      expect(await reports.list(5, 2)).toEqual([{ ...report, id: 1 }]);
      expect([await reports.delete(1), await reports.delete(1)]).toEqual([true, false]);
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
}

test("nodes over one PostgreSQL hear of each other's changes", async () => {
  const config = DATABASES["postgres"]?.() ?? { kind: "sqlite", path: "" };
  const [one, two] = [await openStore(configOf(config)), await openStore(configOf(config))];
  try {
    const heard = new Promise<readonly Change[]>((resolve) => two.onChanges(resolve));
    await makeRoom(one, "!a:hs1");
    expect(await heard).toContainEqual({ position: 1, kind: "event", roomId: "!a:hs1", isRemote: true });
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
});
