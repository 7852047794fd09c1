/**
 * The bytes of an image, out of whatever it is packed in.
 *
 * xz and zstd are the machine's own programs where it has them: a process of their own uses another core, and xz takes
 * several for archives that were made in blocks. Where one is missing a library does it, at a fraction of the speed.
 * gzip and zip are left to Node.js's zlib, which is faster than gzip(1). xz-decompress is xz's own code for WebAssembly,
 * fzstd and yauzl are the usual ones for JavaScript and read as it comes.
 */
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { access, constants, open } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { Duplex, Readable, Transform } from "node:stream";
import { crc32, createGunzip, createInflateRaw } from "node:zlib";
import { imageDamaged } from "./errors.js";
import type { ImageFormat } from "./image-format.js";
import { openZip } from "./zip.js";

const CHUNK_BYTES = 1_048_576;
const SHOWN_ERROR_BYTES = 500;

/** @param input the packed bytes as they come, instead of a file that is whole */
export interface Packed {
  readonly path: string;
  readonly format: ImageFormat;
  readonly input?: Readable;
}

/**
 * @param programs false: libraries alone, as on a machine without xz and zstd
 * @throws ImcloudError `flash.image-damaged`, while it is read, for what is incomplete
 */
export async function* unpacked({ path, format, input }: Packed, programs = true): AsyncGenerator<Buffer> {
  const source = () => input ?? createReadStream(path, { highWaterMark: CHUNK_BYTES });
  switch (format) {
    case "raw":
      yield* whole(source(), path);
      return;
    case "gzip":
      yield* through(source(), createGunzip({ chunkSize: CHUNK_BYTES }), path);
      return;
    case "zip": {
      await using entry = await openZip(path);
      const content = entry.isDeflated
        ? through(entry.content, createInflateRaw({ chunkSize: CHUNK_BYTES }), path)
        : whole(entry.content, path);
      yield* checked(content, entry.crc32, path);
      return;
    }
    case "xz":
      if (programs && (await hasProgram("xz"))) yield* byProgram(["xz", "-dcqT0"], path, input);
      else yield* through(source(), await xzStream(), path);
      return;
    case "zstd":
      if (programs && (await hasProgram("zstd")))
        yield* byProgram(["zstd", "-dcq", "--long=31"], path, input);
      else yield* through(source(), await zstdStream(), path);
  }
}

/** Whether the machine has a program of that name. */
export async function hasProgram(name: string): Promise<boolean> {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const found = folders.map((folder) => access(join(folder, name), constants.X_OK));
  return Promise.any(found).then(
    () => true,
    () => false,
  );
}

async function* byProgram(
  [program, ...parameters]: readonly [string, ...string[]],
  path: string,
  input: Readable | undefined,
): AsyncGenerator<Buffer> {
  // A file that is whole goes to the program itself: nothing of it passes through here.
  const file = input === undefined ? await open(path, "r") : undefined;
  const child = spawn(program, parameters, { stdio: [file?.fd ?? "pipe", "pipe", "pipe"] });
  await file?.close();
  const feeding = new Promise<Error | undefined>((resolve) => {
    if (input === undefined || child.stdin === null) return resolve(undefined);
    input.on("error", (error) => {
      child.kill("SIGKILL");
      resolve(error);
    });
    child.stdin.on("error", () => input.destroy()); // it has ended, and tells why
    child.stdin.on("close", () => resolve(undefined));
    input.pipe(child.stdin);
  });
  let said = "";
  child.stderr
    ?.setEncoding("utf8")
    .on("data", (text: string) => (said = `${said}${text}`.slice(-SHOWN_ERROR_BYTES)));
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) =>
      resolve(code === 0 ? "" : said.trim() || `${program} ended with ${code ?? signal}`),
    );
  });
  let isRead = false;
  try {
    if (child.stdout !== null) for await (const chunk of child.stdout) yield chunk as Buffer;
    isRead = true;
  } finally {
    if (!isRead) {
      child.kill("SIGKILL");
      input?.destroy();
    }
  }
  const [why, broken] = await Promise.all([ended, feeding]);
  if (broken !== undefined) throw broken;
  if (why !== "") throw imageDamaged(path, why);
}

/** What gzip, xz and zstd do themselves. */
async function* checked(
  content: AsyncIterable<Buffer>,
  expected: number,
  path: string,
): AsyncGenerator<Buffer> {
  let found = 0;
  for await (const chunk of content) {
    found = crc32(chunk, found);
    yield chunk;
  }
  if (found !== expected) throw imageDamaged(path, "its checksum (CRC-32) is another");
}

async function* whole(source: Readable, path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) yield chunk as Buffer;
  } catch (error) {
    throw damage(path, error);
  }
}

async function* through(source: Readable, unpacking: Duplex, path: string): AsyncGenerator<Buffer> {
  source.on("error", (error) => unpacking.destroy(error));
  try {
    for await (const chunk of source.pipe(unpacking)) yield chunk as Buffer;
  } catch (error) {
    throw damage(path, error);
  } finally {
    source.destroy();
    unpacking.destroy();
  }
}

/** What broke the source is told as it is; what the unpacking met is the image's fault. */
function damage(path: string, error: unknown): unknown {
  const isOurs = error instanceof Error && error.name === "ImcloudError";
  return isOurs ? error : imageDamaged(path, error instanceof Error ? error.message : String(error), error);
}

async function xzStream(): Promise<Duplex> {
  const { XzReadableStream } = await import("xz-decompress");
  return Duplex.from(async function* (source: AsyncIterable<Buffer>) {
    yield* new XzReadableStream(Readable.toWeb(Readable.from(source)) as ReadableStream<Uint8Array>);
  });
}

async function zstdStream(): Promise<Duplex> {
  const { Decompress } = await import("fzstd");
  const unpacking = new Decompress();
  let isEnded = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpacking.ondata = (data, isFinal) => {
        isEnded = isFinal === true;
        this.push(Buffer.from(data));
      };
      try {
        unpacking.push(chunk);
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    flush(done) {
      try {
        unpacking.push(new Uint8Array(0), true);
        done(isEnded ? null : new Error("unexpected end of the archive"));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}
