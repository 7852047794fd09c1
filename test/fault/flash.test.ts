/**
 * Flashing on drives that fail, lie, are pulled out and changed; by the built command, on loop devices of the test's own.
 */
import { constants } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { execa, type Options } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../../src/shared/package-root.js";
import { terminal } from "../e2e/terminal.js";
import { files, webServer } from "../unit/files/web-server.js";
import { sha256, tinyImage } from "../unit/flash/images.js";
import { FAULTS, installDriveTools, testDrive, type TestDrive } from "./drives.js";

const MIB = 1_048_576;
const PAGE = 4096;
const CLI = join(packageRoot(), "dist", "bin", "imcloud.js");
const IMAGE = tinyImage(24);
const CUTS = process.env["IMCLOUD_FAULT"] === "long" ? 20 : 4;

let folder = "";
let image = "";
beforeAll(async () => {
  await installDriveTools();
  folder = await mkdtemp(join(tmpdir(), "imcloud-flash-"));
  image = join(folder, "tiny.img.xz");
  await writeFile(image, (await execa("xz", ["-0c"], { input: IMAGE, encoding: "buffer" })).stdout);
});
beforeEach(() => rm(join(folder, "cache"), { recursive: true, force: true }));
afterAll(() => rm(folder, { recursive: true }));

interface Flashed {
  readonly exitCode: number;
  readonly errors: readonly { readonly code: string; readonly message: string; readonly found?: string }[];
}

const environment = (allowed: readonly string[]) => ({
  IMCLOUD_FLASH_ONLY: allowed.join(":"),
  IMCLOUD_CACHE: join(folder, "cache"),
});

async function flash(
  drives: readonly TestDrive[],
  more: readonly string[] = [],
  options: Options & { env?: Record<string, string> } = {},
): Promise<Flashed> {
  const ids = drives.map(({ id }) => id);
  const chosen = more.includes("--image") ? [] : ["--image", image];
  const { stdout, exitCode } = await execa(
    process.execPath,
    [CLI, "flash", ...chosen, "--to", ...ids, "--yes", ...ids, "--json", ...more],
    { ...options, reject: false, env: { ...environment(drives.map(({ path }) => path)), ...options.env } },
  );
  const document = JSON.parse(String(stdout)) as {
    error?: object;
    targets?: Record<string, { error?: object }>;
  };
  const errors = [document.error, ...Object.values(document.targets ?? {}).map(({ error }) => error)];
  return {
    exitCode: exitCode ?? 128,
    errors: errors.filter((error) => error !== undefined) as Flashed["errors"],
  };
}

const isWhole = async (drive: TestDrive) => (await drive.content()).subarray(0, IMAGE.length).equals(IMAGE);
const hasTable = async (drive: TestDrive) => (await drive.content()).readUInt16LE(510) === 0xaa55;

test("a sound drive gets the image, and nothing behind it changes", async () => {
  await using drive = await testDrive(32);
  expect(await flash([drive])).toEqual({ exitCode: 0, errors: [] });
  expect(await isWhole(drive)).toBe(true);
  expect((await drive.content()).subarray(IMAGE.length).equals(Buffer.alloc(8 * MIB))).toBe(true);
});

test("a write error at 70 % fails that drive and no other, and nothing boots from it", async () => {
  await using bad = await testDrive(32, FAULTS.writeError(16 * MIB));
  await using good = await testDrive(32);
  const { exitCode, errors } = await flash([bad, good]);
  expect(exitCode).toBe(4);
  expect(errors).toMatchObject([
    { code: "flash.write-failed", message: expect.stringContaining("16.8 MB") as string },
  ]);
  expect(await hasTable(bad)).toBe(false);
  expect(await isWhole(good)).toBe(true);
});

const liars = [
  [
    "silent corruption",
    FAULTS.silent(9 * MIB),
    "gives back something else than was written, first at 9.4 MB",
  ],
  [
    "a forged size whose end keeps nothing",
    FAULTS.ends(12 * MIB),
    "holds less than it says: a card with a forged size",
  ],
  [
    "a forged size that begins anew",
    FAULTS.wraps(14 * MIB),
    "holds less than it says: a card with a forged size",
  ],
] as const;
test.each(liars)("%s is found by reading back", async (_, fault, message) => {
  await using drive = await testDrive(32, fault);
  const { exitCode, errors } = await flash([drive]);
  expect(exitCode).toBe(4);
  expect(errors).toMatchObject([
    { code: "flash.verify-failed", message: expect.stringContaining(message) as string },
  ]);
  expect(await hasTable(drive)).toBe(false);
});

test("a drive too small for an image of unknown size says so", async () => {
  await using drive = await testDrive(16);
  const packed = join(folder, "tiny.img.gz");
  await writeFile(packed, gzipSync(IMAGE, { level: 1 }));
  const { exitCode, errors } = await flash([drive], ["--image", packed]);
  expect(exitCode).toBe(65);
  expect(errors).toMatchObject([
    { code: "flash.target-refused", message: `\`${drive.id}\` is too small for the image` },
  ]);
  expect(await hasTable(drive)).toBe(false);
});

test("a power cut at any moment leaves the old system, none, or the new one; never a part", async () => {
  // Sound, and slow enough to be cut off while it is written.
  await using drive = await testDrive(32, FAULTS.ends(64 * MIB));
  const old = Buffer.from(tinyImage(24).map((byte, index) => (index < PAGE ? byte : byte ^ 1)));
  const begin = () =>
    execa(process.execPath, [CLI, "flash", "--image", image, "--to", drive.id, "--yes", drive.id, "--json"], {
      ...{ detached: true, reject: false, cleanup: false },
      env: environment([drive.path]),
    });
  const whole = begin();
  await untilWriting(whole);
  const start = performance.now();
  expect((await whole).exitCode).toBe(0);
  const writingMs = performance.now() - start;
  const seen = { old: 0, none: 0, whole: 0 };
  for (let cut = 0; cut < CUTS; cut += 1) {
    await writeFile(drive.path, old, { flag: "r+", flush: true });
    const child = begin();
    await untilWriting(child);
    // Spread over the run, and at random within each stretch.
    await Promise.race([delay((writingMs * (cut + Math.random())) / CUTS), child]);
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await child;
    await letGoOf(drive);
    const content = (await drive.content()).subarray(0, IMAGE.length);
    if (content.equals(old)) seen.old += 1;
    else if (content.equals(IMAGE)) seen.whole += 1;
    else {
      expect(content.subarray(0, PAGE).equals(Buffer.alloc(PAGE)), `cut ${cut} of ${CUTS}`).toBe(true);
      seen.none += 1;
    }
  }
  expect(seen.none, JSON.stringify(seen)).toBeGreaterThan(0);
  expect((await flash([drive])).exitCode).toBe(0);
  expect(await isWhole(drive)).toBe(true);
});

/** Resolves as well when it ends before. */
async function untilWriting(
  child: Promise<unknown> & { readonly stderr: NodeJS.ReadableStream | null },
): Promise<void> {
  await new Promise<void>((resolve) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('"writing"')) resolve();
    });
    void child.then(() => resolve());
  });
}

/** Until the kernel has closed what a killed process held. */
async function letGoOf({ path }: TestDrive): Promise<void> {
  for (const end = Date.now() + 10_000; ; await delay(20)) {
    const handle = await open(path, constants.O_RDWR | constants.O_EXCL).catch(() => undefined);
    await handle?.sync();
    await handle?.close();
    if (handle !== undefined) return;
    if (Date.now() > end) throw new Error(`${path} is still held`);
  }
}

test("Ctrl-C stops it, says what that means, and leaves nothing that boots", async () => {
  await using drive = await testDrive(32, FAULTS.ends(64 * MIB));
  const child = execa(
    process.execPath,
    [CLI, "flash", "--image", image, "--to", drive.id, "--yes", drive.id, "--json"],
    {
      ...{ reject: false, buffer: { stdout: true, stderr: false } },
      env: environment([drive.path]),
    },
  );
  let isAsked = false;
  for await (const line of child.iterable({ from: "stderr" })) {
    if (isAsked || !line.includes('"writing"')) continue;
    isAsked = child.kill("SIGINT");
  }
  const { stdout, exitCode } = await child;
  expect(JSON.parse(stdout)).toMatchObject({
    targets: { [drive.id]: { error: { code: "flash.interrupted" } } },
  });
  expect(exitCode).toBe(4);
  expect(await hasTable(drive)).toBe(false);
});

/** What an event of `--json` has that this asks for. */
interface Moved {
  readonly board: string;
  readonly event: string;
  readonly phase?: string;
  readonly bytes?: number;
}

test("a slow drive keeps no other waiting", async () => {
  const large = tinyImage(64);
  const packed = join(folder, "large.img.xz");
  await writeFile(packed, (await execa("xz", ["-0c"], { input: large, encoding: "buffer" })).stdout);
  await using slow = await testDrive(64, { megabits: 12 });
  await using fast = await testDrive(64);
  const ids = [slow.id, fast.id];
  const child = execa(
    process.execPath,
    [CLI, "flash", "--image", packed, "--to", ...ids, "--yes", ...ids, "--json"],
    { reject: false, env: environment([slow.path, fast.path]) },
  );
  const written = new Map<string, number>();
  let share = 1;
  for await (const line of child.iterable({ from: "stderr" })) {
    if (!line.startsWith("{")) continue;
    const { board, event, phase, bytes } = JSON.parse(line) as Moved;
    if (phase === "writing") written.set(board, bytes ?? 0);
    if (event !== "ended" || board !== fast.id) continue;
    share = (written.get(slow.id) ?? 0) / large.length;
    child.kill("SIGINT");
  }
  // In step it would have all but what is on its way.
  expect(share).toBeLessThan(0.5);
  const { stdout } = await child;
  expect(JSON.parse(stdout)).toMatchObject({
    targets: {
      [slow.id]: { error: { code: "flash.interrupted" } },
      [fast.id]: { outcome: "written", sha256: sha256(large) },
    },
  });
  expect((await fast.content()).equals(large)).toBe(true);
});

test("a disk that is changed between the question and the answer is not written to", async () => {
  await using drive = await testDrive(32);
  const screen = terminal([process.execPath, CLI, "flash", "--image", image, "--to", drive.id], folder, {
    ...{ PATH: process.env["PATH"] ?? "", HOME: folder, TERM: "xterm-256color" },
    ...environment([drive.path]),
  });
  await screen.see("all of this is lost");
  await screen.see("Overwrite all of this?");
  await drive.swap();
  screen.type("y\r");
  await screen.see("is not the drive that was asked about");
  expect(await screen.exit).toBe(65);
  expect((await readFile(drive.path)).equals(Buffer.alloc(32 * MIB))).toBe(true);
});

test("two flashes on one drive: one of them does it", async () => {
  await using drive = await testDrive(32);
  const both = await Promise.all([flash([drive]), flash([drive])]);
  expect(both.map(({ exitCode }) => exitCode).sort()).toEqual([0, 75]);
  expect(await isWhole(drive)).toBe(true);
  const held = await open(drive.path, constants.O_RDWR | constants.O_EXCL);
  const { errors } = await flash([drive]);
  await held.close();
  expect(errors).toMatchObject([{ code: "flash.target-busy" }]);
});

test("a mounted drive is refused, or unmounted when that is asked for", async () => {
  await using drive = await testDrive(32);
  const mount = join(folder, "mount");
  await mkdir(mount);
  await execa("mkfs.ext4", ["-q", drive.path]);
  await execa("mount", [drive.path, mount]);
  const refused = await flash([drive]);
  expect(refused).toMatchObject({
    exitCode: 65,
    errors: [{ message: `\`${drive.id}\` is mounted`, found: mount }],
  });
  expect((await flash([drive], ["--unmount"])).exitCode).toBe(0);
  expect(await isWhole(drive)).toBe(true);
});

test("what is not among the allowed targets is not touched", async () => {
  await using drive = await testDrive(32);
  const { exitCode, errors } = await flash([drive], [], { env: { IMCLOUD_FLASH_ONLY: "/dev/none" } });
  expect(exitCode).toBe(65);
  expect(errors).toMatchObject([{ code: "flash.target-refused" }]);
  expect((await drive.content()).equals(Buffer.alloc(32 * MIB))).toBe(true);
});

test("a link that is cut is carried on from, while the drive is written", async () => {
  await using drive = await testDrive(32);
  const packed = await readFile(image);
  const serve = files({ "/tiny.img.xz": packed });
  await using server = await webServer((request, response) => {
    if (request.headers.range !== undefined) {
      serve(request, response);
      return;
    }
    response.writeHead(200, { "content-length": packed.length });
    response.write(packed.subarray(0, 10 * MIB), () => response.destroy());
  });
  const address = `${server.url}/tiny.img.xz`;
  expect((await flash([drive], ["--image", address])).exitCode).toBe(0);
  expect(server.requests).toEqual([
    "/tiny.img.xz",
    expect.stringMatching(/^\/tiny\.img\.xz bytes=[1-9]\d*-$/),
  ]);
  expect(await isWhole(drive)).toBe(true);
  // And what was fetched on the way is there for the next card.
  await server[Symbol.asyncDispose]();
  expect((await flash([drive], ["--image", address])).exitCode).toBe(0);
});

test("a link that stays cut leaves nothing that boots, and the next command carries on", async () => {
  await using drive = await testDrive(32);
  const packed = await readFile(image);
  const serve = files({ "/tiny.img.xz": packed });
  let isCut = true;
  await using server = await webServer((request, response) => {
    if (!isCut) serve(request, response);
    else if (request.headers.range !== undefined) response.destroy();
    else {
      response.writeHead(200, { "content-length": packed.length });
      response.write(packed.subarray(0, 10 * MIB), () => response.destroy());
    }
  });
  const address = `${server.url}/tiny.img.xz`;
  const { exitCode, errors } = await flash([drive], ["--image", address]);
  expect({ exitCode, errors }).toMatchObject({ exitCode: 69, errors: [{ code: "flash.not-fetched" }] });
  expect(await hasTable(drive)).toBe(false);
  isCut = false;
  expect((await flash([drive], ["--image", address])).exitCode).toBe(0);
  expect(server.requests.at(-1)).toMatch(/bytes=[1-9]\d*-$/);
});

test("damage in the cache is found, taken out, and fetched anew", async () => {
  await using drive = await testDrive(32);
  const packed = gzipSync(IMAGE, { level: 1 });
  await using server = await webServer(files({ "/tiny.img.gz": packed }));
  const address = `${server.url}/tiny.img.gz`;
  expect((await flash([drive], ["--image", address])).exitCode).toBe(0);
  const images = join(folder, "cache", "images");
  const name = (await readdir(images)).find((one) => one.endsWith(".img.gz")) ?? "";
  const damaged = Buffer.from(packed);
  damaged[5 * MIB] = (damaged[5 * MIB] ?? 0) ^ 1;
  await writeFile(join(images, name), damaged);

  const { errors } = await flash([drive], ["--image", address]);
  expect(errors).toMatchObject([{ code: "flash.image-damaged", found: `sha256 ${sha256(damaged)}` }]);
  expect((await flash([drive], ["--image", address])).exitCode).toBe(0);
  expect(await isWhole(drive)).toBe(true);
});

test("a cache whose disk is full says so", async () => {
  await using drive = await testDrive(32);
  const small = join(folder, "small");
  await mkdir(small);
  await execa("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", small]);
  try {
    await using server = await webServer(files({ "/tiny.img.xz": await readFile(image) }));
    const { exitCode, errors } = await flash([drive], ["--image", `${server.url}/tiny.img.xz`], {
      env: { IMCLOUD_CACHE: small },
    });
    expect({ exitCode, errors }).toMatchObject({
      exitCode: 69,
      errors: [{ code: "flash.not-fetched", message: expect.stringContaining("the disk is full") as string }],
    });
    expect(await hasTable(drive)).toBe(false);
  } finally {
    await execa("umount", ["--lazy", small]);
  }
});

test("somebody who is not root writes through sudo", async () => {
  await using drive = await testDrive(32);
  const rule = `/etc/sudoers.d/imcloud-test-${process.pid}`;
  await writeFile(rule, "nobody ALL=(root) NOPASSWD: ALL\n", { mode: 0o440 });
  try {
    await chmod(folder, 0o755);
    const cache = await mkdtemp(join(tmpdir(), "imcloud-nobody-"));
    await chmod(cache, 0o777);
    const asNobody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", process.execPath, CLI];
    const { exitCode, stderr } = await execa(
      "setpriv",
      [...asNobody, "flash", "--image", image, "--to", drive.id, "--yes", drive.id],
      {
        reject: false,
        env: { ...environment([drive.path]), IMCLOUD_CACHE: cache },
      },
    );
    expect(exitCode, stderr).toBe(0);
    expect(await isWhole(drive)).toBe(true);
    await rm(cache, { recursive: true });
  } finally {
    await rm(rule);
  }
});
