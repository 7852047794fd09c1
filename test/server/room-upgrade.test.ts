/** A room that replaces another: what comes along, from which version to which, and what the old one is left with. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
let carol: Person;
const at = encodeURIComponent;

beforeAll(async () => {
  server = await startTestServer();
  [alice, bob, carol] = (await Promise.all(
    ["alice", "bob", "carol"].map((name) => register(server, name)),
  )) as [Person, Person, Person];
});
afterAll(() => server.stop());

const state = (person: Person, roomId: string, type: string, key = "") =>
  person.get(`rooms/${at(roomId)}/state/${type}/${at(key)}`);
const upgrade = async (
  person: Person,
  roomId: string,
  version: string,
  more: object = {},
): Promise<string> => {
  const body = { new_version: version, ...more };
  const answer = await person.post<{ replacement_room: string }>(`rooms/${at(roomId)}/upgrade`, body);
  return answer.replacement_room;
};

for (const [from, to] of [
  ["10", "11"],
  ["11", "12"],
  ["12", "11"],
  ["12", "12"],
] as const) {
  test(`from version ${from} to ${to}: name, rules, levels, bans, alias and place in the list come along`, async () => {
    const alias = `club-${from}-${to}`;
    const { room_id: old } = await alice.post<{ room_id: string }>("createRoom", {
      room_version: from,
      name: "Club",
      topic: "all about it",
      preset: "public_chat",
      visibility: "public",
      room_alias_name: alias,
      initial_state: [
        { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
      ],
      power_level_content_override: {
        users: { ...(from === "12" ? {} : { [alice.userId]: 100 }), [bob.userId]: 50 },
      },
    });
    await bob.post(`rooms/${at(old)}/join`, {});
    await alice.post(`rooms/${at(old)}/ban`, { user_id: carol.userId, reason: "spam" });
    expect((await refusal(upgrade(bob, old, to))).code).toBe("M_FORBIDDEN");

    const fresh = await upgrade(alice, old, to);
    expect(await state(alice, old, "m.room.tombstone")).toMatchObject({ replacement_room: fresh });
    expect(await state(alice, fresh, "m.room.create")).toMatchObject({
      room_version: to,
      predecessor: { room_id: old },
    });
    expect(await state(alice, fresh, "m.room.name")).toEqual({ name: "Club" });
    expect(await state(alice, fresh, "m.room.topic")).toMatchObject({ topic: "all about it" });
    expect(await state(alice, fresh, "m.room.join_rules")).toEqual({ join_rule: "public" });
    expect(await state(alice, fresh, "m.room.encryption")).toEqual({ algorithm: "m.megolm.v1.aes-sha2" });
    expect(await state(alice, fresh, "m.room.member", carol.userId)).toMatchObject({ membership: "ban" });
    const levels = (await state(alice, fresh, "m.room.power_levels")) as { users: Record<string, number> };
    expect(levels.users).toEqual(
      to === "12" ? { [bob.userId]: 50 } : { [alice.userId]: 100, [bob.userId]: 50 },
    );
    expect(await alice.get(`directory/room/${at(`#${alias}:hs1`)}`)).toMatchObject({ room_id: fresh });
    expect(await alice.get(`directory/list/room/${at(fresh)}`)).toEqual({ visibility: "public" });
    expect(await alice.get(`directory/list/room/${at(old)}`)).toEqual({ visibility: "private" });

    // The old room is quiet; the new one is open to those who were there, and not to those who were banned.
    expect(await state(alice, old, "m.room.power_levels")).toMatchObject({ events_default: 50, invite: 50 });
    await bob.post(`rooms/${at(fresh)}/join`, {});
    expect(await bob.send(fresh, "here we are")).toStartWith("$");
    expect((await refusal(carol.post(`rooms/${at(fresh)}/join`, {}))).code).toBe("M_FORBIDDEN");
    // Whoever upgraded it can do so again.
    await upgrade(alice, fresh, "12");
  });
}

test("levels that version 9 takes as texts are numbers in the room that replaces it", async () => {
  const { room_id: old } = await alice.post<{ room_id: string }>("createRoom", {
    room_version: "9",
    power_level_content_override: {
      users: { [alice.userId]: " +0100 ", [bob.userId]: "50" },
      events_default: "5",
    },
  });
  const fresh = await upgrade(alice, old, "11");
  expect(await state(alice, fresh, "m.room.power_levels")).toMatchObject({
    users: { [alice.userId]: 100, [bob.userId]: 50 },
    events_default: 5,
  });
});

test("a space keeps its type and its tree, and a version that is none is refused", async () => {
  const { room_id: old } = await alice.post<{ room_id: string }>("createRoom", {
    name: "Space",
    creation_content: { type: "m.space" },
  });
  await alice.call("PUT", `rooms/${at(old)}/state/m.space.child/${at("!child:hs1")}`, { via: ["hs1"] });
  expect((await refusal(upgrade(alice, old, "nonsense"))).code).toBe("M_UNSUPPORTED_ROOM_VERSION");
  expect((await refusal(upgrade(bob, old, "12"))).code).toBe("M_FORBIDDEN");
  expect((await refusal(alice.post(`rooms/${at(old)}/upgrade`, {}))).code).toBe("M_MISSING_PARAM");
  const fresh = await upgrade(alice, old, "12", { additional_creators: [bob.userId] });
  expect(await state(alice, fresh, "m.room.create")).toMatchObject({
    type: "m.space",
    additional_creators: [bob.userId],
  });
  expect(await state(alice, fresh, "m.space.child", "!child:hs1")).toEqual({ via: ["hs1"] });
});

test("who comes into the new room keeps the old one's push rule, tags and place among the chats", async () => {
  const mine = (person: Person, path: string) => `user/${at(person.userId)}/${path}`;
  const keep = async (person: Person, roomId: string, other: Person) => {
    await person.call("PUT", `pushrules/global/room/${at(roomId)}`, { actions: [] });
    await person.call("PUT", mine(person, `rooms/${at(roomId)}/tags/u.kept`), { order: 0.5 });
    await person.call("PUT", mine(person, "account_data/m.direct"), {
      [other.userId]: [roomId],
      "@else:hs1": ["!other:hs1"],
    });
  };
  const kept = async (person: Person, roomId: string) => ({
    rule: await person.get(`pushrules/global/room/${at(roomId)}`),
    tags: await person.get(mine(person, `rooms/${at(roomId)}/tags`)),
    direct: await person.get(mine(person, "account_data/m.direct")),
  });
  const expected = (old: string, replacement: string, other: Person, enabled: boolean) => ({
    rule: { rule_id: replacement, default: false, enabled, actions: [] },
    tags: { tags: { "u.kept": { order: 0.5 } } },
    direct: { [other.userId]: [old, replacement], "@else:hs1": ["!other:hs1"] },
  });

  const { room_id: old } = await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat" });
  await bob.post(`rooms/${at(old)}/join`, {});
  await keep(alice, old, bob);
  await keep(bob, old, alice);
  await bob.call("PUT", `pushrules/global/room/${at(old)}/enabled`, { enabled: false });
  const replacement = await upgrade(alice, old, "11");
  expect(await kept(alice, replacement)).toEqual(expected(old, replacement, bob, true));
  expect((await refusal(bob.get(`pushrules/global/room/${at(replacement)}`))).code).toBe("M_NOT_FOUND");
  await bob.post(`rooms/${at(replacement)}/join`, {});
  expect(await kept(bob, replacement)).toEqual(expected(old, replacement, alice, false));

  // What somebody has chosen in the new room stays, and who was not in the old one gets nothing.
  await bob.call("DELETE", mine(bob, `rooms/${at(replacement)}/tags/u.kept`));
  await bob.post(`rooms/${at(replacement)}/leave`, {});
  await bob.post(`rooms/${at(replacement)}/join`, {});
  expect(await bob.get(mine(bob, `rooms/${at(replacement)}/tags`))).toEqual({ tags: {} });
  await carol.call("PUT", `pushrules/global/room/${at(old)}`, { actions: [] });
  await carol.post(`rooms/${at(replacement)}/join`, {});
  expect((await refusal(carol.get(`pushrules/global/room/${at(replacement)}`))).code).toBe("M_NOT_FOUND");
});

test("a room that somebody makes in the place of another by hand is one too", async () => {
  const { room_id: old } = await alice.post<{ room_id: string }>("createRoom", {});
  await alice.call("PUT", `pushrules/global/room/${at(old)}`, { actions: ["notify"] });
  const made = await alice.post<{ room_id: string }>("createRoom", {
    creation_content: { predecessor: { room_id: old } },
  });
  expect(await alice.get(`pushrules/global/room/${at(made.room_id)}`)).toMatchObject({ actions: ["notify"] });
});
