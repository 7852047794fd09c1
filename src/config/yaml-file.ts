/**
 * A YAML file that knows where each of its values stands.
 */
import { readFile } from "node:fs/promises";
import {
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
} from "yaml";
import { ImcloudError, type Origin } from "../shared/errors.js";

export type Path = readonly PropertyKey[];

export interface YamlFile {
  /** As the operator wrote or named it. */
  readonly file: string;
  readonly value: unknown;
  /** Where a value stands; of one that is not there, the nearest thing around it. */
  originOf(path: Path): Origin;
  /** Where the key of a value stands, for complaints about the key itself. */
  originOfKey(path: Path): Origin;
}

/** Whether what was found may be shown: in a file of secrets it may not. */
export type Showing = "values" | "kinds-only";

/** @throws ImcloudError `config.unreadable`, `config.syntax` */
export async function readYaml(
  path: string,
  hintIfMissing: string,
  showing: Showing = "values",
): Promise<YamlFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new ImcloudError(
      "config.unreadable",
      isMissing ? `there is no \`${path}\`` : `\`${path}\` cannot be read`,
      {
        ...(!isMissing && { found: error instanceof Error ? error.message : String(error) }),
        hint: isMissing ? hintIfMissing : `make \`${path}\` a file that you may read`,
        cause: error,
      },
    );
  }
  return parseYaml(text, path, showing);
}

/** @throws ImcloudError `config.syntax` */
export function parseYaml(text: string, file: string, showing: Showing = "values"): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const problem = document.errors[0] ?? document.warnings[0];
  const at = (offset: number, key: string): Origin => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), ...(key !== "" && { key }) };
  };
  const refuse: Refuse = (offset, message, code) =>
    showing === "values"
      ? notYaml(at(offset, ""), plain(message), lineAt(text, at(offset, "").line), code)
      : notYaml(at(offset, ""), WITHOUT_VALUES[code] ?? "it cannot be read beyond this place", "", code);
  if (problem !== undefined) throw refuse(problem.pos[0], problem.message, problem.code);

  return {
    file,
    value: valueOf(document, refuse),
    originOf: (path) => at(locate(document, path).value, dotted(path)),
    originOfKey: (path) => at(locate(document, path).key, dotted(path)),
  };
}

/** @example dotted(["boards", "attic", "tags", 0]) // "boards.attic.tags[0]" */
export function dotted(path: Path): string {
  return path.reduce<string>((before, part) => {
    if (typeof part === "number") return `${before}[${part}]`;
    return before === "" ? String(part) : `${before}.${String(part)}`;
  }, "");
}

type Refuse = (offset: number, message: string, code: string) => ImcloudError;

function valueOf(document: Document.Parsed, refuse: Refuse): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases that unfold into more than a file could hold.
    throw refuse(0, error instanceof Error ? error.message : String(error), "BAD_ALIAS");
  }
}

/** Offsets of the deepest part of the path that exists. */
function locate(document: Document.Parsed, path: Path): { key: number; value: number } {
  let node: Node | null = document.contents;
  let found = { key: 0, value: startOf(node) ?? 0 };
  for (const part of path) {
    if (!isCollection(node)) break;
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      : undefined;
    const next: unknown = pair === undefined ? node.get(part, true) : pair.value;
    const key = pair !== undefined && isPair(pair) && isNode(pair.key) ? startOf(pair.key) : undefined;
    const value = isNode(next) ? startOf(next) : undefined;
    if (key === undefined && value === undefined) break;
    // A key without a value (`port:`) has an empty node that stands nowhere in particular.
    const isEmpty = isScalar(next) && next.value === null && next.source === "";
    found = {
      key: key ?? value ?? found.key,
      value: isEmpty ? (key ?? found.value) : (value ?? key ?? found.value),
    };
    node = isNode(next) ? next : null;
  }
  return found;
}

const startOf = (node: Node | null): number | undefined => node?.range?.[0];

const lineAt = (text: string, line: number): string => text.split("\n")[line - 1]?.trim() ?? "";

/** @param found the line; empty where it must not be shown */
function notYaml(origin: Origin, problem: string, found: string, code: string): ImcloudError {
  return new ImcloudError("config.syntax", `\`${origin.file}\` is not well-formed YAML: ${problem}`, {
    origin,
    ...(found !== "" && { found: found.length > 80 ? `${found.slice(0, 79)}…` : found }),
    hint: SYNTAX_HINTS[code] ?? "check quotes, colons and indentation around this line",
  });
}

/** The library's sentences in our form: lower-case start, no full stop. */
function plain(message: string): string {
  const first = message.split("\n")[0]?.replace(/[.:]\s*$/, "") ?? message;
  return first.charAt(0).toLowerCase() + first.slice(1);
}

/** For a file of secrets: the library's own sentences quote what they stumbled over. */
const WITHOUT_VALUES: Readonly<Record<string, string>> = {
  BAD_ALIAS: "a value that begins with `*` needs quotes",
  BAD_SCALAR_START: "a value that begins with a sign needs quotes",
  DUPLICATE_KEY: "a name stands there twice",
  MISSING_CHAR: "a quote or bracket is not closed",
  TAB_AS_INDENT: "tabs are not allowed as indentation",
  TAG_RESOLVE_FAILED: "a value that begins with `!` needs quotes",
};

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  DUPLICATE_KEY: "keep one of the two",
  BAD_ALIAS: "name an anchor that stands before it",
  MULTIPLE_DOCS: "remove the `---` between the two documents",
  BAD_INDENT: "indent the keys of one mapping by the same number of spaces",
  MISSING_CHAR: "add the missing character",
};
