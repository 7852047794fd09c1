/**
 * The few sizes in which thumbnails are made, whatever is asked for: what clients ask for differs by a pixel here and
 * there, and each size costs time and disk.
 *
 * A thumbnail is never smaller than what was asked for, and never larger than its picture; where that leaves nothing,
 * the picture itself is the answer.
 * Source: Matrix client-server API v1.18, "Thumbnails".
 */
export interface ThumbnailWish {
  readonly width: number;
  readonly height: number;
  /** `crop` fills the box and cuts off what stands out, `scale` fits into it. */
  readonly method: "crop" | "scale";
  /** Whether it may move. */
  readonly isAnimated: boolean;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const size = (width: number, height: number): Size => ({ width, height });

/** The specification's list, from the smallest. */
const SCALED: readonly Size[] = [
  ...[size(32, 32), size(96, 96)],
  ...[size(320, 240), size(640, 480), size(800, 600)],
];
const SQUARE: readonly Size[] = [32, 96, 320, 640].map((side) => size(side, side));
const WIDE: readonly Size[] = [size(320, 240), size(640, 480), size(800, 600)];
const TALL: readonly Size[] = WIDE.map(({ width, height }) => size(height, width));

/** @returns the smallest that covers what was asked for; undefined where only the whole picture does */
export function boxFor({ width, height, method }: ThumbnailWish): Size | undefined {
  const shape = method === "scale" ? SCALED : shapeOf(width / height);
  return shape.find((box) => box.width >= width && box.height >= height);
}

/** Halfway between square and 4:3, and the same on its side. */
function shapeOf(ratio: number): readonly Size[] {
  if (ratio > 7 / 6) return WIDE;
  return ratio < 6 / 7 ? TALL : SQUARE;
}

/** What a picture becomes: `scaled` first, and then cut to `cropped`, of its middle. */
export interface Fit {
  readonly scaled: Size;
  readonly cropped?: Size;
}

/** @returns undefined where the picture is no larger than the box */
export function fitInto(picture: Size, box: Size, method: ThumbnailWish["method"]): Fit | undefined {
  const ratios = [box.width / picture.width, box.height / picture.height];
  const ratio = method === "crop" ? Math.max(...ratios) : Math.min(...ratios);
  if (ratio >= 1) return undefined;
  const pixels = (length: number) => Math.max(1, Math.round(length * ratio));
  const scaled = size(pixels(picture.width), pixels(picture.height));
  return method === "crop" ? { scaled, cropped: box } : { scaled };
}
