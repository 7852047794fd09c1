/**
 * What the store promises, on each of its databases: of people, their devices, keys and uploads.
 */
import { expect, test } from "bun:test";
import type { Change } from "../../src/server/store/database.js";
import { makeRoom, onEachDatabase } from "./databases.js";

onEachDatabase((open) => {
  test("a receipt never goes back", async () => {
    await using store = await open();
    const receipt = { roomId: "!a:hs1", userId: "@bob:hs1", type: "m.read", thread: "", ts: 1 } as const;
    expect(await store.personal.setReceipt({ ...receipt, eventId: "$2", eventPosition: 2 })).toBe(true);
    expect(await store.personal.setReceipt({ ...receipt, eventId: "$1", eventPosition: 1 })).toBe(false);
    expect(await store.personal.receipts("!a:hs1", 0)).toMatchObject([{ eventId: "$2" }]);
  });

  test("a refresh token serves until the pair that it has made is used", async () => {
    await using store = await open();
    await store.accounts.create("@ann:hs1", "hash", false);
    await store.sessions.logIn("@ann:hs1", "PHONE", [
      { hash: "a1", kind: "access" },
      { hash: "r1", kind: "refresh" },
    ]);
    const next = [{ hash: "a2", kind: "access" } as const, { hash: "r2", kind: "refresh" } as const];
    expect(await store.sessions.refresh("r1", next)).toBe("done");
    expect(await store.sessions.byToken("a1")).toBeUndefined();
    expect(await store.sessions.refresh("r1", [{ hash: "a3", kind: "access" }])).toBe("done");
    expect(await store.sessions.byToken("a2")).toBeUndefined();
    expect(await store.sessions.refresh("r2", [])).toBe("unknown");
    expect(await store.sessions.byToken("a3")).toMatchObject({ deviceId: "PHONE", isUnconfirmed: true });
    await store.sessions.confirm("@ann:hs1", "PHONE");
    expect(await store.sessions.byToken("a3")).toMatchObject({ userId: "@ann:hs1", isUnconfirmed: false });
    expect(await store.sessions.refresh("r1", [])).toBe("unknown");
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
    expect(await dehydratedDevices.messages("@a:hs1", "NEW", all[0]?.position ?? 0, 9)).toEqual(all.slice(1));
    expect(await dehydratedDevices.drop("@a:hs1")).toBe("NEW");
    expect(await dehydratedDevices.drop("@a:hs1")).toBeNull();
    expect((await store.sessions.devices("@a:hs1")).map(({ deviceId }) => deviceId)).toEqual(["REAL"]);
    expect(await dehydratedDevices.put(device("NEXT"))).toBe(true);
    await store.sessions.deleteDevices("@a:hs1", ["NEXT"]);
    expect(await dehydratedDevices.get("@a:hs1")).toBeUndefined();
  });

  test("a user's data is found by its room and by its type", async () => {
    await using store = await open();
    const { personal } = store;
    await personal.setAccountData("@a:hs1", "", "m.tag", { of: "all" });
    const first = await personal.setAccountData("@a:hs1", "!a:hs1", "m.tag", { of: "a" });
    const second = await personal.setAccountData("@a:hs1", "!a:hs1", "other", { of: "a" });
    await personal.setAccountData("@b:hs1", "!a:hs1", "m.tag", {});
    const types = async (after: number) =>
      (await personal.accountDataOfRoom("@a:hs1", "!a:hs1", after)).map(({ type }) => type);
    expect([await types(0), await types(first)]).toEqual([["m.tag", "other"], ["other"]]);
    // What is empty is gone for whoever begins, and told to whoever knew it.
    await personal.setAccountData("@a:hs1", "!b:hs1", "gone", {});
    const all = async (after: number) =>
      (await personal.accountDataSince("@a:hs1", after)).map(({ type }) => type);
    expect([await all(0), await all(second)]).toEqual([["m.tag", "m.tag", "other"], ["gone"]]);
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

  test("an account's words are erased up to a position, and only where that is wanted", async () => {
    await using store = await open();
    for (const name of ["ann", "bob"]) await store.accounts.create(`@${name}:hs1`, "hash", false);
    await makeRoom(store, "!a:hs1");
    const before = (await store.events.history("!a:hs1", { after: 0, upTo: 1_000 }, "b", 1))[0]?.position;
    expect(await store.accounts.erased()).toEqual(new Map());
    await store.accounts.deactivate("@ann:hs1", false);
    await store.accounts.deactivate("@bob:hs1", true);
    const erased = await store.accounts.erased();
    expect([...erased.keys()]).toEqual(["@bob:hs1"]);
    expect(erased.get("@bob:hs1")).toBeGreaterThan(before ?? Infinity);
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

  test("reports are numbered, and come in pages", async () => {
    await using store = await open();
    const { reports } = store;
    const report = { reporter: "@a:hs1", userId: "@b:hs1", reason: "r", at: 7 };
    expect([await reports.add(report), await reports.add({ ...report, reason: "s" })]).toEqual([1, 2]);
    expect(await reports.list(1)).toEqual([{ ...report, reason: "s", id: 2 }]);
    expect(await reports.list(5, 2)).toEqual([{ ...report, id: 1 }]);
    expect([await reports.delete(1), await reports.delete(1)]).toEqual([true, false]);
  });
});
