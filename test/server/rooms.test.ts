/** Rooms: how they are made, entered, spoken in, read and left; and whose profiles stand in them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ROOM_VERSIONS } from "../../src/server/core/room-versions.js";
import { sync } from "./syncing.js";
import { callApi, refusal, roomOf, startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  [server, alice, bob, carol] = await startWithPeople("alice", "bob", "carol");
});
afterAll(() => server.stop());

const at = encodeURIComponent;

describe("rooms", () => {
  test.each([...ROOM_VERSIONS.keys()])("version %s: made, joined, spoken in", async (version) => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      room_version: version,
      name: "N",
      topic: "T",
      preset: "public_chat",
    });
    expect(roomId.includes(":")).toBe(version !== "12");
    await bob.post(`join/${at(roomId)}`, {});
    const eventId = await bob.send(roomId, "hi");
    expect(await alice.get(`rooms/${at(roomId)}/event/${at(eventId)}`)).toMatchObject({
      sender: "@bob:hs1",
      room_id: roomId,
    });
    expect(await alice.get(`rooms/${at(roomId)}/state/m.room.name/`)).toEqual({ name: "N" });
    expect(await alice.get(`rooms/${at(roomId)}/state/m.room.create`)).toMatchObject({
      room_version: version,
    });
    await alice.call("PUT", `rooms/${at(roomId)}/redact/${at(eventId)}/1`, { reason: "r" });
    expect(await bob.get(`rooms/${at(roomId)}/event/${at(eventId)}`)).toMatchObject({ content: {} });
  });

  test("an unknown version, an invitee without account, a taken alias", async () => {
    expect((await refusal(alice.post("createRoom", { room_version: "1" }))).code).toBe(
      "M_UNSUPPORTED_ROOM_VERSION",
    );
    expect((await refusal(alice.post("createRoom", { invite: ["@ghost:hs1"] }))).status).toBe(400);
    await alice.post("createRoom", { room_alias_name: "lobby" });
    expect((await refusal(alice.post("createRoom", { room_alias_name: "lobby" }))).code).toBe(
      "M_ROOM_IN_USE",
    );
  });

  test("aliases lead to rooms, their makers remove them", async () => {
    const roomId = await roomOf(alice);
    await alice.call("PUT", `directory/room/${at("#den:hs1")}`, { room_id: roomId });
    expect(await bob.get(`directory/room/${at("#den:hs1")}`)).toEqual({ room_id: roomId, servers: ["hs1"] });
    expect(
      (await refusal(alice.call("PUT", `directory/room/${at("#den:hs1")}`, { room_id: roomId }))).status,
    ).toBe(409);
    expect((await refusal(bob.call("DELETE", `directory/room/${at("#den:hs1")}`))).code).toBe("M_FORBIDDEN");
    const bad = alice.call("PUT", `rooms/${at(roomId)}/state/m.room.canonical_alias/`, {
      alias: "#elsewhere:hs1",
    });
    expect((await refusal(bad)).code).toBe("M_BAD_ALIAS");
    await alice.call("DELETE", `directory/room/${at("#den:hs1")}`);
    expect((await refusal(bob.get(`directory/room/${at("#den:hs1")}`))).code).toBe("M_NOT_FOUND");
  });

  test("kick, ban, unban, forget", async () => {
    const roomId = await roomOf(alice, bob);
    expect((await refusal(bob.post(`rooms/${at(roomId)}/kick`, { user_id: "@alice:hs1" }))).code).toBe(
      "M_FORBIDDEN",
    );
    expect((await refusal(bob.post(`rooms/${at(roomId)}/forget`, {}))).status).toBe(400);
    await alice.post(`rooms/${at(roomId)}/ban`, { user_id: "@bob:hs1", reason: "spam" });
    expect((await refusal(bob.post(`rooms/${at(roomId)}/join`, {}))).code).toBe("M_FORBIDDEN");
    expect((await refusal(alice.post(`rooms/${at(roomId)}/invite`, { user_id: "@bob:hs1" }))).code).toBe(
      "M_FORBIDDEN",
    );
    await alice.post(`rooms/${at(roomId)}/unban`, { user_id: "@bob:hs1" });
    await bob.post(`rooms/${at(roomId)}/forget`, {});
    expect((await refusal(bob.get(`rooms/${at(roomId)}/messages?dir=b`))).code).toBe("M_FORBIDDEN");
    await alice.post(`rooms/${at(roomId)}/invite`, { user_id: "@bob:hs1" });
    await bob.post(`rooms/${at(roomId)}/join`, {});
  });

  test("a repeated request makes one event, another device's makes its own", async () => {
    const roomId = await roomOf(alice, bob);
    const path = `rooms/${at(roomId)}/send/m.room.message/once`;
    const all = await Promise.all(
      Array.from({ length: 5 }, () => alice.call<{ event_id: string }>("PUT", path, { body: "x" })),
    );
    expect(new Set(all.map(({ event_id: id }) => id)).size).toBe(1);
    const again = await alice.call<{ event_id: string }>("PUT", path, { body: "x" });
    expect(again.event_id).toBe(all[0]?.event_id ?? "");
    const other = await bob.call<{ event_id: string }>("PUT", path, { body: "x" });
    expect(other.event_id).not.toBe(again.event_id);
    // The room has gone on as if the repetitions had not been.
    await alice.send(roomId, "next");
  });

  test("pages hold every event once, in both directions, whatever their size", async () => {
    const roomId = await roomOf(alice, bob);
    const sent: string[] = [];
    for (let index = 0; index < 25; index++)
      sent.push(await (index % 2 === 0 ? alice : bob).send(roomId, `${index}`));
    for (const [direction, limit] of [
      ["b", 1],
      ["b", 7],
      ["f", 4],
      ["f", 100],
    ] as const) {
      const seen: string[] = [];
      let from: string | undefined = direction === "f" ? "h1_0" : undefined;
      for (;;) {
        const page: { chunk: { event_id: string; type: string }[]; end?: string } = await bob.get(
          `rooms/${at(roomId)}/messages?dir=${direction}&limit=${limit}${from === undefined ? "" : `&from=${from}`}`,
        );
        seen.push(
          ...page.chunk.filter(({ type }) => type === "m.room.message").map(({ event_id: id }) => id),
        );
        if (page.end === undefined || page.chunk.length === 0) break;
        from = page.end;
      }
      expect(direction === "b" ? seen.toReversed() : seen).toEqual(sent);
    }
    const context = await bob.get<{ events_before: object[]; events_after: object[] }>(
      `rooms/${at(roomId)}/context/${at(sent[12] ?? "")}?limit=6`,
    );
    expect(context.events_before).toMatchObject([
      { event_id: sent[11] },
      { event_id: sent[10] },
      { event_id: sent[9] },
    ]);
    expect(context.events_after).toMatchObject([
      { event_id: sent[13] },
      { event_id: sent[14] },
      { event_id: sent[15] },
    ]);
  });

  test("who was not yet there reads what the room's history visibility allows", async () => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {
      preset: "public_chat",
      initial_state: [
        { type: "m.room.history_visibility", state_key: "", content: { history_visibility: "joined" } },
      ],
    });
    const before = await alice.send(roomId, "among us");
    await bob.post(`join/${at(roomId)}`, {});
    const after = await alice.send(roomId, "hello Bob");
    expect((await refusal(bob.get(`rooms/${at(roomId)}/event/${at(before)}`))).code).toBe("M_NOT_FOUND");
    const page = await bob.get<{ chunk: { event_id: string }[] }>(
      `rooms/${at(roomId)}/messages?dir=b&limit=100`,
    );
    expect(page.chunk.map(({ event_id: id }) => id)).toContain(after);
    expect(page.chunk.map(({ event_id: id }) => id)).not.toContain(before);
    expect((await refusal(carol.get(`rooms/${at(roomId)}/messages?dir=b`))).code).toBe("M_FORBIDDEN");
    const answer = await sync(bob);
    expect(JSON.stringify(answer.rooms?.join?.[roomId])).not.toContain("among us");
  });

  test("events that cannot be are refused, and the room goes on", async () => {
    const roomId = await roomOf(alice);
    const send = (body: unknown) =>
      alice.call("PUT", `rooms/${at(roomId)}/send/m.room.message/${Math.random()}`, body);
    expect((await refusal(send({ x: 1.5 }))).code).toBe("M_BAD_JSON");
    expect((await refusal(send('{"x":"\\ud800"}'))).code).toBe("M_BAD_JSON");
    expect((await refusal(send({ body: "x".repeat(70_000) }))).code).toBe("M_TOO_LARGE");
    expect((await refusal(alice.send("!none:hs1", "x"))).code).toBe("M_NOT_FOUND");
    await alice.send(roomId, "fine");
  });

  test("many at once keep one order", async () => {
    const roomId = await roomOf(alice, bob, carol);
    await Promise.all(
      [alice, bob, carol].flatMap((person) =>
        Array.from({ length: 30 }, (_, index) => person.send(roomId, `${index}`)),
      ),
    );
    const events = await server.running.services.store.events.history(
      roomId,
      { after: 0, upTo: 1e9 },
      "f",
      1_000,
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    for (const [index, event] of events.entries())
      if (index > 0) expect(event.prevEvents).toEqual([events[index - 1]?.eventId ?? ""]);
  });
});

test("profiles are read by all, written by their owners, and follow into rooms", async () => {
  const roomId = await roomOf(alice, bob);
  await bob.call("PUT", "profile/@bob:hs1/displayname", { displayname: "Bob" });
  await bob.call("PUT", "profile/@bob:hs1/avatar_url", { avatar_url: "mxc://hs1/x" });
  expect(await callApi<object>(server.url, "GET", "profile/@bob:hs1")).toEqual({
    displayname: "Bob",
    avatar_url: "mxc://hs1/x",
  });
  expect(await alice.get(`rooms/${at(roomId)}/joined_members`)).toMatchObject({
    joined: { "@bob:hs1": { display_name: "Bob", avatar_url: "mxc://hs1/x" } },
  });
  expect((await refusal(alice.call("PUT", "profile/@bob:hs1/displayname", { displayname: "x" }))).code).toBe(
    "M_FORBIDDEN",
  );
  expect((await refusal(alice.get("profile/@ghost:hs1"))).code).toBe("M_NOT_FOUND");
  const found = await alice.post<{ results: object[] }>("user_directory/search", {
    search_term: "bo",
  });
  expect(found.results).toContainEqual({
    user_id: "@bob:hs1",
    display_name: "Bob",
    avatar_url: "mxc://hs1/x",
  });
});

test("the name of a profile field is not too long, and says so", async () => {
  const name = (length: number) => "f".repeat(length);
  await bob.call("PUT", `profile/@bob:hs1/${name(255)}`, { [name(255)]: 1 });
  const longer = bob.call("PUT", `profile/@bob:hs1/${name(256)}`, { [name(256)]: 1 });
  expect((await refusal(longer)).code).toBe("M_KEY_TOO_LARGE");
  await bob.call("DELETE", `profile/@bob:hs1/${name(255)}`);
});

test("a display name fits into the events that carry it", async () => {
  const path = "profile/@bob:hs1/displayname";
  await bob.call("PUT", path, { displayname: "b".repeat(256) });
  const longer = bob.call("PUT", path, { displayname: "b".repeat(257) });
  expect((await refusal(longer)).code).toBe("M_INVALID_PARAM");
  await bob.call("PUT", path, { displayname: "Bob" });
});

test("people are found by names in any script, whatever their case", async () => {
  const found = async (term: string) =>
    (
      await alice.post<{ results: { user_id: string }[] }>("user_directory/search", { search_term: term })
    ).results.map(({ user_id: userId }) => userId);
  await carol.call("PUT", "profile/@carol:hs1/displayname", { displayname: "Élodie Öz Жанна 张伟" });
  for (const term of ["Élodie", "élod", "ÖZ", "жанна", "张", "lodie"])
    expect(await found(term)).toEqual([carol.userId]);
  expect(await found("elodié")).toEqual([]);
});

test("the public rooms come by the page, forwards and back, by tokens that are no mere numbers", async () => {
  const names = Array.from({ length: 5 }, (_, n) => `page by page ${n}`);
  for (const name of names) await carol.post("createRoom", { name, visibility: "public" });
  const read = (since?: string) =>
    carol.post<{ chunk: { name: string }[]; next_batch?: string; prev_batch?: string }>("publicRooms", {
      limit: 2,
      filter: { generic_search_term: "page by page" },
      ...(since !== undefined && { since }),
    });
  const first = await read();
  const second = await read(first.next_batch);
  const third = await read(second.next_batch);
  const chunks = [first, second, third].map(({ chunk }) => chunk.map(({ name }) => name));
  expect(chunks.map(({ length }) => length)).toEqual([2, 2, 1]);
  expect(chunks.flat().toSorted()).toEqual(names);
  expect([first.prev_batch, third.next_batch]).toEqual([undefined, undefined]);
  const back = await read(third.prev_batch);
  expect(back).toEqual(second);
  expect((await read(back.prev_batch)).chunk).toEqual(first.chunk);
  expect(Number(back.prev_batch)).toBeNaN();
  for (const since of ["2", "p", "p-1", "h1_2"])
    expect((await refusal(read(since))).code).toBe("M_INVALID_PARAM");
});
