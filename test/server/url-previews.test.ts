/** Previews of links: what is shown of a page, and that nobody looks into the server's own networks by them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { MagickFormat } from "@imagemagick/magick-wasm";
import { previewOf } from "../../src/server/core/page-preview.js";
import { picture } from "./pictures.js";
import { refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

type Answer = () => Response | Promise<Response>;

/** Pages by their paths. */
const pages = new Map<string, Answer>();
/** What was asked for, of both listeners. */
let asked: string[] = [];
const serve = (hostname: string, port: number) =>
  Bun.serve({
    hostname,
    port,
    idleTimeout: 60,
    fetch: ({ url }) => {
      asked.push(url);
      return pages.get(new URL(url).pathname)?.() ?? new Response("none", { status: 404 });
    },
  });
const web = serve("127.0.0.1", 0);
const port = web.port ?? 0;
/** In a network that nobody has allowed. */
const inner = serve("127.0.0.2", port);
const base = `http://127.0.0.1:${port}`;

let server: TestServer;
let alice: Person;

beforeAll(async () => {
  server = await startTestServer({
    previews: { enabled: true, allowedNetworks: ["127.0.0.1/32"], ports: [port], timeoutMs: 1_000 },
  });
  alice = await register(server, "alice");
});
afterAll(async () => {
  await server.stop();
  await Promise.all([web.stop(true), inner.stop(true)]);
});
beforeEach(() => {
  asked = [];
});

let names = 0;
/** @returns the address of a new page */
function page(answer: Answer | string, path = `/page${(names += 1)}`): string {
  pages.set(path, typeof answer === "string" ? () => html(answer) : answer);
  return `${base}${path}`;
}
const html = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  new Response(body, { headers: { "content-type": "text/html", ...headers } });
const redirect = (location: string) => new Response(null, { status: 302, headers: { location } });
const preview = (url: string, more = "", person = alice) =>
  person.get<Record<string, unknown>>(
    `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(url)}${more}`,
  );
const refused = async (url: string, person = alice) => {
  const { status, code } = await refusal(preview(url, "", person));
  return [status, code];
};

test("what a page says of itself, with its picture as media", async () => {
  const image = picture(MagickFormat.Png, 40, 30);
  page(() => new Response(image, { headers: { "content-type": "image/png" } }), "/cat.png");
  const url = page(`<html><head><title>Ignored</title>
    <meta property="og:title" content="Cats &amp; dogs"><meta property="og:title" content="second">
    <meta property="og:description" content="All  about
      them"><meta property="og:type" content="article">
    <meta property="og:image" content="cat.png"><meta property="og:image:alt" content="A cat">
    <meta property="og:image:width" content="9000"></head><body><meta name="robots" content="x">`);
  const found = await preview(url, `&ts=${Date.now()}`);
  expect(found).toEqual({
    "og:title": "Cats & dogs",
    "og:description": "All about them",
    "og:type": "article",
    "og:image": expect.stringMatching(/^mxc:\/\/hs1\//) as string,
    "og:image:type": "image/png",
    // Measured, whatever the page says.
    "og:image:width": 40,
    "og:image:height": 30,
    "og:image:alt": "A cat",
    "matrix:image:size": image.byteLength,
  });
  const path = String(found["og:image"]).replace("mxc://", "/_matrix/client/v1/media/download/");
  const response = await fetch(`${server.url}${path}`, {
    headers: { authorization: `Bearer ${alice.token}` },
  });
  expect(Buffer.from(await response.arrayBuffer()).equals(image)).toBe(true);
  // Nobody's quota.
  expect((await server.running.services.store.media.usage(alice.userId)).bytes).toBe(0);
});

test("the path from before v1.11 leads there too", async () => {
  const url = encodeURIComponent(page("<title>Old</title>"));
  expect(await alice.get(`/_matrix/media/v3/preview_url?url=${url}`)).toEqual({ "og:title": "Old" });
});

test("an answer stands for an hour, and many who ask at once ask once", async () => {
  const url = page("<title>Once</title>");
  const all = await Promise.all(Array.from({ length: 10 }, () => preview(`${url}#part`)));
  expect(all).toEqual(Array.from({ length: 10 }, () => ({ "og:title": "Once" })));
  await preview(url);
  expect(asked).toEqual([url]);
});

test("a link to a picture is that picture; to other things, nothing", async () => {
  const gif = picture(MagickFormat.Gif, 20, 20);
  const typed = (type: string, body: Uint8Array<ArrayBuffer> | string) =>
    page(() => new Response(body, { headers: { "content-type": type } }));
  expect(await preview(typed("image/gif", gif))).toMatchObject({ "og:image:type": "image/gif" });
  expect(await preview(typed("image/svg+xml", "<svg/>"))).toEqual({});
  expect(await preview(typed("application/pdf", "%PDF"))).toEqual({});
  expect(await preview(typed("image/png", "no picture"))).toEqual({});
  const missing = page('<title>T</title><meta property="og:image" content="/none.png">');
  expect(await preview(missing)).toEqual({ "og:title": "T" });
});

test("redirections are followed, a few of them", async () => {
  const end = page("<title>End</title>");
  const far = page(() => redirect(end.replace(base, "")));
  expect(await preview(page(() => redirect(far)))).toEqual({ "og:title": "End" });
  const circle = page(() => redirect("/circle"), "/circle");
  expect(await refused(circle)).toEqual([502, "M_UNKNOWN"]);
  expect(asked.filter((url) => url === circle)).toHaveLength(6);
  expect(await refused(page(() => new Response("no", { status: 500 })))).toEqual([502, "M_UNKNOWN"]);
});

test("nothing leads into networks that nobody has allowed, neither a link nor what it leads to", async () => {
  const forbidden = [
    ...[`http://127.0.0.2:${port}/`, `http://2130706434:${port}/`, `http://0x7f000002:${port}/`],
    ...[`http://0177.0.0.2:${port}/`, `http://127.2:${port}/`, `http://0.0.0.0:${port}/`],
    ...[`http://[::1]:${port}/`, `http://[::]:${port}/`, `http://[::ffff:127.0.0.2]:${port}/`],
    ...[`http://[::ffff:7f00:2]:${port}/`, `http://[64:ff9b::7f00:2]:${port}/`, `http://[fe80::1]:${port}/`],
    ...[`http://169.254.169.254:${port}/`, `http://10.0.0.1:${port}/`, `http://192.168.0.1:${port}/`],
    ...[`http://100.64.0.1:${port}/`, `https://127.0.0.2:${port}/`, `http://user@127.0.0.1:${port}/`],
    // Its port is none that may be asked.
    `http://127.0.0.1:${port === 1 ? 2 : 1}/`,
  ];
  for (const url of forbidden) {
    expect([url, ...(await refused(url))]).toEqual([url, 403, "M_FORBIDDEN"]);
    const via = await refused(page(() => redirect(url)));
    expect([url, ...via]).toEqual([url, 403, "M_FORBIDDEN"]);
    const shown = page(`<title>T</title><meta property="og:image" content="${url}">`);
    expect(await preview(shown)).toEqual({ "og:title": "T" });
  }
  const other = page(() => redirect("file:///etc/passwd"));
  expect(await refused(other)).toEqual([403, "M_FORBIDDEN"]);
  expect(asked.filter((url) => !url.startsWith(base))).toEqual([]);
});

test("a name is judged by where it leads", async () => {
  const closed = await startTestServer({ previews: { enabled: true, ports: [port] } });
  const bob = await register(closed, "bob");
  for (const name of ["localhost", "LOCALHOST", "127.0.0.1", "127.1"])
    expect(await refused(`http://${name}:${port}/`, bob)).toEqual([403, "M_FORBIDDEN"]);
  expect(asked).toEqual([]);
  await closed.stop();
});

test("what is no link of the web is refused as such", async () => {
  for (const url of ["file:///etc/passwd", "ftp://a/", "javascript:x", "gopher://a/", "//a", "x"])
    expect(await refused(url)).toEqual([400, "M_INVALID_PARAM"]);
  expect((await refusal(alice.get("/_matrix/client/v1/media/preview_url"))).code).toBe("M_MISSING_PARAM");
  const odd = alice.get(`/_matrix/client/v1/media/preview_url?ts=x&url=${encodeURIComponent(base)}`);
  expect((await refusal(odd)).code).toBe("M_INVALID_PARAM");
});

test("packed pages are read; of what unpacks to more than is wanted, the beginning is", async () => {
  const packings = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync };
  for (const [name, pack] of Object.entries(packings)) {
    const body = Uint8Array.from(pack("<title>Packed</title>"));
    expect(await preview(page(() => html(body, { "content-encoding": name })))).toEqual({
      "og:title": "Packed",
    });
  }
  const before = process.memoryUsage.rss();
  const bomb = Uint8Array.from(
    gzipSync(Buffer.concat([Buffer.from("<title>Bomb</title>"), Buffer.alloc(300_000_000)])),
  );
  expect(await preview(page(() => html(bomb, { "content-encoding": "gzip" })))).toEqual({
    "og:title": "Bomb",
  });
  expect(process.memoryUsage.rss() - before).toBeLessThan(700_000_000);
  const broken = page(() => html("no gzip", { "content-encoding": "gzip" }));
  expect(await refused(broken)).toEqual([502, "M_UNKNOWN"]);
  expect(await refused(page(() => html("x", { "content-encoding": "zip" })))).toEqual([502, "M_UNKNOWN"]);
});

test("of an endless page the beginning is read; one that takes too long is left, and the server goes on", async () => {
  let isLeft = false;
  const endless = page(
    () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue("<title>Endless</title>"),
          pull: (controller) => controller.enqueue("x".repeat(65_536)),
          cancel: () => {
            isLeft = true;
          },
        }),
        { headers: { "content-type": "text/html" } },
      ),
  );
  expect(await preview(endless)).toEqual({ "og:title": "Endless" });
  while (!isLeft) await new Promise((resolve) => setImmediate(resolve));

  const dripping = page(() => html(""));
  pages.set(
    new URL(dripping).pathname,
    () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            controller.enqueue("<p>");
            await Bun.sleep(100);
          },
        }),
        { headers: { "content-type": "text/html" } },
      ),
  );
  const silent = page(() => new Promise<Response>(() => undefined));
  const startedAt = performance.now();
  expect(await Promise.all([refused(dripping), refused(silent)])).toEqual([
    [502, "M_UNKNOWN"],
    [502, "M_UNKNOWN"],
  ]);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test("only so many links are looked at together", async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const urls = Array.from({ length: 10 }, () =>
    page(async () => {
      await gate;
      return html("<title>T</title>");
    }),
  );
  const all = urls.map((url) =>
    preview(url).then(
      () => 200,
      (error: { status: number }) => error.status,
    ),
  );
  expect(await Promise.race(all)).toBe(429);
  go();
  expect((await Promise.all(all)).filter((status) => status === 200)).toHaveLength(8);
});

test("a server that shows none says so", async () => {
  const plain = await startTestServer();
  const bob = await register(plain, "bob");
  expect(await refused(base, bob)).toEqual([404, "M_UNRECOGNIZED"]);
  expect(asked).toEqual([]);
  await plain.stop();
});

test("pictures of previews go after a week", async () => {
  const { store, urlPreviews } = server.running.services;
  expect((await store.media.page("", "", 10)).length).toBeGreaterThan(0);
  await urlPreviews.tidy();
  expect((await store.media.page("", "", 10)).length).toBeGreaterThan(0);
  await urlPreviews.tidy(Date.now() + 8 * 24 * 60 * 60_000);
  expect(await store.media.page("", "", 10)).toEqual([]);
});

test.each([
  [
    "by the server's word",
    Buffer.from("<title>\xe4</title>", "latin1"),
    "text/html; charset=ISO-8859-1",
    "ä",
  ],
  [
    "by the page's",
    Buffer.from('<meta charset="windows-1251"><title>\xcf\xf0</title>', "latin1"),
    "text/html",
    "Пр",
  ],
  [
    "by the page's, in the old way",
    Buffer.from(
      '<meta http-equiv="Content-Type" content="text/html; charset=GBK"><title>\xc4\xe3\xba\xc3</title>',
      "latin1",
    ),
    ...["text/html", "你好"],
  ],
  ["by a mark", Buffer.from("\ufeff<title>ü</title>", "utf16le"), "text/html; charset=latin1", "ü"],
  ["by a name that nobody knows", Buffer.from("<title>ü</title>"), "text/html; charset=klingon", "ü"],
])("a page's encoding is known %s", (_, bytes, type, title) => {
  expect(previewOf(bytes, type).properties["og:title"]).toBe(title);
});

test("whatever a page is, it has a preview, and soon", () => {
  const pages = [
    "<".repeat(500_000),
    "<title>".repeat(50_000),
    "<meta property=og:a content=".repeat(20_000),
  ];
  for (const text of [
    ...pages,
    "<!--".repeat(100_000),
    "&".repeat(500_000),
    "<title>" + "a".repeat(500_000),
  ]) {
    const startedAt = performance.now();
    const { properties } = previewOf(Buffer.from(text), "text/html");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    for (const value of Object.values(properties)) expect(value.length).toBeLessThanOrEqual(1_000);
  }
});
