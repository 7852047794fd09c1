/**
 * The process that makes thumbnails: ImageMagick as WebAssembly, so that what a hostile picture does to it stays there.
 * It takes one wish a message, and ends with the server. src/server/runtime/helper-process.ts
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { gunzipSync } from "node:zlib";
import {
  ColorSpace,
  Gravity,
  ImageMagick,
  initializeImageMagick,
  MagickFormat,
  MagickImageCollection,
  MagickImageInfo,
  MagickReadSettings,
  Orientation,
  ResourceLimits,
  type IMagickImage,
} from "@imagemagick/magick-wasm";
import { isAnimatedPng, type PictureKind } from "../core/picture.js";
import { fitInto, type Fit, type Size } from "../core/thumbnail-box.js";

export interface ThumbnailOrder {
  readonly source: string;
  readonly kind: PictureKind;
  /** Absent where only the movement is to be taken out. */
  readonly box?: Size;
  readonly method: "crop" | "scale";
  readonly isAnimated: boolean;
  /** Where to write. */
  readonly target: string;
}

/** `original`: the picture itself will do; `large`: more pixels than are worth the memory; `broken`: no such picture. */
export type ThumbnailOutcome =
  | { readonly outcome: "made"; readonly type: "image/jpeg" | "image/png" | "image/webp" }
  | { readonly outcome: "original" }
  | { readonly outcome: "large" }
  | { readonly outcome: "broken" }
  /** Nothing is wrong with the picture; the system's error code says what is. */
  | { readonly outcome: "failed"; readonly code: string };

/** A JPEG is decoded at a fraction of its size; what its progressive form keeps in memory bounds it all the same. */
const MOST_PIXELS: Readonly<Record<PictureKind, number>> = {
  ...{ jpeg: 50_000_000, png: 12_500_000, webp: 12_500_000, gif: 12_500_000 },
};
/** Of all frames together; a longer film is its own thumbnail. */
const MOST_MOVING_PIXELS = 10_000_000;
const MOST_FRAMES = 1_000;
const MOST_SIDE = 30_000;
const MEMORY_BYTES = 160_000_000;
const MOST_PROFILE_BYTES = 65_536;
const QUALITY = 80;
/** Source: proc(5). */
const OOM_SCORE = "/proc/self/oom_score_adj";

const FORMATS: Readonly<Record<PictureKind, MagickFormat>> = {
  ...{ jpeg: MagickFormat.Jpeg, png: MagickFormat.Png, gif: MagickFormat.Gif, webp: MagickFormat.WebP },
};
/** Of these a camera's width is the picture's height. Source: Exif 2.32, tag 0x0112. */
const ON_ITS_SIDE: ReadonlySet<Orientation> = new Set([
  ...[Orientation.LeftTop, Orientation.RightTop, Orientation.RightBottom, Orientation.LeftBottom],
]);

async function start(): Promise<void> {
  // Messages first.
  setPriority(10);
  // The server is worth more than a thumbnail, when memory is short. Elsewhere than on Linux there is no such file.
  if (existsSync(OOM_SCORE)) writeFileSync(OOM_SCORE, "900");
  process.on("disconnect", () => process.exit(0));
  const isLoaded = load();
  process.on("message", (order: ThumbnailOrder) => {
    void isLoaded.then(() => process.send?.(answer(order)));
  });
  await isLoaded;
}

/** In the bundle the program lies beside, compressed; in the source it is the package's. */
async function load(): Promise<void> {
  const bytes = import.meta.url.endsWith(".ts")
    ? readFileSync(new URL(import.meta.resolve("@imagemagick/magick-wasm/magick.wasm")))
    : gunzipSync(readFileSync(new URL("./magick.wasm.gz", import.meta.url)));
  await initializeImageMagick(await WebAssembly.compile(bytes));
  ResourceLimits.width = BigInt(MOST_SIDE);
  ResourceLimits.height = BigInt(MOST_SIDE);
  ResourceLimits.memory = BigInt(MEMORY_BYTES);
  ResourceLimits.maxMemoryRequest = BigInt(MEMORY_BYTES);
  ResourceLimits.maxProfileSize = BigInt(MOST_PROFILE_BYTES);
  ResourceLimits.listLength = BigInt(MOST_FRAMES);
  ResourceLimits.disk = 0n;
}

function answer(order: ThumbnailOrder): ThumbnailOutcome {
  try {
    return make(readFileSync(order.source), order);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined) return { outcome: "failed", code };
    // Whatever a decoder says of it: it has no picture for us.
    return { outcome: "broken" };
  }
}

function make(bytes: Uint8Array, order: ThumbnailOrder): ThumbnailOutcome {
  const { kind, box, method, target } = order;
  const info = MagickImageInfo.create(bytes, settingsOf(kind));
  const isTurned = ON_ITS_SIDE.has(info.orientation);
  const picture = isTurned
    ? { width: info.height, height: info.width }
    : { width: info.width, height: info.height };
  const frames = framesOf(bytes, kind);
  const fit = box === undefined ? undefined : fitInto(picture, box, method);
  const isMoving = frames > 1 && order.isAnimated;
  if (fit === undefined && (frames === 1 || isMoving)) return { outcome: "original" };
  const pixels = info.width * info.height;
  if (pixels > MOST_PIXELS[kind]) return { outcome: "large" };
  if (isMoving && fit !== undefined) {
    if (kind === "png" || pixels * frames > MOST_MOVING_PIXELS) return { outcome: "original" };
    writeFileSync(target, moving(bytes, kind, fit));
    return { outcome: "made", type: "image/webp" };
  }
  const settings = settingsOf(kind);
  settings.frameIndex = 0;
  settings.frameCount = 1;
  if (fit !== undefined && kind === "jpeg") {
    const { width, height } = fit.scaled;
    const wanted = isTurned ? `${2 * height}x${2 * width}` : `${2 * width}x${2 * height}`;
    settings.setDefine(MagickFormat.Jpeg, "size", wanted);
  }
  return ImageMagick.read(bytes, settings, (image) => {
    image.autoOrient();
    if (fit !== undefined) shrink(image, fit);
    strip(image);
    image.quality = QUALITY;
    const isOpaque = !image.hasAlpha || image.isOpaque;
    image.write(isOpaque ? MagickFormat.Jpeg : MagickFormat.Png, (data) => writeFileSync(target, data));
    return { outcome: "made", type: isOpaque ? "image/jpeg" : "image/png" };
  });
}

/** The format is ours to say: ImageMagick knows two hundred more. */
function settingsOf(kind: PictureKind): MagickReadSettings {
  return new MagickReadSettings({ format: FORMATS[kind] });
}

/** 2 stands for several of a PNG, of which only the first is read here. */
function framesOf(bytes: Uint8Array, kind: PictureKind): number {
  if (kind === "jpeg") return 1;
  if (kind === "png") return isAnimatedPng(bytes) ? 2 : 1;
  const frames = MagickImageCollection.create();
  try {
    frames.ping(bytes, settingsOf(kind));
    return frames.length;
  } finally {
    frames.dispose();
  }
}

function shrink(image: IMagickImage, { scaled, cropped }: Fit): void {
  image.resize(scaled.width, scaled.height);
  if (cropped === undefined) return;
  image.crop(cropped.width, cropped.height, Gravity.Center);
  image.resetPage();
}

/** What screens show, without what a camera notes, such as the place; with the profile that says what red is. */
function strip(image: IMagickImage): void {
  const profile = image.colorSpace === ColorSpace.CMYK ? null : image.getColorProfile();
  image.strip();
  image.colorSpace = ColorSpace.sRGB;
  if (profile !== null && profile.data.byteLength <= MOST_PROFILE_BYTES) image.setProfile(profile);
}

function moving(bytes: Uint8Array, kind: PictureKind, fit: Fit): Uint8Array {
  const frames = MagickImageCollection.create();
  try {
    frames.read(bytes, settingsOf(kind));
    frames.coalesce();
    for (const frame of frames) {
      shrink(frame, fit);
      strip(frame);
      frame.quality = QUALITY;
    }
    return frames.write(MagickFormat.WebP, (data) => Uint8Array.from(data));
  } finally {
    frames.dispose();
  }
}

await start();
