/**
 * Canonical JSON: one text for one value, so that hashes of events agree everywhere.
 *
 * Keys are sorted by code point, there is no insignificant space, numbers are integers that every
 * implementation can hold. Source: Matrix specification, appendices, "Canonical JSON".
 */

/** A value that has no canonical form; `path` says where it stands. */
export class NotCanonicalError extends Error {
  override readonly name = "NotCanonicalError";

  constructor(reason: string, path: string) {
    super(`${reason} at ${path === "" ? "the top" : path}`);
  }
}

/**
 * @param value parsed JSON; object entries that are undefined are left out
 * @returns its canonical text
 * @throws NotCanonicalError for fractions, integers beyond 2^53-1, lone surrogates and what JSON cannot say
 */
export function canonicalJson(value: unknown): string {
  return encode(value, "");
}

function encode(value: unknown, path: string): string {
  switch (typeof value) {
    case "string":
      return encodeString(value, path);
    case "number":
      if (!Number.isSafeInteger(value))
        throw new NotCanonicalError(`${value} is not an integer in range`, path);
      return Object.is(value, -0) ? "0" : String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? encodeList(value, path) : encodeObject(value, path);
    default:
      throw new NotCanonicalError(`a ${typeof value}`, path);
  }
}

function encodeString(value: string, path: string): string {
  // Half a character cannot be written as UTF-8; every implementation would replace it differently.
  if (!value.isWellFormed()) throw new NotCanonicalError("a string with half a surrogate pair", path);
  return JSON.stringify(value);
}

function encodeList(list: readonly unknown[], path: string): string {
  return `[${list.map((item, index) => encode(item, `${path}[${index}]`)).join(",")}]`;
}

function encodeObject(object: object, path: string): string {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  if (entries.length > 1) entries.sort(([a], [b]) => byCodePoint(a, b));
  return `{${entries
    .map(([key, value]) => `${encodeString(key, path)}:${encode(value, `${path}.${key}`)}`)
    .join(",")}}`;
}

/** JavaScript compares UTF-16 units, which puts U+10000 and above before U+E000; code points do not. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    if (a.charCodeAt(index) !== b.charCodeAt(index)) {
      return rankOf(a.charCodeAt(index)) - rankOf(b.charCodeAt(index));
    }
  }
  return a.length - b.length;
}

const rankOf = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
