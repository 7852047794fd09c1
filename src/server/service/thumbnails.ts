/**
 * Small pictures of large ones: made when they are first asked for, by a process of its own, and kept beside their
 * pictures until those go. They count in nobody's quota, and no backup has them.
 * Source: Matrix client-server API v1.18, "Thumbnails".
 */
import { existsSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { MAGIC_BYTES, pictureKindOf, type PictureKind } from "../core/picture.js";
import { boxFor, type ThumbnailWish } from "../core/thumbnail-box.js";
import type { ContentFiles } from "../runtime/files.js";
import {
  HelperBusyError,
  HelperEndedError,
  HelperProcess,
  type HelperLimits,
} from "../runtime/helper-process.js";
import { InTurn } from "../runtime/in-turn.js";
import type { ThumbnailOrder, ThumbnailOutcome } from "../workers/thumbnailer.js";
import { Failure } from "./failure.js";

/**
 * One at a time. A 12-megapixel photo takes half a second of a laptop's core and 156 MiB, a PNG of that size 256 MiB;
 * server and thumbnails share 384 MiB on a board with 1 GB.
 */
const LIMITS: HelperLimits = {
  ...{ timeoutMs: 30_000, memoryBytes: 280 * 1_048_576, idleMs: 15_000, mostWaiting: 64 },
};
const RETRY_MS = 2_000;
/** A picture that could not be shrunk is not tried again for so long, in milliseconds. */
const HOPELESS_MS = 60 * 60_000;
const MOST_HOPELESS = 10_000;

const TYPES: Readonly<Record<string, string>> = {
  ...{ jpeg: "image/jpeg", png: "image/png", gif: "image/gif", webp: "image/webp" },
};

/** In the bundle the program lies beside the server's, in the source beside the other workers. */
const PROGRAM = new URL(
  import.meta.url.endsWith(".ts") ? "../workers/thumbnailer.ts" : "./thumbnailer.js",
  import.meta.url,
);

export interface Thumbnail {
  readonly path: string;
  readonly type: string;
  /** Differs between the sizes of one picture. */
  readonly tag: string;
}

type Hopeless = "large" | "broken";

export class Thumbnails {
  readonly #files: ContentFiles;
  readonly #isUsed: (hash: string) => Promise<boolean>;
  readonly #helper: HelperProcess<ThumbnailOrder, ThumbnailOutcome>;
  /** By picture and size: who asks meanwhile waits for the same. */
  readonly #turns = new InTurn();
  /** By picture and whether it moves, the oldest first. */
  readonly #hopeless = new Map<string, { readonly why: Hopeless; readonly at: number }>();

  constructor(files: ContentFiles, isUsed: (hash: string) => Promise<boolean>, limits = LIMITS) {
    this.#files = files;
    this.#isUsed = isUsed;
    this.#helper = new HelperProcess(PROGRAM, limits);
  }

  /** @throws Failure M_UNKNOWN of what is no picture, M_TOO_LARGE, M_LIMIT_EXCEEDED when too many are asked for */
  async get(hash: string, wish: ThumbnailWish): Promise<Thumbnail> {
    const original = this.#files.pathOf(hash);
    const kind = await kindOf(original);
    if (kind === undefined) throw noPicture();
    const box = boxFor(wish);
    const whole = { path: original, type: TYPES[kind] ?? "", tag: hash };
    if (box === undefined && (kind === "jpeg" || wish.isAnimated)) return whole;
    const moves = wish.isAnimated && kind !== "jpeg" ? "moving" : "still";
    const name = box === undefined ? moves : `${wish.method}-${box.width}x${box.height}-${moves}`;
    const type = await this.#turns.run(`${hash} ${name}`, async () => {
      const kept = (await this.#files.variantsOf(hash)).find((file) => file.startsWith(`${name}.`));
      if (kept !== undefined) return kept.slice(name.length + 1);
      const { method, isAnimated } = wish;
      const order = { source: original, kind, ...(box !== undefined && { box }), method, isAnimated };
      return this.#make(hash, name, order);
    });
    if (type === ORIGINAL) return whole;
    return {
      path: this.#files.variantPath(hash, `${name}.${type}`),
      type: TYPES[type] ?? "",
      tag: `${hash}-${name}`,
    };
  }

  async stop(): Promise<void> {
    await this.#helper.stop();
  }

  /** @returns what follows the dot of its file's name */
  async #make(hash: string, name: string, order: Omit<ThumbnailOrder, "target">): Promise<string> {
    const key = `${hash} ${order.isAnimated}`;
    const known = this.#hopeless.get(key);
    if (known !== undefined && Date.now() - known.at < HOPELESS_MS) throw failureOf(known.why);
    const make = async (target: string) => {
      const made = await this.#ask({ ...order, target });
      if (made.outcome === "large" || made.outcome === "broken") throw this.#giveUp(key, made.outcome);
      if (made.outcome === "failed")
        throw Object.assign(new Error(`no thumbnail was written: ${made.code}`), { code: made.code });
      // An empty file says that there is nothing to make.
      if (made.outcome === "original") await writeFile(target, "");
      const type = made.outcome === "original" ? ORIGINAL : made.type.slice("image/".length);
      return { name: `${name}.${type}`, type };
    };
    return (await this.#files.addVariant(hash, make, () => this.#isUsed(hash))).type;
  }

  async #ask(order: ThumbnailOrder): Promise<ThumbnailOutcome> {
    if (!existsSync(PROGRAM))
      throw new Error(`${PROGRAM.pathname} is missing: the installation is incomplete`);
    try {
      return await this.#helper.ask(order);
    } catch (error) {
      if (error instanceof HelperBusyError)
        throw new Failure("M_LIMIT_EXCEEDED", "too many thumbnails are being made", {
          retry_after_ms: RETRY_MS,
        });
      if (error instanceof HelperEndedError) return { outcome: "large" };
      throw error;
    }
  }

  #giveUp(key: string, why: Hopeless): Failure {
    this.#hopeless.delete(key);
    this.#hopeless.set(key, { why, at: Date.now() });
    const [oldest] = this.#hopeless.keys();
    if (this.#hopeless.size > MOST_HOPELESS && oldest !== undefined) this.#hopeless.delete(oldest);
    return failureOf(why);
  }
}

const ORIGINAL = "original";

const noPicture = () => new Failure("M_UNKNOWN", "there is no picture of this", { status: 400 });
const failureOf = (why: Hopeless) =>
  why === "large" ? new Failure("M_TOO_LARGE", "the picture is too large for a thumbnail") : noPicture();

async function kindOf(path: string): Promise<PictureKind | undefined> {
  const file = await open(path, "r");
  try {
    const head = new Uint8Array(MAGIC_BYTES);
    await file.read(head, 0, MAGIC_BYTES, 0);
    return pictureKindOf(head);
  } finally {
    await file.close();
  }
}
