/**
 * Shell text that cannot be injected into, and the files that travel with it.
 *
 * `sh` quotes every value it is given, so a board name, a path or a password hash with a quote in it is
 * data and never syntax. File contents never become text of the script: they ride in the payload beside it
 * (argv and script text are visible to others on the board, and an argument is capped at 128 KiB).
 *
 * Everything written with `sh` must run under dash: boards have no other shell for certain.
 */
import { createHash, randomUUID } from "node:crypto";
import { Secret } from "../shared/secret.js";

export type Content = string | Uint8Array | Secret;

/** Shell text and what travels with it, by the name it has below `$IMCLOUD_FILES`. */
export interface Script {
  readonly text: string;
  readonly files: ReadonlyMap<string, Content>;
}

/** A file of the payload; in a script it stands for its path on the board. */
export interface PayloadFile {
  readonly name: string;
  readonly content: Content;
}

export type ShellValue = string | number | boolean | Script | PayloadFile | readonly ShellValue[];

/**
 * Puts content beside the script.
 *
 * Equal contents share one file. A secret's name is random: the hash of a short password is the password to
 * whoever tries the candidates.
 */
export function payloadFile(content: Content): PayloadFile {
  return {
    name:
      content instanceof Secret ? `s-${randomUUID()}` : createHash("sha256").update(content).digest("hex"),
    content,
  };
}

/**
 * Builds a script; every value is quoted by its kind.
 *
 * Strings and numbers become one word, lists several, files of the payload their path on the board, scripts
 * are taken in as they are. A `Secret` does not compile: it has no place in script text. Backslashes are the
 * shell's own, but `\${` is the shell's `${` and a backslash before a backquote only keeps it from ending the
 * template.
 *
 * @example
 * sh`install -m 0644 ${payloadFile("hello\n")} ${"/etc/motd"}`
 */
export function sh(strings: TemplateStringsArray, ...values: readonly ShellValue[]): Script {
  const files = new Map<string, Content>();
  const text = strings.raw
    .map((string) => string.replaceAll("\\${", "${").replaceAll("\\`", "`"))
    .reduce((before, string, index) => before + render(values[index - 1] ?? "", files) + string);
  return { text: dedent(text), files };
}

/** Several scripts, one after the other. */
export function lines(scripts: readonly Script[]): Script {
  return {
    text: scripts.map(({ text }) => text).join("\n"),
    files: new Map(scripts.flatMap(({ files }) => [...files])),
  };
}

/** Nothing to run. */
export const nothing: Script = { text: "", files: new Map() };

/**
 * One word for a POSIX shell, whatever is in it.
 *
 * @throws RangeError for a NUL byte, which no shell word can hold
 */
export function quote(word: string): string {
  if (word.includes("\0")) throw new RangeError("a shell word cannot hold a NUL byte");
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function render(value: ShellValue, files: Map<string, Content>): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (isList(value)) return value.map((item) => render(item, files)).join(" ");
  if ("name" in value) {
    files.set(value.name, value.content);
    return `"$IMCLOUD_FILES"/${value.name}`;
  }
  for (const [name, content] of value.files) files.set(name, content);
  return value.text;
}

function isList(value: ShellValue): value is readonly ShellValue[] {
  return Array.isArray(value);
}

/** Template literals are indented with the code around them; shell text need not be. */
function dedent(text: string): string {
  return text.startsWith("\n") ? text.slice(1).trimEnd() : text;
}
