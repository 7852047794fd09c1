/** Smaller pictures: how large, of what, which way up, how long they stay, and what hostile pictures come to. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { MagickFormat } from "@imagemagick/magick-wasm";
import { film, lookAt, picture, seeThrough, turned, type Picture } from "./pictures.js";
import { operatorOf, register, startTestServer, type Person, type TestServer } from "./test-server.js";

/** How many, which the environment may raise. */
const MUTILATED = Number(process.env["IMCLOUD_MUTILATED_PICTURES"] ?? 60);

let server: TestServer;
let alice: Person;

beforeAll(async () => {
  server = await startTestServer();
  alice = await register(server, "alice");
});
afterAll(() => server.stop());

async function upload(body: Picture | string, type = "image/png"): Promise<string> {
  const response = await fetch(`${server.url}/_matrix/media/v3/upload`, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${alice.token}`, "content-type": type },
  });
  return ((await response.json()) as { content_uri: string }).content_uri.split("/").at(-1) ?? "";
}
const ask = (id: string, query: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/_matrix/client/v1/media/thumbnail/hs1/${id}?${query}`, {
    headers: { authorization: `Bearer ${alice.token}`, ...headers },
  });
async function thumbnail(id: string, query: string) {
  const response = await ask(id, query);
  expect(response.status).toBe(200);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { ...lookAt(bytes), bytes, type: response.headers.get("content-type") ?? "" };
}
const refused = async (id: string, query = "width=32&height=32") => {
  const response = await ask(id, query);
  return [response.status, ((await response.json()) as { errcode: string }).errcode];
};
const folderOf = (content: Picture) => {
  const hash = createHash("sha256").update(content).digest("hex");
  return join(server.folder, "media", "thumbnails", hash.slice(0, 2), hash.slice(2));
};

test("the size that covers what was asked for, in the shape that was asked for", async () => {
  const id = await upload(picture(MagickFormat.Jpeg, 2000, 1000), "image/jpeg");
  const size = async (query: string) => {
    const { width, height } = await thumbnail(id, query);
    return `${width}x${height}`;
  };
  expect(await size("width=800&height=600&method=scale")).toBe("800x400");
  expect(await size("width=400&height=300")).toBe("640x320");
  expect(await size("width=64&height=64&method=crop")).toBe("96x96");
  expect(await size("width=300&height=200&method=crop")).toBe("320x240");
  expect(await size("width=100&height=200&method=crop")).toBe("240x320");
  // Smaller than asked for is not allowed, so it is the picture itself.
  expect(await size("width=801&height=10&method=scale")).toBe("2000x1000");
  const { colour } = await thumbnail(id, "width=96&height=96&method=crop");
  const [left = [], right = []] = [colour(0.1, 0.5), colour(0.9, 0.5)];
  expect([Number(left[0]) > 200, Number(left[2]) < 60, Number(right[2]) > 200]).toEqual([true, true, true]);
});

test("a picture that is small already is its own thumbnail", async () => {
  for (const [format, type] of [
    [MagickFormat.Jpeg, "image/jpeg"],
    [MagickFormat.Png, "image/png"],
    [MagickFormat.WebP, "image/webp"],
    [MagickFormat.Gif, "image/gif"],
  ] as const) {
    const content = picture(format, 300, 200);
    // Its bytes say what it is, whatever its uploader said.
    const id = await upload(content, "application/octet-stream");
    const found = await thumbnail(id, "width=320&height=240");
    expect([found.bytes.equals(content), found.type]).toEqual([true, type]);
  }
});

test("every format becomes JPEG, or PNG where something shows through", async () => {
  for (const format of [MagickFormat.Jpeg, MagickFormat.Png, MagickFormat.WebP, MagickFormat.Gif]) {
    const found = await thumbnail(await upload(picture(format, 500, 400)), "width=96&height=96&method=crop");
    expect([found.type, found.width, found.height]).toEqual(["image/jpeg", 96, 96]);
  }
  const found = await thumbnail(await upload(seeThrough(500, 400)), "width=96&height=96");
  expect([found.type, found.width, found.height]).toEqual(["image/png", 96, 77]);
});

test("it says what it is, and may be kept", async () => {
  const id = await upload(picture(MagickFormat.Png, 400, 400));
  const response = await ask(id, "width=96&height=96");
  const header = (name: string) => response.headers.get(name);
  expect(header("content-disposition")).toBe("inline; filename=thumbnail.jpeg");
  expect(header("content-security-policy")).toContain("sandbox");
  expect(header("cache-control")).toContain("immutable");
  const tag = header("etag") ?? "";
  expect((await ask(id, "width=96&height=96", { "if-none-match": tag })).status).toBe(304);
  expect((await ask(id, "width=32&height=32", { "if-none-match": tag })).status).toBe(200);
});

test("a camera held on its side is set upright, and its notes are gone", async () => {
  const content = turned(picture(MagickFormat.Jpeg, 1000, 500), 6);
  const { width, height, colour, bytes } = await thumbnail(await upload(content), "width=320&height=240");
  expect([width, height]).toEqual([120, 240]);
  expect(Number(colour(0.5, 0.1)[0])).toBeGreaterThan(200);
  expect(Number(colour(0.5, 0.9)[2])).toBeGreaterThan(200);
  expect([content.includes("taken at home"), bytes.includes("taken at home")]).toEqual([true, false]);
});

test("it moves only where that was asked for", async () => {
  for (const format of [MagickFormat.Gif, MagickFormat.WebP]) {
    const content = film(format, 200, 100, 4);
    const id = await upload(content);
    const still = await thumbnail(id, "width=96&height=96&animated=false");
    expect([still.type, still.frames, still.width]).toEqual(["image/jpeg", 1, 96]);
    expect((await thumbnail(id, "width=96&height=96")).frames).toBe(1);
    const moving = await thumbnail(id, "width=96&height=96&animated=true");
    expect([moving.type, moving.frames, moving.width]).toEqual(["image/webp", 4, 96]);
    // Also where the size would do.
    expect((await thumbnail(id, "width=1000&height=1000")).frames).toBe(1);
    expect((await thumbnail(id, "width=320&height=240")).frames).toBe(1);
    expect((await thumbnail(id, "width=320&height=240&animated=true")).bytes.equals(content)).toBe(true);
  }
  const photo = await upload(picture(MagickFormat.Jpeg, 500, 500));
  expect((await thumbnail(photo, "width=96&height=96&animated=true")).type).toBe("image/jpeg");
});

test("what is no picture, or only says so, is refused", async () => {
  expect(await refused(await upload("<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"))).toEqual([
    ...[400, "M_UNKNOWN"],
  ]);
  expect(await refused(await upload("no picture"))).toEqual([400, "M_UNKNOWN"]);
  const whole = picture(MagickFormat.Png, 500, 500);
  for (const damage of [
    whole.subarray(0, 40),
    Buffer.concat([whole.subarray(0, 16), Buffer.alloc(500, 0xff)]),
  ])
    expect(await refused(await upload(Buffer.from(damage)))).toEqual([400, "M_UNKNOWN"]);
  for (const query of ["width=0&height=1", "width=x&height=1", "width=1", "width=1&height=1&method=blur"])
    expect((await refused(await upload(whole), query))[0]).toBe(400);
});

test("a picture that says it is huge is refused before anything is unpacked, and the others go on", async () => {
  const bomb = await upload(pngOf(30_000, 30_000));
  const startedAt = performance.now();
  expect(await refused(bomb)).toEqual([413, "M_TOO_LARGE"]);
  expect(await refused(bomb)).toEqual([413, "M_TOO_LARGE"]);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  const good = await upload(picture(MagickFormat.Png, 501, 500));
  expect((await thumbnail(good, "width=32&height=32&method=crop")).width).toBe(32);
});

test(`${MUTILATED} pictures with bytes that are wrong are shrunk or refused, and nothing else`, async () => {
  const random = seeded(6);
  const sources = [
    ...[MagickFormat.Jpeg, MagickFormat.Png, MagickFormat.WebP].map((format) => picture(format, 300, 200)),
    ...[MagickFormat.Gif, MagickFormat.WebP].map((format) => film(format, 120, 100, 3)),
    turned(picture(MagickFormat.Jpeg, 200, 300), 6),
  ];
  const statuses = new Set<number>();
  for (let round = 0; round < MUTILATED; round++) {
    const bytes = Buffer.from(sources[round % sources.length] ?? "");
    // The first bytes stay: what is no picture at all comes no further.
    for (let wrong = 0; wrong < 1 + (round % 8); wrong++)
      bytes.writeUInt8(random(256), 12 + random(bytes.byteLength - 12));
    const id = await upload(
      bytes.subarray(0, round % 5 === 0 ? 20 + random(bytes.byteLength - 20) : undefined),
    );
    const response = await ask(id, `width=96&height=96&method=crop&animated=${round % 2 === 0}`);
    statuses.add(response.status);
    await response.arrayBuffer();
  }
  expect([...statuses].filter((status) => ![200, 400, 413].includes(status))).toEqual([]);
  expect(statuses.has(200)).toBe(true);
});

test("many at once are made one after the other, each once", async () => {
  const content = picture(MagickFormat.Png, 700, 500);
  const id = await upload(content);
  const all = await Promise.all(Array.from({ length: 20 }, () => thumbnail(id, "width=320&height=240")));
  expect(new Set(all.map(({ width }) => width))).toEqual(new Set([320]));
  expect(readdirSync(folderOf(content))).toEqual(["scale-320x240-still.jpeg"]);
});

test("it goes with its picture, and is made again when it is missing", async () => {
  const content = picture(MagickFormat.Png, 600, 500);
  const id = await upload(content);
  await thumbnail(id, "width=32&height=32&method=crop");
  rmSync(folderOf(content), { recursive: true });
  await thumbnail(id, "width=32&height=32&method=crop");
  const admin = operatorOf(server);
  const quarantine = (quarantined: boolean) => admin.call("PUT", `/media/${id}/quarantine`, { quarantined });
  await quarantine(true);
  expect(await refused(id)).toEqual([404, "M_NOT_FOUND"]);
  await quarantine(false);
  expect(existsSync(folderOf(content))).toBe(true);
  await admin.call("DELETE", `/media/${id}`);
  expect(existsSync(folderOf(content))).toBe(false);
  expect(await refused(id)).toEqual([404, "M_NOT_FOUND"]);
});

/** The same numbers each time, from 0 to below `limit`. Source: L'Ecuyer's table of multipliers, 1999. */
function seeded(seed: number): (limit: number) => number {
  let state = BigInt(seed);
  return (limit) => {
    state = (state * 1_181_783_497_276_652_981n + 1n) & 0xffff_ffff_ffff_ffffn;
    return Number((state >> 33n) % BigInt(limit));
  };
}

/** A few kilobytes that stand for so many white pixels. */
function pngOf(width: number, height: number): Picture {
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.byteLength, 0);
    frame.writeUInt32BE(Bun.hash.crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(1, 8);
  const rows = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * height, 0));
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([
    ...[signature, chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))],
  ]);
}
