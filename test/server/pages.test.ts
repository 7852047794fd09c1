/** The pages for people: what they are served with. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { startTestServer, type TestServer } from "./test-server.js";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** As it comes over the wire. */
const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${server.url}${path}`, { method, headers, decompress: false } as RequestInit);

/** The addresses that a document names. */
const assetsOf = (html: string): string[] =>
  [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? "");

const text = async (path: string) => (await get(path, { "accept-encoding": "identity" })).text();

describe.each(["/", "/admin"])("%s", (path) => {
  test("runs this server's scripts alone, and is framed by nobody", async () => {
    const { headers, status } = await get(path);
    const policy = headers.get("content-security-policy") ?? "";
    expect(status).toBe(200);
    const rules = policy.split("; ");
    for (const rule of [
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(rules).toContain(rule);
    expect(policy).not.toMatch(/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|https?:|\*/);
    expect([
      headers.get("x-frame-options"),
      headers.get("x-content-type-options"),
      headers.get("referrer-policy"),
      headers.get("cross-origin-opener-policy"),
      headers.has("access-control-allow-origin"),
    ]).toEqual(["DENY", "nosniff", "no-referrer", "same-origin", false]);
    // Voice messages, and codes for verification.
    expect(headers.get("permissions-policy")).toContain("camera=(self), microphone=(self)");
  });

  test("is asked for each time, and sent once", async () => {
    const first = await get(path);
    const tag = first.headers.get("etag") ?? "";
    expect(first.headers.get("cache-control")).toBe("no-cache");
    const again = await get(path, { "if-none-match": `W/${tag}, "other"` });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    expect((await get(path, { "if-none-match": '"other"' })).status).toBe(200);
  });

  test("has no script, style or address of anybody else within", async () => {
    const html = await text(path);
    expect(html).not.toMatch(/<script(?![^>]* src="\/assets\/)|<style|https?:|\son\w+=/);
    expect(assetsOf(html).length).toBeGreaterThan(2);
  });
});

test("what a document loads may be kept for ever, and comes as small as the browser takes it", async () => {
  for (const path of assetsOf(await text("/"))) {
    const plain = Buffer.from(await (await get(path, { "accept-encoding": "identity" })).arrayBuffer());
    const small = await get(path, { "accept-encoding": "gzip, deflate, br, zstd" });
    const packed = Buffer.from(await small.arrayBuffer());
    expect(small.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(small.headers.get("vary")).toBe("accept-encoding");
    if (path.endsWith(".png")) {
      expect([small.headers.get("content-encoding"), packed]).toEqual([null, plain]);
      continue;
    }
    expect(small.headers.get("content-encoding")).toBe("br");
    expect(brotliDecompressSync(packed)).toEqual(plain);
    const older = await get(path, { "accept-encoding": "br;q=0, gzip" });
    expect(older.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(Buffer.from(await older.arrayBuffer()))).toEqual(plain);
    expect(small.headers.get("etag")).not.toBe(older.headers.get("etag"));
  }
});

test("the worker and the manifest are found, with their types", async () => {
  const worker = await get("/service-worker.js");
  expect([worker.status, worker.headers.get("content-type"), worker.headers.get("cache-control")]).toEqual([
    200,
    "text/javascript; charset=utf-8",
    "no-cache",
  ]);
  const manifest = JSON.parse(await text("/manifest.webmanifest")) as {
    icons: { src: string }[];
    start_url: string;
  };
  expect(manifest.start_url).toBe("/");
  for (const { src } of manifest.icons) expect((await get(src)).status).toBe(200);
});

test("HEAD has no body; other methods and paths are not the pages'", async () => {
  const head = await get("/", {}, "HEAD");
  expect([head.status, await head.text()]).toEqual([200, ""]);
  for (const [method, path] of [
    ["POST", "/"],
    ["GET", "/index.html"],
    ["GET", "/page.html"],
    ["GET", "/pages.json"],
    ["GET", "/assets/"],
    ["GET", "/assets/..%2fpages.json"],
    ["GET", "/assets/%2e%2e/pages.json"],
    ["GET", "/admin/"],
  ] as const) {
    const response = await get(path, { "accept-encoding": "identity" }, method);
    expect([path, response.status]).toEqual([path, 404]);
  }
});

test("the sign-in page learns whose server it is, and how accounts are made", async () => {
  const about = (await (await fetch(`${server.url}/_imcloud/about`)).json()) as object;
  expect(about).toEqual({ server_name: "hs1", registration: "open" });
});
