/**
 * Drives for tests: loop devices over files of their own, sound or with a fault. Nothing else is ever written to: the
 * command under test is told by IMCLOUD_FLASH_ONLY which paths it may touch.
 *
 * Faulty ones are nbdkit's, made a file by nbdfuse and a block device by the kernel, past the page cache.
 */
import { mkdir, mkdtemp, open, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { holdLock } from "../../src/files/lock.js";
import { installPrograms } from "../../src/lab/machine.js";

export interface TestDrive extends AsyncDisposable {
  /** Such as /dev/loop3. */
  readonly path: string;
  /** What `--yes` takes. */
  readonly id: string;
  /** What is on it, whatever its fault. */
  content(): Promise<Buffer>;
  /** Takes the disk out of the reader and puts another one in, which is empty and sound. @returns its file */
  swap(next?: NextDisk): Promise<string>;
}

export interface NextDisk {
  /** As large as the first one, if it is not said. */
  readonly mib?: number;
  readonly isReadOnly?: boolean;
}

const MIB = 1_048_576;
const PATIENCE_MS = 20_000;
const OWN_LOOPS = { first: 240, count: 16 };
/** One after the other: what a failed test left running does not meet the next one's disk. */
let loops = process.pid;

/** Shell for nbdkit's eval plugin; `$4` is the offset, `$3` the length of a write, `$FILE` what is behind it. */
export const FAULTS = {
  /** Writing fails from there on. */
  writeError: (offset: number) => `[ "$4" -lt ${offset} ] || { echo EIO >&2; exit 1; }; ${STORE}`,
  /** One stretch of 64 KiB or less is lost without a word. */
  silent: (offset: number) => `[ "$4" -ne ${offset} ] || exec cat > /dev/null; ${STORE}`,
  /** Nothing from there on is kept. */
  ends: (offset: number) => `[ "$4" -lt ${offset} ] || exec cat > /dev/null; ${STORE}`,
  /** What lies there begins anew at the start. */
  wraps: (offset: number) => `set -- "$1" "$2" "$3" $(($4 % ${offset})); ${STORE}`,
} as const;

const STORE = 'exec dd of="$FILE" seek="$4" oflag=seek_bytes conv=notrunc bs=1M iflag=fullblock status=none';
const LOAD =
  'exec dd if="$FILE" skip="$4" count="$3" iflag=skip_bytes,count_bytes,fullblock bs=1M status=none';

export const installDriveTools = (): Promise<void> =>
  installPrograms(() => undefined, {
    nbdkit: "nbdkit",
    nbdfuse: "libnbd-bin",
    fusermount3: "fuse3",
    sudo: "sudo",
  });

/** @param write in place of a sound drive's way to write: one of {@link FAULTS}, or no more than so much a second */
export async function testDrive(
  mib: number,
  write?: string | { readonly megabits: number },
): Promise<TestDrive> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-drive-"));
  let count = 0;
  const empty = async (size: number) => {
    const path = join(folder, `disk-${(count += 1)}`);
    await (await open(path, "w")).close();
    await truncate(path, size * MIB);
    return path;
  };
  const file = await empty(mib);
  const fuse = write === undefined ? undefined : await fuseDrive(folder, file, mib * MIB, write);
  const backing = fuse?.path ?? file;
  const direct = fuse === undefined ? [] : ["--direct-io=on"];
  const { path, lock } = await ownLoop();
  await execa("losetup", [...direct, path, backing]);
  return {
    path,
    id: basename(path),
    content: () => readFile(file),
    swap: async ({ mib: size = mib, isReadOnly = false } = {}) => {
      const next = await empty(size);
      await execa("losetup", ["--detach", path]);
      const attach = [...(isReadOnly ? ["--read-only"] : []), path, next];
      // Whoever just looks at the old disk keeps it for as long.
      for (const end = Date.now() + PATIENCE_MS; ; await delay(20)) {
        const { failed, stderr } = await execa("losetup", attach, { reject: false });
        if (!failed) return next;
        if (Date.now() > end) throw new Error(`no disk in ${path}: ${stderr}`);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await execa("losetup", ["--detach", path]);
      await lock[Symbol.asyncDispose]();
      await fuse?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Of the tests' own, as long as it is held. `losetup --find`, which others use, takes low numbers: it would take a device
 * whose disk is just being changed, and the command under test would find another's disk in its reader.
 */
async function ownLoop(): Promise<{ readonly path: string; readonly lock: AsyncDisposable }> {
  for (let tried = 0; tried < OWN_LOOPS.count; tried += 1) {
    const number = OWN_LOOPS.first + (loops++ % OWN_LOOPS.count);
    const lock = await holdLock(join(tmpdir(), `imcloud-loop-${number}`), 0);
    if (lock === undefined) continue;
    const path = `/dev/loop${number}`;
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (!isThere) await execa("mknod", ["--mode=0660", path, "b", "7", String(number)]);
    // A test that was killed may have left its disk in there.
    await execa("losetup", ["--detach", path], { reject: false });
    return { path, lock };
  }
  throw new Error("all loop devices of the tests are held");
}

async function fuseDrive(
  folder: string,
  file: string,
  bytes: number,
  write: string | { readonly megabits: number },
) {
  if (typeof write === "object")
    return fuseFile(folder, bytes, ["--filter=rate", "file", file, `rate=${write.megabits}M`]);
  const methods = [
    `get_size=echo ${bytes}`,
    `pread=${LOAD}`,
    `pwrite=${write}`,
    "can_write=exit 0",
    "flush=exit 0",
    "can_flush=exit 0",
  ];
  return fuseFile(folder, bytes, ["eval", ...methods], { FILE: file });
}

/**
 * A file that is whatever nbdkit makes of it.
 *
 * @param folder where it is mounted
 * @param plugin with what it takes, and filters
 */
export async function fuseFile(
  folder: string,
  bytes: number,
  plugin: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly path: string } & AsyncDisposable> {
  const mount = join(folder, "fuse");
  await mkdir(mount);
  const path = join(mount, "disk");
  const program = ["nbdkit", "-s", "--exit-with-parent", ...plugin];
  const child = execa("nbdfuse", [path, "--command", ...program], { env, reject: false });
  const deadline = Date.now() + PATIENCE_MS;
  while (
    !(await stat(path).then(
      (info) => info.size === bytes,
      () => false,
    ))
  ) {
    if (Date.now() > deadline || child.exitCode !== null)
      throw new Error(`no nbdfuse: ${(await child).stderr}`);
    await delay(50);
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await execa("fusermount3", ["-u", mount]);
      await child;
    },
  };
}
