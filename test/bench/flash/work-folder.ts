/**
 * A folder for loop devices, mounts and images, of which nothing stays behind.
 *
 * It is cleared when the bench is through, when its process ends by itself or by Ctrl-C, and, where it was killed, by the
 * next bench: its name says whose it is.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";

const PREFIX = "imcloud-bench-flash-";
const LOOP_DEVICES = "loop-devices";
const INTERRUPTED = 130;

export interface WorkFolder extends Disposable {
  readonly path: string;
}

/**
 * A block device over a file, which the folder's end detaches. What the file is called is no longer known once its mount
 * is gone, so the device is written down.
 */
export async function loopDevice(folder: string, words: readonly string[]): Promise<string> {
  const { stdout: device } = await execa("losetup", ["--find", "--show", ...words]);
  await appendFile(join(folder, LOOP_DEVICES), `${device} ${sequenceOf(device)}\n`);
  return device;
}

export function workFolder(): WorkFolder {
  clearLeftovers();
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const atEnd = () => clear(path);
  const stop = () => process.exit(INTERRUPTED);
  process.once("exit", atEnd).once("SIGINT", stop).once("SIGTERM", stop);
  return {
    path,
    [Symbol.dispose]: () => {
      process.off("exit", atEnd).off("SIGINT", stop).off("SIGTERM", stop);
      clear(path);
    },
  };
}

function clearLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) clear(join(tmpdir(), name));
  }
}

/** At once: a process that ends waits for nothing. */
function clear(folder: string): void {
  for (const device of loopDevicesOf(folder)) run("losetup", ["--detach", device]);
  for (const mount of mountsIn(folder)) run("fusermount3", ["-uz", mount]);
  rmSync(folder, { recursive: true });
}

/** Once more where it is ended by the signal that ends us. */
function run(program: string, words: readonly string[]): void {
  const { signal } = spawnSync(program, words);
  if (signal !== null) execFileSync(program, words);
}

/** Those that nobody has given back, or put to another use, since. */
function loopDevicesOf(folder: string): readonly string[] {
  const record = join(folder, LOOP_DEVICES);
  if (!existsSync(record)) return [];
  return readFileSync(record, "utf8")
    .trimEnd()
    .split("\n")
    .flatMap((line) => {
      const [device = "", sequence] = line.split(" ");
      return isBound(device) && sequenceOf(device) === sequence ? [device] : [];
    });
}

/** Source: sysfs-block, `/sys/block/loopN/loop`. */
const isBound = (device: string): boolean => existsSync(`/sys/block/${basename(device)}/loop`);

/** Another one each time that the device is bound. Source: sysfs-block, `diskseq`; Linux 5.15. */
const sequenceOf = (device: string): string =>
  readFileSync(`/sys/block/${basename(device)}/diskseq`, "utf8").trim();

/** Source: proc(5), `/proc/PID/mounts`. */
function mountsIn(folder: string): readonly string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((row) => row.split(" ")[1] ?? "")
    .filter((mount) => mount.startsWith(`${folder}/`));
}
