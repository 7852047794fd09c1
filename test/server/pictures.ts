/** Pictures for tests, made and read by the codecs themselves. */
import { readFileSync } from "node:fs";
import {
  ImageMagick,
  initializeImageMagick,
  MagickColor,
  MagickFormat,
  MagickImage,
  MagickImageCollection,
  MagickReadSettings,
  type IMagickImage,
} from "@imagemagick/magick-wasm";

await initializeImageMagick(
  await WebAssembly.compile(
    readFileSync(new URL(import.meta.resolve("@imagemagick/magick-wasm/magick.wasm"))),
  ),
);

export type Picture = Buffer<ArrayBuffer>;

/** Left half red, right half blue. */
function halves(width: number, height: number): IMagickImage {
  const image = MagickImage.create(new MagickColor("blue"), width, height);
  ImageMagick.read(new MagickColor("red"), Math.ceil(width / 2), height, (left) => image.composite(left));
  return image;
}

export function picture(format: MagickFormat, width: number, height: number): Picture {
  return halves(width, height).write(format, (data) => Buffer.from(data));
}

/** Right half transparent. */
export function seeThrough(width: number, height: number): Picture {
  const image = MagickImage.create(new MagickColor("#00000000"), width, height);
  ImageMagick.read(new MagickColor("red"), Math.ceil(width / 2), height, (left) => image.composite(left));
  return image.write(MagickFormat.Png, (data) => Buffer.from(data));
}

/** A film of so many frames, each of another colour. */
export function film(format: MagickFormat, width: number, height: number, frames: number): Picture {
  const images = MagickImageCollection.create();
  for (let at = 0; at < frames; at++) {
    const image = MagickImage.create(new MagickColor(`rgb(${at * 20}, 0, 99)`), width, height);
    image.animationDelay = 10;
    images.push(image);
  }
  return images.write(format, (data) => Buffer.from(data));
}

/** A JPEG as a camera on its side stores it, with a note. Source: Exif 2.32, tag 0x0112. */
export function turned(jpeg: Picture, orientation: number): Picture {
  const tiff = Buffer.from("4d4d002a000000080001011200030000000100000000000000000000", "hex");
  tiff.writeUInt16BE(orientation, 18);
  const exif = Buffer.concat([Buffer.from("Exif\0\0"), tiff, Buffer.from("taken at home")]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(exif.byteLength + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, exif, jpeg.subarray(2)]);
}

/** What a picture shows. */
export function lookAt(bytes: Uint8Array): {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** At a place between 0 and 1, in red, green, blue. */
  readonly colour: (x: number, y: number) => readonly number[];
} {
  const images = MagickImageCollection.create();
  images.read(bytes, new MagickReadSettings());
  const [first] = images;
  if (first === undefined) throw new Error("no picture");
  const { format, width, height } = first;
  return {
    ...{ format, width, height, frames: images.length },
    colour: (x, y) =>
      first.getPixels((pixels) =>
        Array.from(pixels.getPixel(Math.floor(x * (width - 1)), Math.floor(y * (height - 1))).slice(0, 3)),
      ),
  };
}
