/**
 * The beginning of what a server sends, unpacked: of what unpacks to a thousand times its size, too, no more is read
 * than was wanted.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

export interface Body {
  readonly bytes: Buffer;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

/** @throws Error of the connection, or of what is not packed as it says */
export async function readBody(response: IncomingMessage, mostBytes: number): Promise<Body> {
  const unpacked = unpack(response);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (isWhole: boolean) => {
      resolve({ bytes: Buffer.concat(chunks).subarray(0, mostBytes), isWhole });
      response.destroy();
      unpacked.destroy();
    };
    unpacked.on("data", (chunk: Buffer) => {
      if (bytes > mostBytes) return;
      bytes += chunk.byteLength;
      chunks.push(chunk);
      if (bytes > mostBytes) end(false);
    });
    unpacked.on("end", () => end(true));
    unpacked.on("error", reject);
    response.on("error", reject);
    response.on("aborted", () => reject(new Error("the connection ended early")));
  });
}

/** @throws Error for a packing that nobody asked for */
function unpack(response: IncomingMessage): Readable {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  switch (encoding) {
    case "identity":
    case "":
      return response;
    case "gzip":
    case "x-gzip":
      return response.pipe(createGunzip());
    case "deflate":
      return response.pipe(createInflate());
    case "br":
      return response.pipe(createBrotliDecompress());
    default:
      throw new Error(`packed as ${encoding.slice(0, 40)}`);
  }
}
