/**
 * Canonical JSON: one text for one value, so that hashes of events agree everywhere.
 *
 * Keys are sorted by code point, there is no insignificant space, numbers are integers that every
 * implementation can hold. Source: Matrix specification, appendices, "Canonical JSON".
 */

/** A value that has no canonical form; `path` says in which object it stands. */
export class NotCanonicalError extends Error {
  override readonly name = "NotCanonicalError";

  constructor(reason: string, path: string) {
    super(`${reason} at ${path === "" ? "the top" : path}`);
  }
}

/**
 * @param value parsed JSON; object entries that are undefined are left out
 * @param path where the value stands, for errors
 * @returns its canonical text
 * @throws NotCanonicalError for fractions, integers beyond 2^53-1, lone surrogates and what JSON cannot say
 */
export function canonicalJson(value: unknown, path = ""): string {
  return encode(value, path);
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
      return Array.isArray(value)
        ? encodeList(value, path)
        : encodeObject(value as Record<string, unknown>, path);
    default:
      throw new NotCanonicalError(`a ${typeof value}`, path);
  }
}

/** Printable ASCII but quote and backslash: most of what events consist of, and the same in JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;

function encodeString(value: string, path: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  // Half a character cannot be written as UTF-8; every implementation would replace it differently.
  if (!value.isWellFormed()) throw new NotCanonicalError("a string with half a surrogate pair", path);
  return JSON.stringify(value);
}

function encodeList(list: readonly unknown[], path: string): string {
  let text = "[";
  for (let index = 0; index < list.length; index++) {
    text += (index === 0 ? "" : ",") + encode(list[index], path);
  }
  return `${text}]`;
}

function encodeObject(object: Readonly<Record<string, unknown>>, path: string): string {
  const keys = sorted(Object.keys(object));
  let text = "";
  for (const key of keys) {
    const value = object[key];
    if (value === undefined) continue;
    const inner = typeof value === "object" ? `${path}.${key}` : path;
    text += `${text === "" ? "" : ","}${encodeString(key, path)}:${encode(value, inner)}`;
  }
  return `{${text}}`;
}

/** Up to so many keys, moving each to its place takes less time than to call a sort. */
const FEW_KEYS = 16;

/** Sorts a list in place. */
function sorted(keys: string[]): string[] {
  if (keys.length > FEW_KEYS) return keys.sort(byCodePoint);
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index] ?? "";
    let to = index;
    for (; to > 0 && byCodePoint(keys[to - 1] ?? "", key) > 0; to--) keys[to] = keys[to - 1] ?? "";
    keys[to] = key;
  }
  return keys;
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
