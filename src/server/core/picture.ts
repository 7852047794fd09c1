/**
 * Pictures, by their first bytes: what an uploader says of them is a claim.
 */

/** The formats that thumbnails are made of. */
export type PictureKind = "jpeg" | "png" | "gif" | "webp";

/** Bytes from the beginning that {@link pictureKindOf} looks at. */
export const MAGIC_BYTES = 12;

/** Sources: ISO/IEC 10918-1; PNG, section 5.2; GIF89a, section 17; RFC 9649. */
export function pictureKindOf(head: Uint8Array): PictureKind | undefined {
  const text = String.fromCharCode(...head.subarray(0, MAGIC_BYTES));
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (/^GIF8[79]a/.test(text)) return "gif";
  return /^RIFF[^]{4}WEBP/.test(text) ? "webp" : undefined;
}

/** Whether a PNG says that it is animated, which it has to before its first picture. Source: PNG, "acTL". */
export function isAnimatedPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const SIGNATURE = 8;
  for (let at = SIGNATURE; at + 12 <= bytes.byteLength; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "acTL") return true;
    if (name === "IDAT") return false;
  }
  return false;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Bytes in which each format but JPEG has said its size. */
const SIZE_BYTES = 30;

/**
 * Sources: ISO/IEC 10918-1, B.1.1.2, B.2.2; PNG, section 11.2.1; GIF89a, section 18; RFC 9649, section 2.5 to 2.7.
 *
 * @returns a picture's size in pixels, as it is stored: a photograph that is to be shown on its side is not turned;
 * undefined when the bytes do not say
 */
export function pictureSizeOf(bytes: Uint8Array): PictureSize | undefined {
  const kind = pictureKindOf(bytes);
  if (kind === undefined || bytes.byteLength < SIZE_BYTES) return undefined;
  const size = SIZES[kind](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

const SIZES: Record<PictureKind, (view: DataView) => PictureSize | undefined> = {
  png: (view) => ({ width: view.getUint32(16), height: view.getUint32(20) }),
  gif: (view) => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) }),
  webp: webpSize,
  jpeg: jpegSize,
};

/** Lossy, lossless, or with more to say, each in its own way. */
function webpSize(view: DataView): PictureSize {
  switch (view.getUint8(15)) {
    case "X".charCodeAt(0): {
      const lessOne = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000;
      return { width: lessOne(24) + 1, height: lessOne(27) + 1 };
    }
    case "L".charCodeAt(0): {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    default:
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
}

/** The first frame says it, after segments that may be long. */
function jpegSize(view: DataView): PictureSize | undefined {
  for (let at = 2; at + 9 <= view.byteLength;) {
    const marker = view.getUint16(at);
    if (marker < 0xff00) return undefined;
    // Frames of all kinds; three of the numbers between them are tables and the like.
    const isFrame = marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    // Any marker may have more than one 0xff before it.
    at += marker === 0xffff ? 1 : 2 + view.getUint16(at + 2);
  }
  return undefined;
}
