/**
 * What the schema is worth besides checking: the reference in docs/configuration.md, and the JSON Schema that
 * gives editors completion. Both are generated; a test fails when the page in docs is stale.
 */
import { z } from "zod";
import { ConfigFile, SecretsFile } from "./schema.js";

const SCHEMAS = { config: ConfigFile, secrets: SecretsFile } as const;

/** JSON Schema (draft 2020-12) of a file that people write. */
export function jsonSchema(name: keyof typeof SCHEMAS): Node {
  return z.toJSONSchema(SCHEMAS[name], { io: "input", target: "draft-2020-12" }) as Node;
}

export interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string | number | boolean;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

/** A Markdown table row for every setting, in the order of the schema. */
export function settingsTable(): string {
  const rows = [...settingsOf("", jsonSchema("config"), true)];
  return [
    "| setting | value | default | meaning |",
    "|---|---|---|---|",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

function* settingsOf(prefix: string, node: Node, isRequired: boolean): Generator<string[]> {
  if (prefix !== "") {
    yield [`\`${prefix}\``, valueWords(node), defaultWords(node, isRequired), cell(node.description ?? "")];
  }
  const inner =
    node.anyOf?.find(({ properties, additionalProperties }) => properties ?? additionalProperties) ?? node;
  const below = (name: string): string => (prefix === "" ? name : `${prefix}.${name}`);
  for (const [name, property] of Object.entries(inner.properties ?? {})) {
    yield* settingsOf(below(name), property, inner.required?.includes(name) ?? false);
  }
  const each = inner.additionalProperties;
  // Variables may hold anything; there is nothing to list below them.
  if (typeof each === "object" && (each.anyOf ?? each.properties) !== undefined && !prefix.endsWith("vars")) {
    yield* settingsOf(below("NAME"), each, false);
  }
}

function valueWords(node: Node): string {
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(", ");
  if (node.anyOf !== undefined) {
    const words = node.anyOf.filter(({ type }) => type !== "null").map(valueWords);
    return [...new Set(words)].join(", or ");
  }
  const words: Readonly<Record<string, string>> = {
    string: "text",
    integer: "number",
    object: "mapping",
    boolean: "true, false",
  };
  if (node.type === "array") return `list of ${valueWords(node.items ?? {})}`;
  return words[node.type ?? ""] ?? "anything";
}

function defaultWords(node: Node, isRequired: boolean): string {
  if (node.default !== undefined) return `\`${cell(JSON.stringify(node.default))}\``;
  return isRequired ? "required" : "";
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
