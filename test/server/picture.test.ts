/** What the first bytes of a picture say: by pictures of the codecs' own making, and by pieces of them. */
import { expect, test } from "bun:test";
import { MagickFormat } from "@imagemagick/magick-wasm";
import fc from "fast-check";
import { pictureSizeOf } from "../../src/server/core/picture.js";
import { film, picture, seeThrough, turned } from "./pictures.js";

/** A JPEG with padding before its first segment. Source: ISO/IEC 10918-1, B.1.1.2. */
const padded = (jpeg: Buffer) =>
  Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xff]), jpeg.subarray(2)]);

const PICTURES = {
  png: picture(MagickFormat.Png, 301, 1027),
  gif: picture(MagickFormat.Gif, 301, 1027),
  jpeg: picture(MagickFormat.Jpeg, 301, 1027),
  "jpeg with notes": turned(picture(MagickFormat.Jpeg, 301, 1027), 6),
  "jpeg with padding": padded(picture(MagickFormat.Jpeg, 301, 1027)),
  "lossy webp": picture(MagickFormat.WebP, 301, 1027),
  "moving webp": film(MagickFormat.WebP, 301, 1027, 2),
  "see-through png": seeThrough(301, 1027),
};

test.each(Object.entries(PICTURES))("%s: its size", (_, bytes) => {
  expect(pictureSizeOf(bytes)).toEqual({ width: 301, height: 1027 });
});

test("a lossless webp: its size", () => {
  // The smallest there is, of 1 by 1 pixel, with 299 and 199 more in its header. Source: RFC 9649, section 3.4.
  const bytes = Buffer.from("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700", "hex");
  bytes.writeUInt32LE(bytes.readUInt32LE(21) | 299 | (199 << 14), 21);
  expect(pictureSizeOf(bytes)).toEqual({ width: 300, height: 200 });
});

test("part of a picture has its size or none, and throws nothing", () => {
  const bytes = fc.constantFrom(...Object.values(PICTURES));
  fc.assert(
    fc.property(bytes, fc.nat(2_000), (whole, length) => {
      const size = pictureSizeOf(whole.subarray(0, length));
      expect(size === undefined || (size.width === 301 && size.height === 1027)).toBe(true);
    }),
  );
});

test("nonsense behind the first bytes throws nothing", () => {
  const heads = ["ffd8ff", "89504e470d0a1a0a", "474946383961", "524946460000000057454250"];
  fc.assert(
    fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 200 }), (head, rest) => {
      pictureSizeOf(Buffer.concat([Buffer.from(head, "hex"), rest]));
    }),
  );
});
