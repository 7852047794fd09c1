/** The page at `/status`: for people, and harmless. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { createHash } from "node:crypto";
import { Parser } from "htmlparser2";
import manifest from "../../package.json";
import { startTestServer, type TestServer } from "./test-server.js";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    publicBaseUrl: `https://chat.example.org/"><script>alert(1)</script>&/`,
    registration: { mode: "token" },
  });
});
afterAll(() => server.stop());

/** The texts by the name of their element, and all attributes. */
function read(page: string) {
  const texts = new Map<string, string>();
  const attributes: Record<string, string>[] = [];
  const open: string[] = [];
  const parser = new Parser({
    onopentag(name, given) {
      open.push(name);
      attributes.push(given);
    },
    ontext(text) {
      const name = open.at(-1) ?? "";
      texts.set(name, (texts.get(name) ?? "") + text);
    },
    onclosetag: () => void open.pop(),
  });
  parser.end(page);
  return { texts, attributes };
}

test("says whose server it is, that it is well, and how to come in", async () => {
  const response = await fetch(`${server.url}/status?from=browser`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const { texts, attributes } = read(await response.text());
  expect([texts.get("h1"), texts.get("title")]).toEqual(["hs1", "hs1"]);
  expect(texts.get("code")).toBe(`https://chat.example.org/"><script>alert(1)</script>&`);
  expect(texts.get("p")).toContain("It is up, and takes messages.");
  expect(texts.get("li")).toContain("registration token");
  expect(texts.get("footer")).toContain(manifest.version);
  const links = attributes.flatMap(({ href = [] }) => href);
  expect(links).toEqual(["/", "/_matrix/client/versions"]);
  expect((await fetch(`${server.url}${links[1] ?? ""}`)).status).toBe(200);
});

test("runs nothing, loads nothing, and is framed by nobody", async () => {
  const response = await fetch(`${server.url}/status`);
  const page = await response.text();
  const { texts, attributes } = read(page);
  expect(texts.has("script")).toBe(false);
  expect(
    attributes.filter((given) => Object.keys(given).some((name) => /^on|^src|^style$/.test(name))),
  ).toEqual([]);
  const hash = createHash("sha256")
    .update(texts.get("style") ?? "")
    .digest("base64");
  expect(response.headers.get("content-security-policy")?.split("; ")).toEqual([
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(response.headers.has("access-control-allow-origin")).toBe(false);
});

test("answers HEAD without a body, and leaves other methods and paths to the API", async () => {
  const head = await fetch(`${server.url}/status`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  for (const [method, path] of [
    ["POST", "/status"],
    ["GET", "/index.html"],
  ] as const) {
    const response = await fetch(`${server.url}${path}`, { method });
    expect([response.status, ((await response.json()) as { errcode: string }).errcode]).toEqual([
      404,
      "M_UNRECOGNIZED",
    ]);
  }
});

test("says when the server takes no messages, and not why", async () => {
  const { store, log } = server.running.services;
  using ping = spyOn(store, "ping").mockRejectedValue(new Error("a secret of the disk's"));
  using noted = spyOn(log, "error").mockImplementation(() => undefined);
  const response = await fetch(`${server.url}/status`);
  const page = await response.text();
  expect(response.status).toBe(503);
  expect(read(page).texts.get("p")).toContain("cannot take messages at present");
  expect(page).not.toContain("secret");
  expect([ping.mock.calls.length, noted.mock.calls.length]).toEqual([1, 1]);
});
