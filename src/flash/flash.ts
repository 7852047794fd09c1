/**
 * A flash from its beginning to its end: claims the targets, has another process write, tells how each of them ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { cacheFolder } from "../files/operator-files.js";
import { holdLock } from "../files/lock.js";
import { packageRoot } from "../shared/package-root.js";
import { notBuilt, targetBusy, writerEnded } from "./errors.js";
import type { ImageFormat } from "./image-format.js";
import type { Range } from "./read-image.js";
import type { TargetRequest } from "./target.js";
import type { Customise } from "./types.js";
import type { WriteOutcome, WriteProgress } from "./write.js";
import {
  received,
  receivedError,
  send,
  sentError,
  type FromWriter,
  type Job,
  type ToWriter,
} from "./writer-protocol.js";

export interface FlashRequest {
  readonly image: FlashImage;
  readonly targets: readonly TargetRequest[];
  readonly verify: boolean;
  /** The settings for the target of that index. */
  readonly customise?: (index: number) => Customise | undefined;
  readonly signal?: AbortSignal;
}

export interface FlashImage {
  /** For messages, where the path is not what people know it by. */
  readonly name?: string;
  readonly path: string;
  readonly format: ImageFormat;
  /** Of the unpacked image, if its publisher tells. */
  readonly sha256?: string;
  readonly ranges?: readonly Range[];
  /** While the file is still being fetched. */
  readonly growing?: Growing;
}

export interface Growing {
  /** Where the file is when it is whole. */
  readonly wholePath: string;
  /** Called at once with what is there, and for each piece that comes. */
  onGrown(tell: (bytes: number) => void): void;
  /** Fails when the file does not become whole, or is not what it should be. */
  readonly whole: Promise<void>;
}

/** A thread for each target that is waited for, and some for what is read. */
const THREADS = 8;

/**
 * @returns an outcome for each target, in their order
 * @throws ImcloudError `flash.target-busy`; what is wrong with the image
 */
export async function flash(
  request: FlashRequest,
  progress: WriteProgress,
): Promise<readonly WriteOutcome[]> {
  await using _claims = await claim(request.targets);
  const writer = startWriter(request.targets);
  const tell = (message: ToWriter) => send(writer.input, message);
  const stop = () => tell({ kind: "stop" });
  try {
    for await (const message of received<FromWriter>(writer.output)) {
      if (message.kind === "ready") begin(request, tell, stop);
      else if (message.kind === "phase") progress.phase(message.index, message.phase, message.ofBytes);
      else if (message.kind === "moved") progress.moved(message.index, message.bytes);
      else if (message.kind === "customise") void customise(request, message, tell);
      else if (message.kind === "failed") throw receivedError(message.error);
      else
        return message.outcomes.map((one) => (one.ok ? one : { ok: false, error: receivedError(one.error) }));
    }
    throw writerEnded(await writer.ended);
  } finally {
    request.signal?.removeEventListener("abort", stop);
    writer.input.end();
    await writer.ended;
  }
}

function begin(
  { image, targets, verify, customise: asked, signal }: FlashRequest,
  tell: (message: ToWriter) => void,
  stop: () => void,
): void {
  const { growing, name = image.path, path, format, sha256, ranges } = image;
  const only = process.env.IMCLOUD_FLASH_ONLY;
  const { uid, gid } = identity();
  const job: Job = {
    kind: "job",
    image: {
      ...{ name, path, format, isGrowing: growing !== undefined },
      ...(sha256 !== undefined && { sha256 }),
      ...(ranges !== undefined && { ranges }),
      ...(growing !== undefined && { wholePath: growing.wholePath }),
    },
    targets,
    verify,
    customise: targets.map((_, index) => asked?.(index) !== undefined),
    ...(uid !== 0 && { owner: { uid, gid } }),
    ...(only !== undefined && { only }),
  };
  tell(job);
  if (signal?.aborted === true) stop();
  else signal?.addEventListener("abort", stop);
  growing?.onGrown((bytes) => tell({ kind: "grown", bytes }));
  growing?.whole.then(
    () => tell({ kind: "whole" }),
    (error: unknown) => tell({ kind: "broken", error: sentError(error) }),
  );
}

async function customise(
  request: FlashRequest,
  { index, target }: Extract<FromWriter, { kind: "customise" }>,
  tell: (message: ToWriter) => void,
): Promise<void> {
  try {
    await request.customise?.(index)?.(target);
    tell({ kind: "customised", index });
  } catch (error) {
    tell({ kind: "customised", index, error: sentError(error) });
  }
}

interface Writer {
  readonly input: Writable;
  readonly output: Readable;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
}

/** As root by sudo, where drives are written and we are somebody else. It asks for its password by itself. */
function startWriter(targets: readonly TargetRequest[]): Writer {
  const program = join(packageRoot(), "dist", "bin", "imcloud.js");
  if (!existsSync(program)) throw notBuilt(program);
  const environment = [`UV_THREADPOOL_SIZE=${THREADS + targets.length}`];
  const isRootNeeded = identity().uid !== 0 && targets.some(({ kind }) => kind === "drive");
  const command = ["env", ...environment, process.execPath, program, "flash-writer"];
  const [first = "", ...rest] = isRootNeeded ? ["sudo", "--", ...command] : command;
  const child: ChildProcess = spawn(first, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("no pipes to the writer");
  stdin.on("error", () => undefined); // it has ended, and that is told below
  const ended = new Promise<string>((done) => {
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => done(signal ?? `status ${code}`));
  });
  return { input: stdin, output: stdout, ended };
}

/** Windows has neither; there nothing but files is written. */
const identity = () => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

/** One flash at a time. A drive is also claimed by opening it; this covers what comes before, and files. */
async function claim(targets: readonly TargetRequest[]): Promise<AsyncDisposable> {
  const locks: AsyncDisposable[] = [];
  const letGo = async () => {
    for (const lock of locks) await lock[Symbol.asyncDispose]();
  };
  for (const { name, path } of targets) {
    const id = createHash("sha256").update(resolve(path)).digest("hex").slice(0, 32);
    const lock = await holdLock(join(cacheFolder(), "locks", id), 0);
    if (lock === undefined) {
      await letGo();
      throw targetBusy(name);
    }
    locks.push(lock);
  }
  return { [Symbol.asyncDispose]: letGo };
}
