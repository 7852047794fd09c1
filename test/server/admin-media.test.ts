/** What people have uploaded, in the hands of administrators: who has how much, and what goes or is hidden. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  operatorOf,
  refusal,
  register,
  startTestServer,
  type Person,
  type TestServer,
} from "./test-server.js";

let server: TestServer;
let admin: ReturnType<typeof operatorOf>;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  server = await startTestServer({ media: { userBytes: 1_000 } });
  admin = operatorOf(server);
  [alice, bob] = await Promise.all([register(server, "alice"), register(server, "bob")]);
});
afterAll(() => server.stop());

/** @returns the id of the media, or the status of the refusal */
async function upload(person: Person, body: string): Promise<string> {
  const response = await fetch(`${server.url}/_matrix/media/v3/upload?filename=n`, {
    method: "POST",
    headers: { authorization: `Bearer ${person.token}`, "content-type": "text/plain" },
    body,
  });
  const { content_uri: uri } = (await response.json()) as { content_uri?: string };
  return uri?.split("/").at(-1) ?? String(response.status);
}
const status = async (mediaId: string) =>
  (
    await fetch(`${server.url}/_matrix/client/v1/media/download/hs1/${mediaId}`, {
      headers: { authorization: `Bearer ${bob.token}` },
    })
  ).status;
const isKept = (content: string) => {
  const hash = createHash("sha256").update(content).digest("hex");
  return existsSync(join(server.folder, "media", hash.slice(0, 2), hash.slice(2)));
};

test("who has uploaded how much, and what", async () => {
  const ids = [await upload(alice, "one"), await upload(alice, "three")].toSorted();
  await upload(bob, "x");
  expect(await admin.get<object>("/media?limit=1")).toEqual({
    users: [{ user_id: "@alice:hs1", media_count: 2, media_bytes: 8 }],
    next: "@alice:hs1",
  });
  expect(await admin.get<object>("/media?from=@alice:hs1")).toEqual({
    users: [{ user_id: "@bob:hs1", media_count: 1, media_bytes: 1 }],
  });
  type List = { media: { media_id: string }[]; next?: string };
  const first = await admin.get<List>("/users/@alice:hs1/media?limit=1");
  const rest = await admin.get<List>(`/users/@alice:hs1/media?limit=1&from=${first.next ?? ""}`);
  expect([...first.media, ...rest.media].map((media) => media.media_id)).toEqual(ids);
  expect(rest.next).toBeUndefined();
  expect(await admin.get<object>(`/media/${ids[0] ?? ""}`)).toMatchObject({
    ...{ user_id: "@alice:hs1", type: "text/plain", name: "n", quarantined: false },
  });
  expect((await refusal(admin.get("/users/@none:hs1/media"))).code).toBe("M_NOT_FOUND");
  expect((await refusal(alice.get("/_imcloud/admin/v1/media"))).code).toBe("M_FORBIDDEN");
});

test("what is deleted is gone, and its file once nobody has it", async () => {
  const [hers, his] = [await upload(alice, "shared"), await upload(bob, "shared")];
  await admin.call("DELETE", `/media/${hers}`);
  expect([await status(hers), await status(his), isKept("shared")]).toEqual([404, 200, true]);
  await admin.call("DELETE", `/media/${his}`);
  expect([await status(his), isKept("shared")]).toEqual([404, false]);
  expect((await refusal(admin.call("DELETE", `/media/${his}`))).code).toBe("M_NOT_FOUND");
});

test("deleting a content while others upload it leaves none of them without it", async () => {
  for (let round = 0; round < 20; round++) {
    const content = `contested ${round}`;
    const first = await upload(alice, content);
    const [second] = await Promise.all([upload(bob, content), admin.call("DELETE", `/media/${first}`)]);
    expect(await status(second)).toBe(200);
    await admin.call("DELETE", `/media/${second}`);
    expect(isKept(content)).toBe(false);
  }
});

test("all of an account's goes, or what is older than a moment", async () => {
  const carol = await register(server, "carol");
  for (let index = 0; index < 3; index++) await upload(carol, `old ${index}`);
  const moment = Date.now() + 1;
  while (Date.now() <= moment) await new Promise((resolve) => setImmediate(resolve));
  const kept = await upload(carol, "young");
  const path = `/users/${carol.userId}/media`;
  expect(await admin.call<object>("DELETE", `${path}?before=${moment}`)).toEqual({ deleted: 3 });
  expect([await status(kept), isKept("old 1")]).toEqual([200, false]);
  expect(await admin.call<object>("DELETE", path)).toEqual({ deleted: 1 });
  expect(await status(kept)).toBe(404);
});

test("a content in quarantine is out of sight, whoever has uploaded it or will", async () => {
  const [hers, his] = [await upload(alice, "bad"), await upload(bob, "bad")];
  const set = (quarantined: boolean) =>
    admin.call<object>("PUT", `/media/${hers}/quarantine`, { quarantined });
  expect(await set(true)).toEqual({ affected: 2 });
  const later = await upload(bob, "bad");
  expect(await Promise.all([hers, his, later].map(status))).toEqual([404, 404, 404]);
  expect(await admin.get<object>(`/media/${later}`)).toMatchObject({ quarantined: true });
  expect(await set(false)).toEqual({ affected: 3 });
  expect(await Promise.all([hers, his, later].map(status))).toEqual([200, 200, 200]);
  const none = admin.call("PUT", "/media/none/quarantine", { quarantined: true });
  expect((await refusal(none)).code).toBe("M_NOT_FOUND");
});

test("an upload that has no room leaves no file", async () => {
  const content = "y".repeat(1_001);
  expect([await upload(alice, content), isKept(content)]).toEqual(["403", false]);
});
