/**
 * A table of accounts: name, password, name that others see, administrator or not. Each line stands for itself, so one
 * that is wrong takes nothing with it. csv-parse reads them: quotation marks have more rules than one thinks.
 */
import { parse } from "csv-parse/browser/esm/sync";
import type { AdminWord } from "../words/admin-en.js";

export interface Wanted {
  /** From 1, as editors count. */
  readonly line: number;
  readonly name: string;
  /** Undefined: one is to be made. */
  readonly password?: string;
  readonly displayName?: string;
  readonly isAdmin: boolean;
}

export interface BadLine {
  readonly line: number;
  /** As it stands in the table. */
  readonly text: string;
  readonly word: AdminWord;
  readonly values: Readonly<Record<string, string | number>>;
}

const DELIMITERS = [",", ";", "\t"];
/** Source: Matrix specification, appendices, "User Identifiers". */
const NAME = /^[a-z0-9._=/+-]+$/;
const YES = new Set(["yes", "true", "1", "y", "admin", "是"]);
const NO = new Set(["", "no", "false", "0", "n", "否"]);
/** What the first field of a line of headings says. */
const HEADINGS = new Set(["name", "user", "username", "account", "用户名", "账号", "名称"]);
const FIELDS = 4;

/** @returns every line that is not empty either among the wanted ones or among the bad */
export function readAccounts(text: string): {
  readonly wanted: readonly Wanted[];
  readonly bad: readonly BadLine[];
} {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const delimiter = delimiterOf(lines.find((line) => line.trim() !== "") ?? "");
  const wanted: Wanted[] = [];
  const bad: BadLine[] = [];
  const lineOf = new Map<string, number>();
  let isFirst = true;
  for (const [index, raw] of lines.entries()) {
    if (raw.trim() === "") continue;
    const line = index + 1;
    const fields = fieldsOf(raw, delimiter);
    const isHeading = isFirst && HEADINGS.has(fields?.[0]?.toLowerCase() ?? "");
    isFirst = false;
    if (isHeading) continue;
    const read =
      fields === undefined ? { word: "csvBroken" as const, values: {} } : accountOf(fields, line, lineOf);
    if ("word" in read) bad.push({ line, text: raw, ...read });
    else wanted.push(read);
  }
  return { wanted, bad };
}

function accountOf(
  fields: readonly string[],
  line: number,
  lineOf: Map<string, number>,
): Wanted | Pick<BadLine, "word" | "values"> {
  const [name = "", password = "", displayName = "", rank = ""] = fields;
  const extra = fields.slice(FIELDS).some((field) => field !== "");
  if (extra) return { word: "csvTooMany", values: { n: fields.length } };
  if (name === "") return { word: "csvNoName", values: {} };
  if (!NAME.test(name)) return { word: "csvBadName", values: { name } };
  const isAdmin = YES.has(rank.toLowerCase());
  if (!isAdmin && !NO.has(rank.toLowerCase())) return { word: "csvBadAdmin", values: { value: rank } };
  const before = lineOf.get(name);
  if (before !== undefined) return { word: "csvTwice", values: { name, line: before } };
  lineOf.set(name, line);
  return {
    ...{ line, name, isAdmin },
    ...(password !== "" && { password }),
    ...(displayName !== "" && { displayName }),
  };
}

/** @returns undefined when its quotation marks do not match */
function fieldsOf(line: string, delimiter: string): readonly string[] | undefined {
  try {
    const [fields] = parse(line, { delimiter, trim: true, relax_column_count: true });
    return fields ?? [];
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** Spreadsheets put what their language has; the one of which the first line has most. */
const delimiterOf = (line: string): string =>
  DELIMITERS.reduce((best, it) => (line.split(it).length > line.split(best).length ? it : best));

/** A file's text, in UTF-8 or, as spreadsheets in Chinese write it, in GB 18030. */
export function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}
