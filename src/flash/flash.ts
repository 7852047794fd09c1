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
  receivedOutcome,
  send,
  sentError,
  type FromWriter,
  type Job,
  type Said,
  type Told,
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
  /** Unpacked, where that is known before the end. */
  readonly sizeBytes?: number;
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
  await using flasher = new Flasher(request.targets);
  return await flasher.flash(request, progress);
}

/** One process that writes for several flashes, one after the other or at once: sudo asks for its password once. */
export class Flasher implements AsyncDisposable {
  readonly #targets: readonly TargetRequest[];
  readonly #jobs = new Map<number, JobInHand>();
  #count = 0;
  #writer: Writer | undefined;
  #ready: Promise<void> | undefined;
  #ended: Error | undefined;

  /** @param targets the most that there will be at once, by their kinds */
  constructor(targets: readonly TargetRequest[]) {
    this.#targets = targets;
  }

  /** Like {@link flash}. */
  async flash(request: FlashRequest, progress: WriteProgress): Promise<readonly WriteOutcome[]> {
    await using claims = await claim(request.targets);
    const writer = (this.#writer ??= startWriter(this.#targets));
    await (this.#ready ??= this.#listen(writer));
    if (this.#ended !== undefined) throw this.#ended;
    const id = (this.#count += 1);
    const tell = (said: Said) => send(writer.input, { ...said, job: id });
    const stop = () => tell({ kind: "stop" });
    const job = new JobInHand(request, progress, claims, tell);
    this.#jobs.set(id, job);
    try {
      send(writer.input, jobOf(id, request));
      begin(request, tell, stop);
      return await job.outcomes;
    } finally {
      this.#jobs.delete(id);
      request.signal?.removeEventListener("abort", stop);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer?.input.end();
    await this.#writer?.ended;
  }

  /** @returns when the writer is there; rejects when it ends before */
  #listen(writer: Writer): Promise<void> {
    return new Promise((resolve, reject) => {
      const listen = async (): Promise<Error> => {
        for await (const message of received<FromWriter>(writer.output)) {
          if (message.kind === "ready") resolve();
          else this.#jobs.get(message.job)?.take(message);
        }
        return writerEnded(await writer.ended);
      };
      const end = (error: Error) => {
        this.#ended = error;
        reject(error);
        for (const job of this.#jobs.values()) job.fail(error);
      };
      listen().then(end, (cause: unknown) => end(asError(cause)));
    });
  }
}

/** What the writer has been given to do, as we hear of it. */
class JobInHand {
  /** For each target, in their order. */
  readonly outcomes: Promise<readonly WriteOutcome[]>;
  readonly #request: FlashRequest;
  readonly #progress: WriteProgress;
  readonly #claims: Claims;
  readonly #tell: (said: Said) => void;
  readonly #ended: WriteOutcome[] = [];
  readonly #closing: Promise<void>[] = [];
  #resolve: (outcomes: readonly WriteOutcome[]) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(request: FlashRequest, progress: WriteProgress, claims: Claims, tell: (said: Said) => void) {
    this.#request = request;
    this.#progress = progress;
    this.#claims = claims;
    this.#tell = tell;
    this.outcomes = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  take(told: Told): void {
    if (told.kind === "phase") this.#progress.phase(told.index, told.phase, told.ofBytes);
    else if (told.kind === "moved") this.#progress.moved(told.index, told.bytes);
    else if (told.kind === "customise") void customise(this.#request, told, this.#tell);
    else if (told.kind === "ended") {
      const closing = this.#close(told.index, receivedOutcome(told.outcome));
      closing.catch(() => undefined); // told by #settle
      this.#closing.push(closing);
    } else void this.#settle(told.kind === "failed" ? receivedError(told.error) : undefined);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  async #close(index: number, outcome: WriteOutcome): Promise<void> {
    this.#ended[index] = outcome;
    await this.#claims.release(index);
    this.#progress.ended(index, outcome);
  }

  async #settle(error: Error | undefined): Promise<void> {
    await Promise.all(this.#closing).catch((cause: unknown) => (error ??= asError(cause)));
    if (error === undefined) this.#resolve(this.#ended);
    else this.#reject(error);
  }
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));

function jobOf(job: number, { image, targets, verify, customise: asked }: FlashRequest): Job {
  const { growing, name = image.path, path, format, sizeBytes, sha256, ranges } = image;
  const only = process.env.IMCLOUD_FLASH_ONLY;
  const { uid, gid } = identity();
  return {
    ...{ kind: "job", job },
    image: {
      ...{ name, path, format, isGrowing: growing !== undefined },
      ...(sizeBytes !== undefined && { sizeBytes }),
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
}

function begin(
  { image: { growing }, signal }: FlashRequest,
  tell: (said: Said) => void,
  stop: () => void,
): void {
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
  { index, target }: Extract<Told, { kind: "customise" }>,
  tell: (answer: Said) => void,
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

interface Claims extends AsyncDisposable {
  /** The target of that index may be claimed again. */
  release(index: number): Promise<void>;
}

/** One flash at a time. A drive is also claimed by opening it; this covers what comes before, and files. */
async function claim(targets: readonly TargetRequest[]): Promise<Claims> {
  const locks = new Map<number, AsyncDisposable>();
  const release = async (index: number) => {
    const lock = locks.get(index);
    locks.delete(index);
    await lock?.[Symbol.asyncDispose]();
  };
  const letGo = async () => {
    for (const index of [...locks.keys()]) await release(index);
  };
  for (const [index, { name, path }] of targets.entries()) {
    const id = createHash("sha256").update(resolve(path)).digest("hex").slice(0, 32);
    const lock = await holdLock(join(cacheFolder(), "locks", id), 0);
    if (lock === undefined) {
      await letGo();
      throw targetBusy(name);
    }
    locks.set(index, lock);
  }
  return { release, [Symbol.asyncDispose]: letGo };
}
