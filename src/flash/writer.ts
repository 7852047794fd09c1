/**
 * The process that writes. It may run as root where the command does not, and has threads enough that a slow drive keeps
 * no other waiting. It takes one job after the other, and several at once, and ends when the command does, however that
 * ends.
 */
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { BLOCK_BYTES } from "./blocks.js";
import { unpacked } from "./decompress.js";
import { interrupted } from "./errors.js";
import { lentNode } from "./lent-node.js";
import type { Customise } from "./types.js";
import { unmount } from "./unmount.js";
import { writeImage, type WriteProgress } from "./write.js";
import {
  received,
  receivedError,
  sentError,
  sentOutcome,
  type FromWriter,
  type Job,
  type Said,
  type Told,
  type ToWriter,
} from "./writer-protocol.js";

/** Messages about progress, a target. */
const EVERY_MS = 100;

/** Reads jobs from stdin and tells on stdout how they go, until nobody is there any more and all are done. */
export async function runWriter(input: Readable, tell: (message: FromWriter) => void): Promise<void> {
  const jobs = new Map<number, RunningJob>();
  tell({ kind: "ready" });
  for await (const message of received<ToWriter>(input)) {
    if (message.kind !== "job") {
      jobs.get(message.job)?.take(message);
      continue;
    }
    const { job } = message;
    jobs.set(job, new RunningJob(message, (told) => tell({ ...told, job })));
  }
  for (const job of jobs.values()) job.abandon();
  for (const { ended } of jobs.values()) await ended;
  input.destroy();
}

class RunningJob {
  /** Never fails: how it went is told. */
  readonly ended: Promise<void>;
  readonly #growth = new Growth();
  readonly #customised = new Map<number, (error: Error | undefined) => void>();
  readonly #stopping = new AbortController();

  constructor(job: Job, tell: (told: Told) => void) {
    this.ended = this.#run(job, tell);
  }

  take(message: Said): void {
    if (message.kind === "grown") this.#growth.reach(message.bytes);
    else if (message.kind === "whole") this.#growth.end();
    else if (message.kind === "broken") this.#growth.end(receivedError(message.error));
    else if (message.kind === "customised")
      this.#customised.get(message.index)?.(message.error && receivedError(message.error));
    else this.#stopping.abort();
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.#stopping.abort();
    this.#growth.end(interrupted("the drive"));
    for (const settle of this.#customised.values()) settle(interrupted("the drive"));
  }

  async #run(job: Job, tell: (told: Told) => void): Promise<void> {
    if (job.only !== undefined) process.env.IMCLOUD_FLASH_ONLY = job.only;
    const { signal } = this.#stopping;
    const asked = (index: number): Customise | undefined => {
      if (job.customise[index] !== true) return undefined;
      return async (target) => {
        await using node = await lentNode(target.path, job.owner);
        const answer = new Promise<Error | undefined>((resolve) => this.#customised.set(index, resolve));
        tell({ kind: "customise", index, target: { ...target, path: node.path } });
        const error = await answer;
        if (error !== undefined) throw error;
      };
    };
    const { path, format, isGrowing, wholePath = path, ...image } = job.image;
    const growing = () => Readable.from(this.#growth.follow(path, wholePath), { objectMode: false, signal });
    const read = () => unpacked({ path, format, ...(isGrowing && { input: growing() }) });
    try {
      for (const target of job.targets) await unmount(target);
      await writeImage(
        { image: { ...image, read }, targets: job.targets, verify: job.verify, customise: asked, signal },
        throttled(tell),
      );
      tell({ kind: "done" });
    } catch (error) {
      tell({ kind: "failed", error: sentError(error) });
    }
  }
}

/** A message for each block would be thousands. */
function throttled(tell: (told: Told) => void): WriteProgress {
  const pending = new Map<number, { bytes: number; toldMs: number }>();
  const flush = (index: number) => {
    const { bytes = 0 } = pending.get(index) ?? {};
    if (bytes > 0) tell({ kind: "moved", index, bytes });
    pending.set(index, { bytes: 0, toldMs: performance.now() });
  };
  return {
    phase: (index, phase, ofBytes) => {
      flush(index);
      tell({ kind: "phase", index, phase, ...(ofBytes !== undefined && { ofBytes }) });
    },
    moved: (index, bytes) => {
      const lane = pending.get(index) ?? { bytes: 0, toldMs: 0 };
      pending.set(index, { ...lane, bytes: lane.bytes + bytes });
      if (performance.now() - lane.toldMs >= EVERY_MS) flush(index);
    },
    ended: (index, outcome) => {
      flush(index);
      tell({ kind: "ended", index, outcome: sentOutcome(outcome) });
    },
  };
}

/** How far a file is that somebody else still writes. */
class Growth {
  #bytes = 0;
  #isEnded = false;
  #error: Error | undefined;
  readonly #waiting: (() => void)[] = [];

  reach(bytes: number): void {
    this.#bytes = bytes;
    this.#wake();
  }

  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** @param wholePath what it is called when it is whole, which it may be already */
  async *follow(path: string, wholePath: string): AsyncGenerator<Buffer> {
    const file = await open(path, "r").catch(() => open(wholePath, "r"));
    try {
      for (let at = 0; ;) {
        if (this.#error !== undefined) throw this.#error;
        const want = this.#isEnded ? BLOCK_BYTES : Math.min(BLOCK_BYTES, this.#bytes - at);
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(want), 0, want, at);
        at += bytesRead;
        if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
        else if (this.#isEnded) return;
        else await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      await file.close();
    }
  }
}
