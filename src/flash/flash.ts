/**
 * A flash from its beginning to its end: claims the targets, writes, tells how each of them ended.
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { cacheFolder } from "../files/operator-files.js";
import { holdLock } from "../files/lock.js";
import { unpacked } from "./decompress.js";
import { targetBusy } from "./errors.js";
import type { ImageFile } from "./image-file.js";
import type { TargetRequest } from "./target.js";
import type { Customise } from "./types.js";
import { writeImage, type WriteOutcome, type WriteProgress } from "./write.js";

export interface FlashRequest {
  readonly image: ImageFile;
  /** Of the unpacked image, if its publisher tells. */
  readonly sha256?: string;
  readonly targets: readonly TargetRequest[];
  readonly verify: boolean;
  readonly customise?: (index: number) => Customise | undefined;
  readonly signal?: AbortSignal;
}

/**
 * @returns an outcome for each target, in their order
 * @throws ImcloudError `flash.target-busy`; what is wrong with the image
 */
export async function flash(
  request: FlashRequest,
  progress: WriteProgress,
): Promise<readonly WriteOutcome[]> {
  const { image, sha256, ...rest } = request;
  await using _claims = await claim(request.targets);
  const bytes = unpacked({ path: image.path, format: image.format });
  return await writeImage(
    { ...rest, image: { name: image.path, bytes, ...(sha256 !== undefined && { sha256 }) } },
    progress,
  );
}

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
