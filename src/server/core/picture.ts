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
