/**
 * A playbook as it stands in its file: YAML, checked for its own shape, with the place of everything in it.
 */
import { readFile } from "node:fs/promises";
import { closest } from "fastest-levenshtein";
import { LineCounter, isMap, isNode, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { RESOURCE_TYPES } from "../resources/registry.js";
import { Secret } from "../shared/secret.js";
import { ImcloudError, type Origin } from "../shared/errors.js";

/** A variable may pick its value: by a word, or by the first limit that a number does not exceed. */
const Pick = z.strictObject({
  select: z.union([z.string(), z.number()]).describe("what to pick by, such as `{{ facts.release }}`"),
  from: z.record(z.string(), z.unknown()).optional().describe("values by word"),
  upTo: z
    .record(z.string().regex(/^\d+$/), z.unknown())
    .optional()
    .describe("values by upper limit, the limit included"),
  default: z.unknown().optional(),
});
export type Pick = z.infer<typeof Pick>;
export const isPick = (value: unknown): value is Pick => Pick.safeParse(value).success;

const TASK_WORDS = ["when", "each", "include", "vars", "why", "source"] as const;

export const Task = z.looseObject({
  when: z.string().optional().describe("condition; false leaves the task out"),
  each: z
    .union([z.array(z.unknown()), z.string()])
    .optional()
    .describe("the task once for each `item`"),
  include: z.string().optional().describe("another playbook, in this place"),
  vars: z.record(z.string(), z.unknown()).optional().describe("variables for this task or include alone"),
  why: z.string().optional().describe("the reason, for `imcloud explain`"),
  source: z.string().optional().describe("where the reason is from"),
});

export const Playbook = z.strictObject({
  description: z.string(),
  needs: z
    .strictObject({
      arch: z.array(z.string()),
      ramMb: z.number().int().optional().describe("least memory, in MiB"),
      hint: z.string(),
    })
    .optional()
    .describe("boards that cannot have this are refused when they are planned"),
  vars: z.record(z.string(), z.unknown()).default({}),
  tasks: z.array(Task).min(1),
});

export interface PlaybookTask {
  readonly when?: string;
  readonly each?: readonly unknown[] | string;
  readonly include?: string;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly why?: string;
  readonly source?: string;
  /** The resource type's word and what is said of it; undefined for an include. */
  readonly resource?: { readonly type: string; readonly body: unknown };
  /** The place of the task, or of something in its resource's body. */
  readonly originOf: (path?: readonly PropertyKey[]) => Origin;
}

export interface PlaybookDocument {
  readonly file: string;
  readonly description: string;
  readonly needs?: {
    readonly arch: readonly string[];
    readonly ramMb?: number | undefined;
    readonly hint: string;
  };
  readonly vars: Readonly<Record<string, unknown>>;
  readonly tasks: readonly PlaybookTask[];
}

/** By file: all boards of a command have the same ones. */
const read = new Map<string, { readonly text: string; readonly playbook: PlaybookDocument }>();

/**
 * Reads a playbook.
 *
 * @param file shown in errors as it is given
 * @throws ImcloudError `playbook.not-found`, `playbook.invalid`
 */
export async function loadPlaybook(file: string): Promise<PlaybookDocument> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new ImcloudError("playbook.not-found", `cannot read the playbook ${file}`, {
      hint: "check the name in `playbooks:` of imcloud.yaml, or in `include:`",
      cause,
    });
  }
  const known = read.get(file);
  if (known?.text === text) return known.playbook;
  const playbook = parsePlaybook(text, file);
  read.set(file, { text, playbook });
  return playbook;
}

/** Pure half of {@link loadPlaybook}. */
export function parsePlaybook(text: string, file: string): PlaybookDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, uniqueKeys: true });
  const place = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const syntax = document.errors[0];
  if (syntax !== undefined) {
    throw new ImcloudError("playbook.invalid", `${file} is not well-formed YAML`, {
      origin: place(syntax.pos[0]),
      found: syntax.message.split("\n")[0] ?? syntax.message,
      hint: "look at the indentation and quotes around that place",
    });
  }
  const originOf = (path: readonly PropertyKey[]): Origin => ({
    ...place(offsetOf(document, path)),
    key: path.join("."),
  });

  const parsed = Playbook.safeParse(document.toJS());
  if (!parsed.success) throw invalid(parsed.error, document.toJS(), originOf, []);
  const { tasks, needs, ...rest } = parsed.data;
  return {
    file,
    ...rest,
    ...(needs && { needs }),
    tasks: tasks.map((task, index) => parseTask(task, (path) => originOf(["tasks", index, ...path]))),
  };
}

function parseTask(
  task: z.infer<typeof Task>,
  originOf: (path: readonly PropertyKey[]) => Origin,
): PlaybookTask {
  const words = Object.keys(task).filter((word) => !(TASK_WORDS as readonly string[]).includes(word));
  const [type] = words;
  if (task.include !== undefined ? words.length > 0 : words.length !== 1) {
    throw new ImcloudError("playbook.invalid", "a task is one resource or one include", {
      origin: originOf([]),
      found: [...words, ...(task.include === undefined ? [] : ["include"])].join(", ") || "neither",
      expected: `one of: ${[...RESOURCE_TYPES.keys(), "include"].join(", ")}`,
      hint: "write one list item for each resource",
    });
  }
  if (type !== undefined && !RESOURCE_TYPES.has(type)) {
    throw new ImcloudError("playbook.invalid", `there is no resource type \`${type}\``, {
      origin: originOf([type]),
      found: type,
      expected: [...RESOURCE_TYPES.keys()].join(", "),
      hint: `did you mean \`${closest(type, [...RESOURCE_TYPES.keys(), ...TASK_WORDS])}\`?`,
    });
  }
  return {
    ...(task.when !== undefined && { when: task.when }),
    ...(task.each !== undefined && { each: task.each }),
    ...(task.include !== undefined && { include: task.include }),
    vars: task.vars ?? {},
    ...(task.why !== undefined && { why: task.why }),
    ...(task.source !== undefined && { source: task.source }),
    ...(type !== undefined && { resource: { type, body: task[type] } }),
    originOf: (path) => originOf(path === undefined || type === undefined ? [] : [type, ...path]),
  };
}

/** The deepest node on the way that is there: an absent key is reported at the mapping that lacks it. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const key = isMap(parent)
      ? parent.items.find((pair) => String(pair.key) === String(last))?.key
      : undefined;
    const node = isNode(key) ? key : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** One clear error of what zod found: its first complaint, at its place. */
export function invalid(
  error: z.ZodError,
  input: unknown,
  originOf: (path: readonly PropertyKey[]) => Origin,
  keys: readonly string[],
): ImcloudError {
  // A mistyped key is also a missing one; the mistype is what helps.
  const issue = error.issues.find(({ code }) => code === "unrecognized_keys") ?? error.issues[0];
  const mistyped = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(mistyped === undefined ? [] : [mistyped])];
  // What a type refuses for a reason of its own, it says in full.
  const hint: unknown = issue?.code === "custom" ? issue.params?.["hint"] : undefined;
  if (issue !== undefined && typeof hint === "string")
    return new ImcloudError("playbook.invalid", issue.message, { origin: originOf(path), hint });
  return new ImcloudError(
    "playbook.invalid",
    mistyped === undefined ? `\`${path.join(".")}\` is not right` : `there is no \`${mistyped}\` here`,
    {
      origin: originOf(path),
      found: mistyped ?? inWords(valueAt(input, path)),
      ...(issue && mistyped === undefined && { expected: issue.message }),
      hint:
        mistyped !== undefined && keys.length > 0
          ? `did you mean \`${closest(mistyped, [...keys])}\`? allowed: ${keys.join(", ")}`
          : "docs/playbooks.md describes every type and key",
    },
  );
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

/** A secret prints as one. */
function inWords(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Secret) return String(value);
  return typeof value === "object" && value !== null ? "a mapping" : JSON.stringify(value);
}
