/**
 * What is written, in which order, and what becomes of a target where that fails. Targets are files; drives are in
 * test/fault/flash.test.ts.
 */
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mappedBytes } from "../../../src/flash/read-image.js";
import type { WrittenTarget } from "../../../src/flash/types.js";
import { writeImage, type WriteProgress, type WriteRequest } from "../../../src/flash/write.js";
import { sha256, tinyImage } from "./images.js";

const MIB = 1_048_576;
const IMAGE = tinyImage(12);
const PAGE = 4096;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-write-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function* pieces(image: Buffer, bytes = 100_000) {
  for (let from = 0; from < image.length; from += bytes)
    yield await Promise.resolve(image.subarray(from, from + bytes));
}
const silent: WriteProgress = { phase: () => undefined, moved: () => undefined, ended: () => undefined };
const path = (name: string) => join(folder, name);
const fileTarget = (name: string) => ({ name, path: path(name), kind: "file" as const });

function write(more: Partial<WriteRequest> = {}, progress = silent) {
  const image = { name: "tiny.img", read: () => pieces(IMAGE), sha256: sha256(IMAGE) };
  return writeImage({ image, verify: true, targets: [fileTarget("a.img")], ...more }, progress);
}

test("byte for byte, and nothing beside it", async () => {
  const [outcome] = await write();
  expect(outcome).toEqual({
    ok: true,
    value: { sizeBytes: IMAGE.length, sha256: sha256(IMAGE), writtenBytes: 11 * MIB },
  });
  expect((await readFile(path("a.img"))).equals(IMAGE)).toBe(true);
  expect(await readdir(folder)).toEqual(["a.img"]);
});

test("zeros of a new file are not written", async () => {
  await write();
  expect((await stat(path("a.img"))).blocks * 512).toBeLessThanOrEqual(11 * MIB);
});

test("an image that is no multiple of a block", async () => {
  const odd = Buffer.concat([IMAGE, Buffer.from("and three sectors more")]);
  const [outcome] = await write({ image: { name: "odd.img", read: () => pieces(odd) } });
  expect(outcome).toMatchObject({ ok: true });
  expect((await readFile(path("a.img"))).equals(odd)).toBe(true);
});

test("an image that comes faster than its target opens", async () => {
  const large = Buffer.concat([IMAGE, IMAGE.subarray(MIB), IMAGE.subarray(MIB)]);
  const [outcome] = await write({ image: { name: "large.img", read: () => pieces(large, large.length) } });
  expect(outcome).toMatchObject({ ok: true });
  expect((await readFile(path("a.img"))).equals(large)).toBe(true);
});

test("several targets from one reading", async () => {
  const outcomes = await write({ targets: ["a", "b", "c", "d"].map(fileTarget) });
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, true]);
  for (const name of ["a", "b", "c", "d"]) expect((await readFile(path(name))).equals(IMAGE)).toBe(true);
});

test("one target that fails stops no other", async () => {
  const outcomes = await write({ targets: [fileTarget("missing/a.img"), fileTarget("b.img")] });
  expect(outcomes).toMatchObject([{ ok: false, error: { code: "flash.write-failed" } }, { ok: true }]);
  expect((await readFile(path("b.img"))).equals(IMAGE)).toBe(true);
});

test("settings are made on a target that is all there but for its partition table", async () => {
  const seen: { target: WrittenTarget; start: Buffer; rest: Buffer }[] = [];
  const customise = async (target: WrittenTarget) => {
    const bytes = await readFile(target.path);
    seen.push({ target, start: bytes.subarray(0, PAGE), rest: Buffer.from(bytes.subarray(PAGE)) });
    bytes.write("settings", target.boot.offset);
    await writeFile(target.path, bytes, { flag: "r+" });
  };
  const [outcome] = await write({ customise: () => customise });
  expect(outcome).toMatchObject({ ok: true });
  const [at] = seen;
  expect(at?.target.boot).toEqual({ offset: MIB, size: MIB });
  expect(at?.target.root).toEqual({ offset: 2 * MIB, size: 10 * MIB });
  expect(at?.start.equals(Buffer.alloc(PAGE))).toBe(true);
  expect(at?.rest.equals(IMAGE.subarray(PAGE))).toBe(true);

  const expected = Buffer.from(IMAGE);
  expected.write("settings", MIB);
  expect((await readFile(path("a.img"))).equals(expected)).toBe(true);
});

test.each([
  ["settings that fail", { customise: () => () => Promise.reject(new Error("no room on FAT")) }],
  ["a stop asked for", { signal: AbortSignal.abort() }],
])("%s leave nothing", async (_, more) => {
  const [outcome] = await write(more);
  expect(outcome?.ok).toBe(false);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ["another checksum", { read: () => pieces(IMAGE), sha256: "0".repeat(64) }, "flash.image-damaged"],
  ["no partition table", { read: () => pieces(Buffer.alloc(3 * MIB)) }, "flash.image-unusable"],
  ["nothing at all", { read: () => pieces(Buffer.alloc(0)) }, "flash.image-unusable"],
  ["a boot sector without partitions", { read: () => pieces(bootSectorOnly()) }, "flash.image-unusable"],
  [
    "a bmap that knows other bytes",
    { read: () => pieces(IMAGE), ranges: [{ offset: 0, end: PAGE, sha256: "0".repeat(64) }] },
    "flash.image-damaged",
  ],
  [
    "a bmap that goes on behind the end",
    { read: () => pieces(IMAGE), ranges: [{ offset: 20 * MIB, end: 21 * MIB }] },
    "flash.image-damaged",
  ],
])("an image with %s is the image's fault, and leaves nothing", async (_, image, code) => {
  await expect(write({ image: { name: "tiny.img", ...image } })).rejects.toMatchObject({ code });
  expect(await readdir(folder)).toEqual([]);
});

test("what a bmap leaves out is not written", async () => {
  const ranges = [
    { offset: 0, end: PAGE, sha256: sha256(IMAGE.subarray(0, PAGE)) },
    {
      offset: 3 * MIB - PAGE,
      end: 5 * MIB + PAGE,
      sha256: sha256(IMAGE.subarray(3 * MIB - PAGE, 5 * MIB + PAGE)),
    },
  ];
  let [passed, isWriting] = [0, false];
  const [outcome] = await write(
    { image: { name: "tiny.img", read: () => pieces(IMAGE), ranges } },
    {
      ...silent,
      phase: (_, phase) => (isWriting = phase === "writing"),
      moved: (_, bytes) => (passed += isWriting ? bytes : 0),
    },
  );
  expect(outcome).toMatchObject({ ok: true, value: { writtenBytes: 2 * MIB + 3 * PAGE } });
  expect(passed).toBe(mappedBytes(ranges, IMAGE.length));
  const written = await readFile(path("a.img"));
  const expected = Buffer.alloc(IMAGE.length);
  for (const { offset, end } of ranges) IMAGE.copy(expected, offset, offset, end);
  expect(written.equals(expected)).toBe(true);
});

test("ranges of a bmap that lie close together are written in one piece", async () => {
  const page = (index: number) => ({ offset: 4 * MIB + index * PAGE, end: 4 * MIB + (index + 1) * PAGE });
  const ranges = [{ offset: 0, end: PAGE }, page(0), page(16), page(33)];
  const [outcome] = await write({ image: { name: "tiny.img", read: () => pieces(IMAGE), ranges } });
  expect(outcome).toMatchObject({ ok: true, value: { writtenBytes: (1 + 17 + 1) * PAGE } });
  const written = await readFile(path("a.img"));
  const [near, far] = [page(16), page(33)];
  const upTo = (image: Buffer) => image.subarray(4 * MIB, near.end);
  expect(upTo(written).equals(upTo(IMAGE))).toBe(true);
  expect(written.subarray(near.end, far.offset).equals(Buffer.alloc(16 * PAGE))).toBe(true);
  expect(written.subarray(far.offset, far.end).equals(IMAGE.subarray(far.offset, far.end))).toBe(true);
});

function bootSectorOnly(): Buffer {
  const image = Buffer.alloc(2 * MIB);
  image.writeUInt16LE(0xaa55, 510);
  return image;
}
