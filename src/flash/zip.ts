/**
 * The one image in a zip archive. An archive is read from its end, so it must be whole.
 *
 * Source: PKWARE's APPNOTE.TXT; yauzl reads it.
 */
import type { Readable } from "node:stream";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { imageDamaged, notAnImage } from "./errors.js";

export interface ZipEntry extends AsyncDisposable {
  readonly name: string;
  /** Unpacked. */
  readonly sizeBytes: number;
  /** Of what it holds unpacked. */
  readonly crc32: number;
  readonly isDeflated: boolean;
  /** As it lies in the archive. */
  readonly content: Readable;
}

const STORED = 0;
const DEFLATED = 8;

/** @throws ImcloudError `flash.image-damaged`; `flash.image-unusable` for none or several images, or a password */
export async function openZip(path: string): Promise<ZipEntry> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false }).catch((cause: unknown) => {
    throw imageDamaged(path, cause instanceof Error ? cause.message : String(cause), cause);
  });
  try {
    const entry = await imageIn(zip, path);
    const content = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    return {
      name: entry.fileName,
      sizeBytes: entry.uncompressedSize,
      crc32: entry.crc32,
      isDeflated: entry.compressionMethod === DEFLATED,
      content,
      [Symbol.asyncDispose]: () => {
        content.destroy();
        zip.close();
        return Promise.resolve();
      },
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** Packers add notes and macOS its own files; what ends in `.img` is the image, or else the only file there is. */
async function imageIn(zip: ZipFile, path: string): Promise<Entry> {
  const entries: Entry[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      const isLitter = /(^|\/)(__MACOSX\/|\._|\.DS_Store$)/.test(entry.fileName);
      if (!entry.fileName.endsWith("/") && !isLitter) entries.push(entry);
    }
  } catch (cause) {
    throw imageDamaged(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const images = entries.filter(({ fileName }) => fileName.toLowerCase().endsWith(".img"));
  const [image, other] = images.length > 0 ? images : entries;
  if (image === undefined) throw notAnImage(path, "a zip archive without an image");
  if (other !== undefined) {
    throw notAnImage(
      path,
      `a zip archive with ${images.length || entries.length} files: ${image.fileName}, ${other.fileName} …`,
    );
  }
  if (image.isEncrypted()) throw notAnImage(path, "a zip archive with a password");
  if (image.compressionMethod !== DEFLATED && image.compressionMethod !== STORED) {
    throw notAnImage(path, `a zip archive packed by method ${image.compressionMethod}`);
  }
  return image;
}
