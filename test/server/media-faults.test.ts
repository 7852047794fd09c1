/** Media when something is wrong: a full disk, damaged files, clients that take their time. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MagickFormat } from "@imagemagick/magick-wasm";
import { picture } from "./pictures.js";
import { register, startTestServer, type Person, type TestServer } from "./test-server.js";

/** What the small disk holds, in bytes. */
const DISK = 4_194_304;
const SLOW = 100;
const place = mkdtempSync(join(tmpdir(), "imcloud-media-faults-"));
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "none", place]).status === 0;
let server: TestServer;
let alice: Person;
let names = 0;

beforeAll(async () => {
  server = await startTestServer({ media: { folder: place } });
});
beforeEach(async () => {
  alice = await register(server, `alice${(names += 1)}`);
});
afterAll(async () => {
  await server.stop();
  if (isMounted) spawnSync("umount", [place]);
  rmSync(place, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly body: { readonly content_uri?: string; readonly errcode?: string; readonly error?: string };
}
const headers = () => ({ authorization: `Bearer ${alice.token}` });
async function upload(body: Buffer<ArrayBuffer>): Promise<Answer> {
  const response = await fetch(`${server.url}/_matrix/media/v3/upload`, {
    method: "POST",
    body,
    headers: headers(),
  });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}
const idOf = ({ body }: Answer) => body.content_uri?.split("/").at(-1) ?? "";
const get = (id: string, what = "download", query = "") =>
  fetch(`${server.url}/_matrix/client/v1/media/${what}/hs1/${id}${query}`, { headers: headers() });
const incoming = () => readdirSync(join(place, "incoming"));
const fileOf = (content: Buffer) => {
  const hash = createHash("sha256").update(content).digest("hex");
  return join(place, hash.slice(0, 2), hash.slice(2));
};
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

test.skipIf(!isMounted)(
  "a full disk refuses what is new, keeps no half of it, and goes on with room",
  async () => {
    const image = picture(MagickFormat.Png, 900, 700);
    const kept = await upload(image);
    const refused = await upload(Buffer.alloc(DISK + 1, 1));
    expect(refused).toMatchObject({ status: 503, body: { errcode: "M_UNKNOWN" } });
    expect(refused.body.error).toContain("the disk is full");
    expect(incoming()).toEqual([]);
    expect((await server.running.services.store.media.usage(alice.userId)).count).toBe(1);

    const filler = join(place, "filler");
    spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4K"]);
    const thumbnail = () => get(idOf(kept), "thumbnail", "?width=96&height=96&method=crop");
    expect((await thumbnail()).status).toBe(503);
    expect(Buffer.from(await (await get(idOf(kept))).arrayBuffer()).equals(image)).toBe(true);
    rmSync(filler);
    expect((await thumbnail()).status).toBe(200);
    expect((await upload(Buffer.alloc(1_000, 2))).status).toBe(200);
  },
);

test("a file that is not what was uploaded is not given away as such", async () => {
  const content = picture(MagickFormat.Png, 800, 700);
  const id = idOf(await upload(content));
  truncateSync(fileOf(content), content.byteLength - 1);
  for (const what of ["download", "thumbnail"]) {
    const response = await get(id, what, "?width=32&height=32");
    expect([response.status, ((await response.json()) as Answer["body"]).errcode]).toEqual([
      500,
      "M_UNKNOWN",
    ]);
  }
  rmSync(fileOf(content));
  expect((await get(id)).status).toBe(500);
  // Whoever uploads it again has mended it.
  await upload(content);
  expect((await get(id)).status).toBe(200);
  expect((await get(id, "thumbnail", "?width=32&height=32")).status).toBe(200);
});

/** Connections that send what they are given, and read nothing unless they are told to. */
function open(count: number, request: string): Socket[] {
  const { hostname, port } = new URL(server.url);
  return Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(request);
    return socket;
  });
}

test("uploads that drip hold up nobody, and leave nothing when they end", async () => {
  const head = [
    ...["POST /_matrix/media/v3/upload HTTP/1.1", "host: hs1", `authorization: Bearer ${alice.token}`],
    ...["content-type: image/png", "content-length: 100000"],
  ].join("\r\n");
  const sockets = open(SLOW, `${head}\r\n\r\nbegin`);
  await until(() => incoming().length === SLOW);
  for (const socket of sockets) socket.write("more");
  const startedAt = performance.now();
  const quick = await upload(Buffer.from("in between"));
  expect((await get(idOf(quick))).status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  for (const socket of sockets) socket.destroy();
  await until(() => incoming().length === 0);
  expect((await server.running.services.store.media.usage(alice.userId)).count).toBe(1);
});

test("headers that never end hold up nobody", async () => {
  const sockets = open(SLOW, "POST /_matrix/media/v3/upload HTTP/1.1\r\nhost: hs1\r\nx-slow: ");
  const startedAt = performance.now();
  expect((await upload(Buffer.from("beside"))).status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  for (const socket of sockets) socket.destroy();
});

test("downloads that nobody reads cost no memory, and come whole to who reads slowly", async () => {
  const content = Buffer.alloc(2_000_000, "slow");
  const id = idOf(await upload(content));
  const request = [
    ...[`GET /_matrix/client/v1/media/download/hs1/${id} HTTP/1.1`, "host: hs1", "connection: close"],
    ...[`authorization: Bearer ${alice.token}`, "", ""],
  ].join("\r\n");
  const before = process.memoryUsage.rss();
  const sockets = open(SLOW, request);
  const startedAt = performance.now();
  expect((await get(id)).status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  // All of them at once would be 200 MB.
  expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);

  const [slow] = sockets;
  if (slow === undefined) throw new Error("no connection");
  const chunks: Buffer[] = [];
  for await (const chunk of slow) {
    chunks.push(chunk as Buffer);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answer = Buffer.concat(chunks);
  expect(answer.subarray(answer.indexOf("\r\n\r\n") + 4).equals(content)).toBe(true);
  for (const socket of sockets) socket.destroy();
});
