/** Uploads and downloads: what comes back, how, to whom, and what is too much. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { callApi, refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

const LIMIT = 200_000;
let server: TestServer;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  server = await startTestServer({ media: { uploadBytes: LIMIT, userBytes: 2 * LIMIT } });
  [alice, bob] = await Promise.all([register(server, "alice"), register(server, "bob")]);
});
afterAll(() => server.stop());

const folder = () => join(server.folder, "media");
const raw = (person: Person | undefined, method: string, path: string, init: RequestInit = {}) =>
  fetch(`${server.url}${path}`, {
    method,
    ...init,
    headers: {
      ...(person !== undefined && { authorization: `Bearer ${person.token}` }),
      ...(init.headers as Record<string, string> | undefined),
    },
  });

async function upload(
  person: Person,
  body: string | Buffer<ArrayBuffer>,
  type = "image/png",
  query = "",
): Promise<string> {
  const response = await raw(person, "POST", `/_matrix/media/v3/upload${query}`, {
    body,
    headers: { "content-type": type },
  });
  const answer = (await response.json()) as { content_uri?: string; errcode?: string };
  if (answer.content_uri === undefined) throw new Error(`${response.status} ${answer.errcode ?? ""}`);
  return answer.content_uri;
}
const place = (uri: string, of = "download") => uri.replace("mxc://", `/_matrix/client/v1/media/${of}/`);
const download = (person: Person | undefined, uri: string, rest = "", headers: Record<string, string> = {}) =>
  raw(person, "GET", `${place(uri)}${rest}`, { headers });

test("what was uploaded comes back as it was, to whoever has a token, and may be kept", async () => {
  const content = Buffer.from(Array.from({ length: 50_000 }, (_, index) => index % 251));
  const uri = await upload(alice, content, "image/png", "?filename=My%20picture.png");
  expect(uri).toStartWith("mxc://hs1/");
  const response = await download(bob, uri);
  expect(response.status).toBe(200);
  expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
  const header = (name: string) => response.headers.get(name);
  expect(header("content-type")).toBe("image/png");
  expect(header("content-length")).toBe("50000");
  expect(header("content-disposition")).toBe("inline; filename*=utf-8''My%20picture.png");
  expect(header("content-security-policy")).toContain("sandbox; default-src 'none'");
  expect(header("x-content-type-options")).toBe("nosniff");
  expect(header("access-control-allow-origin")).toBe("*");
  expect(header("cache-control")).toContain("immutable");

  const again = await download(bob, uri, "", { "if-none-match": header("etag") ?? "" });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const named = await download(bob, uri, "/other.png");
  expect(named.headers.get("content-disposition")).toBe("inline; filename=other.png");
  const open = await download(undefined, uri);
  expect([open.status, ((await open.json()) as { errcode: string }).errcode]).toEqual([
    401,
    "M_MISSING_TOKEN",
  ]);
  expect((await raw(undefined, "GET", uri.replace("mxc://", "/_matrix/media/v3/download/"))).status).toBe(
    404,
  );
});

test("the paths of old SDKs", async () => {
  const response = await raw(alice, "POST", "/_matrix/media/r0/upload", { body: "old" });
  const { content_uri: uri } = (await response.json()) as { content_uri: string };
  expect(await (await download(bob, uri)).text()).toBe("old");
});

test("the old, open way has nothing, as nothing was there before tokens were needed", async () => {
  const uri = await upload(alice, "x");
  for (const [version, rest] of [
    ["v3", ""],
    ["r0", ""],
    ["v3", "/name.png"],
  ] as const) {
    const response = await raw(
      undefined,
      "GET",
      `${uri.replace("mxc://", `/_matrix/media/${version}/download/`)}${rest}`,
    );
    const { errcode } = (await response.json()) as { errcode: string };
    expect([response.status, errcode]).toEqual([404, "M_NOT_FOUND"]);
  }
  const thumbnail = await raw(undefined, "GET", uri.replace("mxc://", "/_matrix/media/v3/thumbnail/"));
  expect(thumbnail.status).toBe(404);
});

test("a part of it, as players ask for it", async () => {
  const uri = await upload(alice, "0123456789", "audio/ogg");
  const part = async (range: string) => {
    const response = await download(bob, uri, "", { range });
    return [response.status, response.headers.get("content-range"), await response.text()];
  };
  expect(await part("bytes=2-4")).toEqual([206, "bytes 2-4/10", "234"]);
  expect(await part("bytes=7-")).toEqual([206, "bytes 7-9/10", "789"]);
  expect(await part("bytes=-3")).toEqual([206, "bytes 7-9/10", "789"]);
  expect(await part("bytes=8-99")).toEqual([206, "bytes 8-9/10", "89"]);
  expect(await part("bytes=10-")).toEqual([416, "bytes */10", ""]);
  for (const range of ["bytes=4-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-"])
    expect(await part(range)).toEqual([200, null, "0123456789"]);
});

test("what could run in a browser is never shown in place, whatever it is called", async () => {
  for (const [type, kind] of [
    ["text/html", "attachment"],
    ["image/svg+xml", "attachment"],
    ["application/javascript", "attachment"],
    ["Image/PNG; charset=x", "inline"],
    ["text/plain;charset=utf-8", "inline"],
  ] as const) {
    const response = await download(bob, await upload(alice, "<script>", type));
    expect([response.headers.get("content-type"), response.headers.get("content-disposition")]).toEqual([
      type,
      kind,
    ]);
  }
  const odd = await download(bob, await upload(alice, "x", "no type at all"));
  expect(odd.headers.get("content-type")).toBe("application/octet-stream");
  const name = encodeURIComponent('"; filename=evil.html\r\nx: y\ud83d\ude00');
  const named = await download(bob, await upload(alice, "x", "image/png", `?filename=${name}`));
  expect(named.headers.get("content-disposition")).toBe(
    "inline; filename*=utf-8''%22%3B%20filename%3Devil.html%0D%0Ax%3A%20y%F0%9F%98%80",
  );
  expect(named.headers.get("x")).toBeNull();
});

test("too much is refused, said or not said beforehand, and leaves nothing", async () => {
  const big = Buffer.alloc(LIMIT + 1, 7);
  const said = await raw(alice, "POST", "/_matrix/media/v3/upload", { body: big });
  expect([said.status, ((await said.json()) as { errcode: string }).errcode]).toEqual([413, "M_TOO_LARGE"]);
  const { content_uri } = await alice.post<{ content_uri: string }>("/_matrix/media/v1/create", {});
  const later = `/_matrix/media/v3/upload/${content_uri.slice("mxc://".length)}`;
  const filled = await raw(alice, "PUT", later, { body: big });
  expect([filled.status, ((await filled.json()) as { errcode: string }).errcode]).toEqual([
    413,
    "M_TOO_LARGE",
  ]);
  const silent = new ReadableStream({
    start(controller) {
      for (let at = 0; at < 5; at++) controller.enqueue(big.subarray(0, LIMIT / 4));
      controller.close();
    },
  });
  const unsaid = await raw(alice, "POST", "/_matrix/media/v3/upload", { body: silent });
  expect([unsaid.status, ((await unsaid.json()) as { errcode: string }).errcode]).toEqual([
    413,
    "M_TOO_LARGE",
  ]);
  expect(readdirSync(join(folder(), "incoming"))).toEqual([]);

  // JSON has its own limit, also for who does not say how much comes.
  const endless = new ReadableStream({
    start(controller) {
      for (let at = 0; at < 30; at++) controller.enqueue(Buffer.alloc(50_000, 0x20));
      controller.close();
    },
  });
  const room = await raw(alice, "POST", "/_matrix/client/v3/createRoom", { body: endless });
  expect([room.status, ((await room.json()) as { errcode: string }).errcode]).toEqual([413, "M_TOO_LARGE"]);
});

test("one account's uploads have a limit together; another's have their own", async () => {
  const carol = await register(server, "carol");
  for (const fill of [1, 2]) await upload(carol, Buffer.alloc(LIMIT, fill));
  expect(await upload(carol, "x").catch((error: unknown) => String(error))).toBe("Error: 403 M_FORBIDDEN");
  expect(await upload(bob, "x")).toStartWith("mxc://");
});

test("the same content is kept once, and what a killed server left is taken away", async () => {
  const content = Buffer.from("the same for all");
  const [one, other] = [await upload(alice, content), await upload(bob, content, "text/plain")];
  expect(one).not.toBe(other);
  const hash = createHash("sha256").update(content).digest("hex");
  expect(existsSync(join(folder(), hash.slice(0, 2), hash.slice(2)))).toBe(true);
  expect(await (await download(alice, other)).text()).toBe("the same for all");

  const second = await startTestServer();
  const own = join(second.folder, "media", "incoming");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "half"), "half of");
  await second.running.services.media.tidy();
  expect(existsSync(own)).toBe(false);
  await second.stop();
});

test("a place may be taken first and filled later, once, by who took it", async () => {
  const create = () =>
    alice.call<{ content_uri: string; unused_expires_at: number }>("POST", "/_matrix/media/v1/create", {});
  const { content_uri: uri, unused_expires_at: until } = await create();
  expect(until - Date.now()).toBeGreaterThan(23 * 3_600_000);
  const put = async (person: Person, to = uri) => {
    const path = to.replace("mxc://", "/_matrix/media/v3/upload/");
    const response = await raw(person, "PUT", path, {
      body: "later",
      headers: { "content-type": "text/plain" },
    });
    return [response.status, ((await response.json()) as { errcode?: string }).errcode];
  };
  const empty = await download(bob, uri, "?timeout_ms=0");
  expect([empty.status, ((await empty.json()) as { errcode: string }).errcode]).toEqual([
    504,
    "M_NOT_YET_UPLOADED",
  ]);
  expect(await put(bob)).toEqual([403, "M_FORBIDDEN"]);
  // Whoever asks too early is answered when it is there.
  const [early, small] = [download(bob, uri), download(bob, uri, "?timeout_ms=5")];
  expect((await small).status).toBe(504);
  expect(await put(alice)).toEqual([200, undefined]);
  expect(await (await early).text()).toBe("later");
  expect(await put(alice)).toEqual([409, "M_CANNOT_OVERWRITE_MEDIA"]);
  expect(await put(alice, "mxc://hs1/none")).toEqual([404, "M_NOT_FOUND"]);
  expect(await put(alice, "mxc://hs2/other")).toEqual([400, "M_INVALID_PARAM"]);
  expect(await (await download(bob, uri)).text()).toBe("later");

  const dora = await register(server, "dora");
  const take = () => dora.call("POST", "/_matrix/media/v1/create", {});
  for (let taken = 0; taken < 20; taken++) await take();
  expect((await refusal(take())).code).toBe("M_LIMIT_EXCEEDED");
});

test("what is not there, and what the server says of itself", async () => {
  for (const uri of ["mxc://hs1/none", "mxc://hs2/any", "mxc://hs1/..%2f..%2fimcloud.sqlite"])
    expect((await download(alice, uri)).status).toBe(404);
  for (const path of ["/_matrix/client/v1/media/config", "/_matrix/media/v3/config"])
    expect(await alice.get<object>(path)).toEqual({ "m.upload.size": LIMIT });
  expect(
    (await refusal(callApi(server.url, "GET", place("mxc://hs1/none"), undefined, bob.token))).code,
  ).toBe("M_NOT_FOUND");
});
