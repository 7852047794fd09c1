/**
 * Reading a request's body.
 */
import { Failure } from "../service/failure.js";

/** Levels of objects and lists: nothing of Matrix needs so many, and whoever walks them does so by recursion. */
const MAX_DEPTH = 100;

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * @returns the body's bytes: to be waited for, and then given to {@link parseJson}
 * @throws Failure M_TOO_LARGE for what is larger than `limitBytes`
 */
export function readBody(request: Request, limitBytes: number): Promise<ArrayBuffer | Uint8Array> {
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > limitBytes) throw tooLarge(limitBytes);
  // Who does not say how much comes is believed up to the limit only.
  return declared === null ? readBytes(request.body, limitBytes) : request.arrayBuffer();
}

/**
 * @param method of the request
 * @returns the body's JSON object; an empty one for a POST without a body, as many clients send it
 * @throws Failure M_NOT_JSON, M_BAD_JSON
 */
export function parseJson(bytes: ArrayBuffer | Uint8Array, method: string): unknown {
  const text = decoded(bytes);
  if (text === "" && (method === "POST" || method === "DELETE")) return {};
  if (isTooDeep(text)) throw new Failure("M_BAD_JSON", `the body has more than ${MAX_DEPTH} levels`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Failure("M_NOT_JSON", "the body is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Failure("M_BAD_JSON", "the body is not an object");
  return value;
}

async function readBytes(body: ReadableStream<Uint8Array> | null, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw tooLarge(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws Failure M_NOT_JSON for what is no UTF-8: to guess at it would store what nobody has written */
function decoded(bytes: ArrayBuffer | Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Failure("M_NOT_JSON", "the body is not UTF-8");
  }
}

const tooLarge = (limitBytes: number) => new Failure("M_TOO_LARGE", `a body has at most ${limitBytes} bytes`);

/** Counts brackets outside of strings; a text that is no JSON may be judged either way. */
function isTooDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false; // each level has a bracket at both ends
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 0x22) index = endOfString(text, index);
    else if (unit === 0x7b || unit === 0x5b) depth += 1;
    else if (unit === 0x7d || unit === 0x5d) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** @returns the place of the quote that closes the string, or the text's end */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
