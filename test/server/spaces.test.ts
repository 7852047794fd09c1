/** Spaces: the tree, its order and pages, and who sees which room of it; summaries and shared rooms. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { refusal, register, startWithPeople, type Person, type TestServer } from "./test-server.js";

let server: TestServer;
let alice: Person;
let bob: Person;
const at = encodeURIComponent;

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
});
afterAll(() => server.stop());

async function room(name: string, more: object = {}): Promise<string> {
  return (await alice.post<{ room_id: string }>("createRoom", { name, ...more })).room_id;
}
const PUBLIC = { preset: "public_chat" };
const space = (name: string, more: object = PUBLIC) =>
  room(name, { creation_content: { type: "m.space" }, ...more });
const put = (parent: string, child: string, content: object = { via: ["hs1"] }) =>
  alice.call("PUT", `rooms/${at(parent)}/state/m.space.child/${at(child)}`, content);

interface Tree {
  readonly rooms: readonly {
    readonly room_id: string;
    readonly name?: string;
    readonly room_type?: string;
    readonly children_state: readonly { readonly state_key: string; readonly origin_server_ts: number }[];
  }[];
  readonly next_batch?: string;
}
const tree = (person: Person, roomId: string, query = "") =>
  person.get<Tree>(`/_matrix/client/v1/rooms/${at(roomId)}/hierarchy${query}`);
const names = ({ rooms }: Tree) => rooms.map(({ name }) => name);

test("the tree comes depth first, in the space's order, each room once; what is removed and hidden does not", async () => {
  const [root, inner, leaf, first, unordered, hidden, gone] = [
    await space("root"),
    await space("inner"),
    await room("leaf", PUBLIC),
    await room("first", PUBLIC),
    await room("unordered", PUBLIC),
    await room("hidden"),
    await room("gone", PUBLIC),
  ];
  await put(root, unordered);
  await put(root, inner, { via: ["hs1"], order: "b", suggested: true });
  await put(root, first, { via: ["hs1"], order: "a" });
  await put(root, hidden);
  await put(root, "!elsewhere:hs2");
  await put(root, gone);
  await put(root, gone, {});
  await put(inner, leaf);
  await put(inner, root);

  expect(names(await tree(bob, root))).toEqual(["root", "first", "inner", "leaf", "unordered"]);
  expect(names(await tree(alice, root))).toEqual(["root", "first", "inner", "leaf", "unordered", "hidden"]);
  expect(names(await tree(bob, root, "?suggested_only=true"))).toEqual(["root", "inner"]);
  expect(names(await tree(bob, root, "?max_depth=1"))).toEqual(["root", "first", "inner", "unordered"]);
  expect(names(await tree(bob, root, "?max_depth=0"))).toEqual(["root"]);
  const [top] = (await tree(bob, root)).rooms;
  expect(top?.room_type).toBe("m.space");
  expect(top?.children_state.map(({ state_key: key }) => key)).not.toContain(gone);
  expect(top?.children_state.every(({ origin_server_ts: ts }) => ts > 0)).toBe(true);

  const seen: (string | undefined)[] = [];
  let from = "";
  for (;;) {
    const page = await tree(bob, root, `?limit=2${from}`);
    seen.push(...names(page));
    if (page.next_batch === undefined) break;
    from = `&from=${page.next_batch}`;
  }
  expect(seen).toEqual(["root", "first", "inner", "leaf", "unordered"]);
  const { next_batch: token = "" } = await tree(bob, root, "?limit=2");
  for (const query of [`?limit=2&max_depth=1&from=${token}`, "?from=nonsense"])
    expect((await refusal(tree(bob, root, query))).code).toBe("M_INVALID_PARAM");
});

test("a room is known to who may come, may ask to, or may read it; to others it is not there", async () => {
  const summary = (person: Person, roomId: string) =>
    person.get<Record<string, unknown>>(`/_matrix/client/v1/room_summary/${at(roomId)}`);
  const club = await room("club", PUBLIC);
  const state = (type: string, content: object) => [{ type, state_key: "", content }];
  const rule = (joinRule: string, allow?: object[]) =>
    state("m.room.join_rules", { join_rule: joinRule, ...(allow && { allow }) });
  const restricted = await room("restricted", {
    initial_state: rule("restricted", [{ type: "m.room_membership", room_id: club }]),
  });
  const knock = await room("knock", { initial_state: rule("knock") });
  const readable = await room("readable", {
    initial_state: state("m.room.history_visibility", { history_visibility: "world_readable" }),
  });
  const closed = await room("closed", { room_alias_name: "closed" });

  expect(await summary(bob, knock)).toMatchObject({ join_rule: "knock", membership: "leave", name: "knock" });
  expect(await summary(bob, readable)).toMatchObject({ world_readable: true, num_joined_members: 1 });
  expect((await refusal(summary(bob, closed))).code).toBe("M_NOT_FOUND");
  expect((await refusal(summary(bob, "!none:hs1"))).code).toBe("M_NOT_FOUND");
  expect((await refusal(tree(bob, closed))).code).toBe("M_FORBIDDEN");
  expect((await refusal(tree(bob, "!none:hs1"))).code).toBe("M_FORBIDDEN");
  expect((await refusal(summary(bob, restricted))).code).toBe("M_NOT_FOUND");
  await bob.post(`rooms/${at(club)}/join`, {});
  expect(await summary(bob, restricted)).toMatchObject({ allowed_room_ids: [club] });
  expect(await summary(alice, "#closed:hs1")).toMatchObject({ room_id: closed, membership: "join" });

  await alice.post(`rooms/${at(closed)}/invite`, { user_id: bob.userId });
  expect(await summary(bob, closed)).toMatchObject({
    membership: "invite",
    room_version: expect.any(String) as string,
  });
  await alice.post(`rooms/${at(knock)}/ban`, { user_id: bob.userId });
  expect((await refusal(summary(bob, knock))).code).toBe("M_NOT_FOUND");
});

test("rooms that two are in", async () => {
  const [carol, dora] = [await register(server, "carol"), await register(server, "dora")];
  const both = await carol.post<{ room_id: string }>("createRoom", { invite: [dora.userId] });
  await carol.post("createRoom", {});
  const mutual = (user: string, more = "") =>
    carol.get(`/_matrix/client/v1/mutual_rooms?user_id=${at(user)}${more}`);
  expect(await mutual(dora.userId)).toEqual({ joined: [], count: 0 });
  await dora.post(`rooms/${at(both.room_id)}/join`, {});
  expect(await mutual(dora.userId)).toEqual({ joined: [both.room_id], count: 1 });
  expect(await mutual("@nobody:hs1")).toEqual({ joined: [], count: 0 });
  for (const call of [mutual(carol.userId), mutual("nobody"), mutual(dora.userId, "&from=x")])
    expect((await refusal(call)).code).toBe("M_INVALID_PARAM");
});
