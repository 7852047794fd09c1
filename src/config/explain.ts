/**
 * A schema's complaint as an error that the operator can act on: where, what was found, what is allowed, and
 * the word that was probably meant.
 */
import type { z } from "zod";
import { didYouMean } from "../shared/did-you-mean.js";
import { ImcloudError } from "../shared/errors.js";
import { dotted, type Path, type Showing, type YamlFile } from "./yaml-file.js";

type Issue = z.core.$ZodIssue;

/**
 * @returns the value as the schema gives it
 * @throws ImcloudError `config.invalid` for the complaint that stands first in the file
 */
export function check<T>(schema: z.ZodType<T>, yaml: YamlFile, showing: Showing = "values"): T {
  const result = schema.safeParse(yaml.value);
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => explain(issue, schema, yaml, showing));
  throw errors.sort(byPlace)[0] ?? result.error;
}

function byPlace(one: ImcloudError, other: ImcloudError): number {
  const [a, b] = [one.details.origin, other.details.origin];
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}

function explain(issue: Issue, schema: z.ZodType, yaml: YamlFile, showing: Showing): ImcloudError {
  const { path } = issue;
  const name = path.length === 0 ? yaml.file : dotted(path);
  const value = valueAt(yaml.value, path);

  if (issue.code === "unrecognized_keys") return unknownKey(issue.keys[0] ?? "", path, schema, yaml);
  if (issue.code === "invalid_key") {
    const inner = issue.issues[0];
    return new ImcloudError(
      "config.invalid",
      `\`${String(path.at(-1))}\` is not a name that \`${dotted(path.slice(0, -1))}\` can hold`,
      {
        origin: yaml.originOfKey(path),
        found: String(path.at(-1)),
        expected: inner?.message ?? "another name",
        hint: "change the name",
      },
    );
  }
  if (value === undefined) {
    return new ImcloudError("config.invalid", `\`${name}\` is missing`, {
      origin: yaml.originOf(path),
      expected: expectedBy(issue),
      hint: `add \`${String(path.at(-1) ?? "version")}:\``,
    });
  }
  const expected = expectedBy(issue);
  const meant =
    issue.code === "invalid_value" && typeof value === "string" && !issue.values.map(String).includes(value)
      ? didYouMean(value, issue.values.map(String))
      : undefined;
  return new ImcloudError("config.invalid", `\`${name}\` is not what is allowed there`, {
    origin: yaml.originOf(path),
    found: showing === "values" && !isSecretive(path) ? show(value) : kindOf(value),
    expected,
    hint: meant === undefined ? `correct \`${name}\`` : `did you mean \`${meant}\`?`,
  });
}

function unknownKey(key: string, path: Path, schema: z.ZodType, yaml: YamlFile): ImcloudError {
  const known = keysAt(schema, path);
  const meant = didYouMean(key, known);
  return new ImcloudError("config.invalid", `\`${dotted([...path, key])}\` is not a setting`, {
    origin: yaml.originOfKey([...path, key]),
    found: key,
    expected: `one of ${known.join(", ")}`,
    hint: meant === undefined ? `remove \`${key}\`` : `did you mean \`${meant}\`?`,
  });
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping (`key: value` lines)",
  record: "a mapping (`name: value` lines)",
  array: "a list",
};

/** Our schemas' own messages are nouns; the library's stand-ins begin with "Invalid" or "Too". */
function expectedBy(issue: Issue): string {
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return issue.message;
  if (issue.code === "invalid_type") return TYPE_WORDS[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(String).join(", ")}`;
  return issue.message;
}

/** Where a secret's name belongs, people write the secret. */
const isSecretive = (path: Path): boolean => path.some((part) => /password|secret|token/i.test(String(part)));

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  return Array.isArray(value) ? "a list" : (TYPE_WORDS[typeof value] ?? typeof value);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  );
}

/** The keys that a mapping inside the schema knows: walks wrappers, records and lists down the path. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  const definition = schema.def as unknown as {
    readonly type: string;
    readonly innerType?: z.ZodType;
    readonly shape?: Readonly<Record<string, z.ZodType>>;
    readonly valueType?: z.ZodType;
    readonly element?: z.ZodType;
    readonly options?: readonly z.ZodType[];
  };
  if (definition.innerType !== undefined) return keysAt(definition.innerType, path);
  if (definition.options !== undefined)
    return [...new Set(definition.options.flatMap((option) => keysAt(option, path)))];
  const [first, ...rest] = path;
  if (definition.shape !== undefined) {
    if (first === undefined) return Object.keys(definition.shape);
    const next = definition.shape[String(first)];
    return next === undefined ? [] : keysAt(next, rest);
  }
  const inner = definition.valueType ?? definition.element;
  return inner === undefined || first === undefined ? [] : keysAt(inner, rest);
}
