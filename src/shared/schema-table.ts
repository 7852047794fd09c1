/**
 * A schema as a Markdown table: a row for every setting, in the order of the schema.
 */

/** The part of JSON Schema that zod writes and a reference needs. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string | number | boolean;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  /** The path of a setting whose table is this one's too. */
  readonly sameAs?: string;
}

export function schemaTable(schema: SchemaNode): string {
  const rows = [...settingsOf("", schema, true)];
  return [
    "| setting | value | default | meaning |",
    "| --- | --- | --- | --- |",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

function* settingsOf(prefix: string, node: SchemaNode, isRequired: boolean): Generator<string[]> {
  if (prefix !== "") {
    yield [`\`${prefix}\``, valueWords(node), defaultWords(node, isRequired), cell(node.description ?? "")];
  }
  if (node.sameAs !== undefined) return;
  const ways = node.anyOf?.filter(
    ({ properties, additionalProperties }) => properties ?? additionalProperties,
  );
  // Where one of several ways is enough, none of them is required.
  const isChoice = (ways?.length ?? 0) > 1;
  for (const way of ways ?? [node]) yield* insideOf(prefix, way, isChoice);
}

function* insideOf(prefix: string, inner: SchemaNode, isChoice: boolean): Generator<string[]> {
  const below = (name: string): string => (prefix === "" ? name : `${prefix}.${name}`);
  for (const [name, property] of Object.entries(inner.properties ?? {})) {
    yield* settingsOf(below(name), property, !isChoice && (inner.required?.includes(name) ?? false));
  }
  const each = inner.additionalProperties;
  // Variables may hold anything; there is nothing to list below them.
  if (typeof each === "object" && (each.anyOf ?? each.properties) !== undefined && !prefix.endsWith("vars")) {
    yield* settingsOf(below("NAME"), each, false);
  }
}

function valueWords(node: SchemaNode): string {
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

function defaultWords(node: SchemaNode, isRequired: boolean): string {
  if (node.default !== undefined) return `\`${cell(JSON.stringify(node.default))}\``;
  return isRequired ? "required" : "";
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
