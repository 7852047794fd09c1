/**
 * What people take for an image, and what imcloud says: code, what was found, exit code. And what it reads.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseBmap } from "../../../src/flash/bmap.js";
import { unpacked } from "../../../src/flash/decompress.js";
import { inspectImage } from "../../../src/flash/image-file.js";
import { noise, sha256, tinyImage } from "./images.js";
import { runCli } from "../cli/run-cli.js";
import { zipOf } from "./zip.js";

const IMAGE = tinyImage(6);
let folder = "";
let xz = Buffer.alloc(0);
let zstd = Buffer.alloc(0);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-images-"));
  const packed = async (program: string) =>
    Buffer.from((await execa(program, ["-1", "-c"], { input: IMAGE, encoding: "buffer" })).stdout);
  xz = await packed("xz");
  zstd = await packed("zstd");
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: Buffer | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function all(path: string, programs: boolean): Promise<Buffer> {
  const { format } = await inspectImage(path);
  const parts: Buffer[] = [];
  for await (const part of unpacked({ path, format }, programs)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

describe.each([
  ["the machine's programs", true],
  ["libraries alone", false],
])("by %s", (_, programs) => {
  const good: readonly (readonly [name: string, content: () => Buffer])[] = [
    ["a.img", () => IMAGE],
    ["a.img.xz", () => xz],
    ["a.img.gz", () => gzipSync(IMAGE)],
    ["a.img.zst", () => zstd],
    ["a.zip", () => zipOf([{ name: "a.img", content: IMAGE }])],
    ["stored.zip", () => zipOf([{ name: "a.img", content: IMAGE, isStored: true }])],
    [
      "notes.zip",
      () =>
        zipOf([
          { name: "README", content: Buffer.from("hello") },
          { name: "a.img", content: IMAGE },
          { name: "__MACOSX/._a.img", content: Buffer.from("x") },
        ]),
    ],
    ["named-wrongly.img", () => xz],
  ];
  test.each(good)("%s is read whole", async (name, content) => {
    expect(sha256(await all(await file(name, content()), programs))).toBe(sha256(IMAGE));
  });

  const damaged: readonly (readonly [name: string, content: () => Buffer])[] = [
    ["cut.img.gz", () => gzipSync(IMAGE).subarray(0, 1_000_000)],
    ["cut.img.zst", () => zstd.subarray(0, 1_000_000)],
    ["flipped.img.gz", () => flipped(gzipSync(IMAGE))],
    ["flipped.img.xz", () => flipped(xz)],
    ["flipped.zip", () => flipped(zipOf([{ name: "a.img", content: IMAGE, isStored: true }]))],
  ];
  test.each(damaged)("%s is found damaged", async (name, content) => {
    await expect(all(await file(name, content()), programs)).rejects.toMatchObject({
      code: "flash.image-damaged",
      exitCode: 65,
    });
  });
});

function flipped(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  other[2_000_000] = (other[2_000_000] ?? 0) ^ 0x10;
  return other;
}

describe("refused by `imcloud flash`", () => {
  const text = (words: string) => () => Buffer.from(words);
  const at = (offset: number, words: string) => () =>
    Buffer.concat([Buffer.alloc(offset), Buffer.from(words), Buffer.alloc(2000)]);
  const cases: readonly (readonly [name: string, content: () => Buffer, code: string, found: string])[] = [
    ["empty.img", text(""), "flash.image-unusable", "an empty file"],
    [
      "page.img",
      text("<!DOCTYPE html><title>Log in</title>"),
      "flash.image-unusable",
      "a web page: a login or an error came in place of the image",
    ],
    ["list.xml", text("<?xml version='1.0'?><Error/>"), "flash.image-unusable", "an XML document"],
    ["notes.img", text("hello ".repeat(200)), "flash.image-unusable", "no partition table"],
    ["zeros.img", () => Buffer.alloc(100_000), "flash.image-unusable", "no partition table"],
    ["a.img.bz2", text("BZh91AY&SY"), "flash.image-unusable", "a bzip2 archive"],
    ["a.7z", () => Buffer.from("377abcaf271c0004", "hex"), "flash.image-unusable", "a 7z archive"],
    ["a.rar", text("Rar!\x1a\x07\x01"), "flash.image-unusable", "a RAR archive"],
    ["a.qcow2", text("QFI\xfb"), "flash.image-unusable", "no partition table"],
    [
      "b.qcow2",
      () => Buffer.from("514649fb00000003", "hex"),
      "flash.image-unusable",
      "a virtual disk of QEMU (qcow2)",
    ],
    ["a.vmdk", text("KDMV"), "flash.image-unusable", "a virtual disk of VMware (vmdk)"],
    ["a.tar", at(257, "ustar"), "flash.image-unusable", "a tar archive"],
    ["a.iso", at(32_769, "CD001"), "flash.image-unusable", "a CD image (ISO 9660)"],
    ["a.pdf", text("%PDF-1.7"), "flash.image-unusable", "a PDF document"],
    ["cut.img.xz", () => xz.subarray(0, 1_000_000), "flash.image-damaged", "Compressed data is corrupt"],
    ["none.zip", () => zipOf([]), "flash.image-unusable", "an empty zip archive"],
    [
      "text.zip",
      () => zipOf([{ name: "a/", content: Buffer.alloc(0) }]),
      "flash.image-unusable",
      "a zip archive without an image",
    ],
    [
      "two.zip",
      () =>
        zipOf([
          { name: "a.img", content: IMAGE },
          { name: "b.img", content: IMAGE },
        ]),
      "flash.image-unusable",
      "a zip archive with 2 files: a.img, b.img …",
    ],
    [
      "cut.zip",
      () => zipOf([{ name: "a.img", content: IMAGE }]).subarray(0, 100_000),
      "flash.image-damaged",
      "End of central directory record signature not found",
    ],
    [
      "locked.zip",
      () => zipOf([{ name: "a.img", content: IMAGE, isLocked: true }]),
      "flash.image-unusable",
      "a zip archive with a password",
    ],
    [
      "strange.zip",
      () => zipOf([{ name: "a.img", content: IMAGE, method: 12 }]),
      "flash.image-unusable",
      "a zip archive packed by method 12",
    ],
  ];
  test.each(cases)("%s", async (name, content, code, found) => {
    const path = await file(name, content());
    const { exitCode, stdout } = await runCli(["flash", "--image", path, "--to", "out.img", "--json"]);
    const { error } = JSON.parse(stdout) as { error: { code: string; found: string } };
    expect(error).toMatchObject({ code, found: expect.stringContaining(found) as string });
    expect(exitCode).toBe(65);
  });

  const usage: readonly (readonly [
    title: string,
    args: readonly string[],
    exitCode: number,
    message: string,
  ])[] = [
    ["no image", ["--to", "a.img"], 64, "required option `--image <image>` not specified"],
    ["no target", ["--image", "a.img"], 64, "required option `--to <target...>` not specified"],
    ["an image that is not there", ["--image", "a.img", "--to", "b.img"], 65, "there is no image a.img"],
    [
      "a folder as image",
      ["--image", "/tmp", "--to", "b.img"],
      65,
      "/tmp is not an image that can be written to a drive",
    ],
    [
      "a device as image",
      ["--image", "/dev/null", "--to", "b.img"],
      65,
      "/dev/null is not an image that can be written to a drive",
    ],
    ["an unknown drive", ["--image", "GOOD", "--to", "usb-none"], 65, "there is no drive `usb-none`"],
    ["the same file twice", ["--image", "GOOD", "--to", "b.img", "./b.img"], 64, "`./b.img` is named twice"],
    [
      "a file that is there, without a word",
      ["--image", "GOOD", "--to", "there.img"],
      64,
      "nobody is there to be asked: Overwrite all of this?",
    ],
    [
      "a word for another plan",
      ["--image", "GOOD", "--to", "there.img", "--yes", "00000000"],
      64,
      "`--yes` does not fit this plan",
    ],
    [
      "a bmap that is not there",
      ["--image", "GOOD", "--to", "b.img", "--bmap", "a.bmap"],
      65,
      "there is no bmap file a.bmap",
    ],
    [
      "a bmap that is none",
      ["--image", "GOOD", "--to", "b.img", "--bmap", "there.img"],
      65,
      "there.img is not a bmap file that imcloud can go by",
    ],
  ];
  test.each(usage)("%s", async (_, args, exitCode, message) => {
    const good = await file("good.img", IMAGE);
    const words = args.map((word) => (word === "GOOD" ? good : word));
    const run = await runCli(["flash", ...words, "--json"], { "there.img": "something" });
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { message } });
    expect(run.exitCode).toBe(exitCode);
  });
});

describe("bmap", () => {
  const zeros = "0".repeat(64);
  const bmap = (more: { version?: string; ranges?: string; kind?: string } = {}) => {
    const text = `<?xml version="1.0" ?>
<bmap version="${more.version ?? "2.0"}">
  <ImageSize> 10240 </ImageSize><BlockSize> 4096 </BlockSize><BlocksCount> 3 </BlocksCount>
  <ChecksumType> ${more.kind ?? "sha256"} </ChecksumType><BmapFileChecksum> ${zeros} </BmapFileChecksum>
  <BlockMap>${more.ranges ?? `<Range chksum="${sha256(noise(8, "a"))}"> 0 </Range><Range>2</Range>`}</BlockMap>
</bmap>`;
    return text.replace(zeros, sha256(Buffer.from(text)));
  };
  test("ranges in bytes, the last one no longer than the image", () => {
    expect(parseBmap(bmap(), "a.bmap")).toEqual({
      sizeBytes: 10_240,
      ranges: [
        { offset: 0, end: 4096, sha256: sha256(noise(8, "a")) },
        { offset: 8192, end: 10_240 },
      ],
    });
  });
  const bad: readonly (readonly [title: string, text: string, found: string])[] = [
    ["another sum", bmap().replace("10240", "10241"), "another sum than its own"],
    ["another version", bmap({ version: "3.0" }), "version 3.0"],
    ["sums of another kind", bmap({ kind: "md5" }), "sums of the kind md5"],
    ["no range", bmap({ ranges: "" }), "no range"],
    ["a range that is none", bmap({ ranges: "<Range>5-2</Range>" }), "the range 5-2"],
    [
      "ranges in disorder",
      bmap({ ranges: "<Range>2</Range><Range>0</Range>" }),
      "ranges that are not in order",
    ],
    ["another document", "<html/>", "no bmap"],
    ["no XML", "hello", ""],
  ];
  test.each(bad)("%s", (_, text, found) => {
    let error: unknown;
    try {
      parseBmap(text, "a.bmap");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "flash.image-unusable",
      exitCode: 65,
      details: { found: expect.stringContaining(found) as string },
    });
  });
});

test("a deflated entry without its end is damage", async () => {
  const path = await file(
    "short.zip",
    zipOf([{ name: "a.img", content: IMAGE, packed: deflateRawSync(IMAGE).subarray(0, 500_000) }]),
  );
  await expect(all(path, true)).rejects.toMatchObject({ code: "flash.image-damaged" });
});
