/**
 * Playbooks and facts to the ordered list of resources of one board.
 *
 * Nothing here talks to a board. What an expression cannot know yet makes that one resource deferred, never
 * absent.
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { releaseOf, type Facts } from "../board/facts.js";
import type { Source } from "../board/transport.js";
import type { Deferred, Resource } from "../engine/types.js";
import { RESOURCE_TYPES } from "../resources/registry.js";
import { resourceId, type RegisteredType } from "../resources/resource.js";
import { ImcloudError } from "../shared/errors.js";
import { packageRoot } from "../shared/package-root.js";
import type { Secret } from "../shared/secret.js";
import {
  invalid,
  isPick,
  loadPlaybook,
  type Pick,
  type PlaybookDocument,
  type PlaybookTask,
} from "./document.js";
import { NotYetKnown, makeEvaluator, type Evaluator, type Scope } from "./expression.js";
import { reasonsOf, type Reasons } from "./reasons.js";

/** What the engine calls an item, and why it is wanted. */
export type ResolvedItem =
  | { readonly kind: "resource"; readonly resource: Resource & { readonly reasons: () => Reasons } }
  | ({ readonly kind: "deferred" } & Deferred);

/** What is asked of which board. */
interface Asked {
  /** Names of playbooks, in order. */
  readonly playbooks: readonly string[];
  /** The folder of imcloud.yaml: its `playbooks/` and `templates/` come before the shipped ones. */
  readonly folder: string;
  readonly facts: Facts;
  /** The board as `imcloud.yaml` has it: `board.name`, `board.address` ... */
  readonly board: Scope & { readonly name: string };
}

export interface ResolveInput extends Asked {
  /** `cloud.name`, `cloud.serverName` ... */
  readonly cloud: Scope;
  /** They come before the playbooks' own. */
  readonly vars: Scope;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly artifacts: Readonly<Record<string, Source>>;
}

/**
 * All that the playbooks want of the board.
 *
 * @throws ImcloudError `playbook.invalid`, `playbook.not-found`, `board.unsupported`
 */
export async function resolvePlaybooks(input: ResolveInput): Promise<readonly ResolvedItem[]> {
  const { facts } = input;
  const evaluator = makeEvaluator(input.secrets);
  const scope: Scope = {
    facts: { ...facts, release: releaseOf(facts) },
    board: input.board,
    cloud: input.cloud,
    artifacts: input.artifacts,
  };
  const items: ResolvedItem[] = [];
  for (const name of input.playbooks) {
    items.push(...(await resolveOne(name, name, {}, scope, evaluator, input, [])));
  }
  return withoutRepeats(items);
}

/**
 * Refuses what the board cannot have, before anything is fetched for it.
 *
 * @throws ImcloudError `board.unsupported`, `playbook.invalid`, `playbook.not-found`
 */
export async function refuseUnfit(input: Asked): Promise<void> {
  for (const name of input.playbooks)
    refuseWrongBoard(name, await loadPlaybook(locate(input.folder, "playbooks", `${name}.yaml`)), input);
}

async function resolveOne(
  name: string,
  root: string,
  given: Scope,
  outer: Scope,
  evaluator: Evaluator,
  input: ResolveInput,
  parents: readonly string[],
): Promise<readonly ResolvedItem[]> {
  const file = locate(input.folder, "playbooks", `${name}.yaml`);
  if (parents.includes(file)) throw includesItself(file, parents);
  const playbook = await loadPlaybook(file);
  refuseWrongBoard(name, playbook, input);

  const scope = withVars(playbook.vars, { ...input.vars, ...given }, outer, evaluator, playbook);
  const items: ResolvedItem[] = [];
  for (const task of playbook.tasks) {
    const loop = known(() => loops(task, scope, evaluator));
    if (loop instanceof NotYetKnown) {
      items.push(deferred(task, root, loop));
      continue;
    }
    for (const [index, inner] of loop.entries()) {
      const local = withVars(task.vars, {}, inner, evaluator, playbook);
      const wanted = isWanted(task, local, evaluator);
      if (wanted === false) continue;
      if (wanted instanceof NotYetKnown) {
        items.push(deferred(task, root, wanted));
        continue;
      }
      if (task.include !== undefined) {
        const vars = known(() => evaluator.value(task.vars, inner) as Scope);
        if (vars instanceof NotYetKnown) items.push(deferred(task, root, vars));
        else
          items.push(
            ...(await resolveOne(task.include, root, vars, outer, evaluator, input, [...parents, file])),
          );
      } else items.push(await resolveTask(task, root, local, evaluator, input, { playbook, index }));
    }
  }
  return items;
}

async function resolveTask(
  task: PlaybookTask,
  playbook: string,
  scope: Scope,
  evaluator: Evaluator,
  input: ResolveInput,
  written: { readonly playbook: PlaybookDocument; readonly index: number },
): Promise<ResolvedItem> {
  const { type: word, body } = task.resource ?? { type: "", body: undefined };
  const type = RESOURCE_TYPES.get(word);
  if (type === undefined) throw new Error(`the task at line ${task.originOf().line} has no type`);
  try {
    const values = guarded(task, () => evaluator.value(body, scope));
    const { body: whole, template } = await withTemplate(
      await withSource(values, task, input),
      task,
      scope,
      evaluator,
      input,
    );
    const desired = parseDesired(
      type,
      guarded(task, () => evaluator.seal(whole)),
      task,
    );
    return {
      kind: "resource",
      resource: {
        type,
        desired,
        id: resourceId(type.type, type.key(desired)),
        origin: task.originOf(),
        playbook,
        reasons: () =>
          reasonsOf({
            task,
            ...(template !== undefined && { template }),
            vars: written.playbook.vars,
            given: input.vars,
            item: itemAsWritten(task, written.playbook, written.index),
            scope,
            evaluator,
          }),
      },
    };
  } catch (error) {
    if (!(error instanceof NotYetKnown)) throw error;
    return deferred(task, playbook, error);
  }
}

/** The entry of the list that `each` goes through, before anything in it is worked out. */
function itemAsWritten({ each }: PlaybookTask, { vars }: PlaybookDocument, index: number): unknown {
  if (typeof each !== "string") return each?.[index];
  const list = vars[/^\s*\{\{\s*vars\.(\w+)\s*\}\}\s*$/.exec(each)?.[1] ?? ""];
  return Array.isArray(list) ? (list as readonly unknown[])[index] : undefined;
}

function isWanted(task: PlaybookTask, scope: Scope, evaluator: Evaluator): boolean | NotYetKnown {
  const { when } = task;
  return when === undefined || known(() => guarded(task, () => evaluator.condition(when, scope)));
}

/** The answer, or what it needs that is not known yet. */
function known<Result>(work: () => Result): Result | NotYetKnown {
  try {
    return work();
  } catch (error) {
    if (error instanceof NotYetKnown) return error;
    throw error;
  }
}

function deferred(task: PlaybookTask, playbook: string, { message }: NotYetKnown): ResolvedItem {
  const title =
    task.resource === undefined ? `include ${task.include}` : titleOf(task.resource.type, task.resource.body);
  return { kind: "deferred", playbook, origin: task.originOf(), title, because: message };
}

/** `from: FILE` is the source of an `artifact`, from `files/` beside imcloud.yaml, known by its content. */
async function withSource(body: unknown, task: PlaybookTask, { folder }: ResolveInput): Promise<unknown> {
  if (body === null || typeof body !== "object" || !("from" in body)) return body;
  const { from, ...rest } = body;
  if (typeof from !== "string") return body;
  const path = join(folder, "files", from);
  try {
    const { size } = await stat(path);
    const hash = createHash("sha256");
    await pipeline(createReadStream(path), hash);
    return { ...rest, source: { path, sha256: hash.digest("hex"), sizeBytes: size } };
  } catch (cause) {
    throw new ImcloudError("playbook.not-found", `cannot read the file ${path}`, {
      origin: task.originOf(["from"]),
      hint: "files for boards lie in `files/` beside imcloud.yaml",
      cause,
    });
  }
}

/** `template: FILE` is the content of a `file`, rendered from `templates/`. */
async function withTemplate(
  body: unknown,
  task: PlaybookTask,
  scope: Scope,
  evaluator: Evaluator,
  input: ResolveInput,
): Promise<{ readonly body: unknown; readonly template?: string }> {
  if (body === null || typeof body !== "object" || !("template" in body)) return { body };
  const { template, ...rest } = body;
  if (typeof template !== "string") return { body };
  const text = await readTemplate(locate(input.folder, "templates", template), task);
  return {
    body: { ...rest, content: guarded(task, () => evaluator.template(text, scope)) },
    template: text,
  };
}

function parseDesired(type: RegisteredType, body: unknown, task: PlaybookTask): unknown {
  const parsed = type.schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const keys = type.schema instanceof z.ZodObject ? Object.keys(type.schema.shape) : [];
  throw invalid(parsed.error, body, task.originOf, keys);
}

/** Task values may use the task's variables; variables may use those before them. */
function withVars(
  own: Scope,
  given: Scope,
  outer: Scope,
  evaluator: Evaluator,
  playbook: PlaybookDocument,
): Scope {
  const before = (outer["vars"] ?? {}) as Scope;
  const vars = Object.defineProperties<Record<string, unknown>>({}, Object.getOwnPropertyDescriptors(before));
  for (const [name, value] of Object.entries({ ...own, ...given })) {
    const scope = { ...outer, vars };
    try {
      define(vars, name, isPick(value) ? pick(value, evaluator, scope) : evaluator.value(value, scope));
    } catch (error) {
      if (error instanceof NotYetKnown) {
        // Whoever uses it waits with it; the others need not.
        Object.defineProperty(vars, name, {
          enumerable: true,
          configurable: true,
          get: () => {
            throw error;
          },
        });
        continue;
      }
      throw new ImcloudError("playbook.invalid", `the variable \`${name}\` cannot be worked out`, {
        origin: { file: playbook.file, line: 1, key: `vars.${name}` },
        found: error instanceof Error ? error.message : String(error),
        hint: "docs/playbooks.md tells what expressions may use",
        cause: error,
      });
    }
  }
  return { ...outer, vars };
}

function define(vars: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(vars, name, { enumerable: true, configurable: true, writable: true, value });
}

function pick({ select, from, upTo, default: otherwise }: Pick, evaluator: Evaluator, scope: Scope): unknown {
  const by = evaluator.value(select, scope);
  const limit = Object.keys(upTo ?? {})
    .map(Number)
    .toSorted((one, other) => one - other)
    .find((each) => Number(by) <= each);
  const value = limit === undefined ? (from?.[String(by)] ?? otherwise) : upTo?.[String(limit)];
  if (value === undefined) throw new Error(`nothing to pick for "${String(by)}", and no default`);
  return evaluator.value(value, scope);
}

function loops(task: PlaybookTask, scope: Scope, evaluator: Evaluator): readonly Scope[] {
  if (task.each === undefined) return [scope];
  const list = guarded(task, () => evaluator.value(task.each, scope));
  if (!Array.isArray(list)) {
    throw new ImcloudError("playbook.invalid", "`each` wants a list", {
      origin: task.originOf(),
      found: JSON.stringify(list),
      hint: "give a list, or one expression that is a list",
    });
  }
  return (list as readonly unknown[]).map((item) => ({ ...scope, item }));
}

/** What an expression complains of, at the place of its task. */
function guarded<Result>(task: PlaybookTask, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof NotYetKnown || error instanceof ImcloudError) throw error;
    throw new ImcloudError("playbook.invalid", "an expression cannot be worked out", {
      origin: task.originOf(),
      found: error instanceof Error ? error.message : String(error),
      hint: "docs/playbooks.md tells what expressions may use",
      cause: error,
    });
  }
}

function locate(folder: string, kind: "playbooks" | "templates", name: string): string {
  const own = join(folder, kind, name);
  return existsSync(own) ? own : join(packageRoot(), kind, name);
}

async function readTemplate(file: string, task: PlaybookTask): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new ImcloudError("playbook.not-found", `cannot read the template ${file}`, {
      origin: task.originOf(),
      hint: "templates lie in `templates/` beside imcloud.yaml",
      cause,
    });
  }
}

function refuseWrongBoard(name: string, { needs, file }: PlaybookDocument, { board, facts }: Asked): void {
  if (needs === undefined) return;
  const { arch, ramMb = 0, hint } = needs;
  const refuse = (key: string, found: string, expected: string): ImcloudError =>
    new ImcloudError("board.unsupported", `\`${board.name}\` cannot have \`${name}\``, {
      origin: { file, line: 1, key: `needs.${key}` },
      found,
      expected,
      hint,
    });
  if (!arch.includes(facts.arch)) throw refuse("arch", `a userland for ${facts.arch}`, arch.join(" or "));
  if (facts.ramMb < ramMb) throw refuse("ramMb", `${facts.ramMb} MiB of memory`, `${ramMb} MiB or more`);
}

/** The same thing asked for twice in the same words is one; in other words it is a contradiction. */
function withoutRepeats(items: readonly ResolvedItem[]): readonly ResolvedItem[] {
  const seen = new Map<string, ResolvedItem & { kind: "resource" }>();
  return items.filter((item) => {
    if (item.kind === "deferred") return true;
    const { id, desired, origin } = item.resource;
    const before = seen.get(id);
    if (before === undefined) {
      seen.set(id, item);
      return true;
    }
    if (JSON.stringify(before.resource.desired) === JSON.stringify(desired)) return false;
    throw new ImcloudError("playbook.invalid", `\`${id}\` is asked for twice, differently`, {
      origin,
      found: `also at ${before.resource.origin.file}:${before.resource.origin.line}`,
      hint: "keep one of the two, or put the difference into a variable",
    });
  });
}

function includesItself(file: string, parents: readonly string[]): ImcloudError {
  return new ImcloudError("playbook.invalid", `${file} includes itself`, {
    found: [...parents, file].join(" > "),
    hint: "take one of these includes out",
  });
}

function titleOf(type: string, body: unknown): string {
  const fields =
    body !== null && typeof body === "object"
      ? Object.entries(body as Readonly<Record<string, unknown>>)
      : [];
  const name = fields.find(([key]) => ["path", "name", "unit", "key", "names"].includes(key))?.[1];
  return name === undefined ? type : `${type}:${typeof name === "string" ? name : JSON.stringify(name)}`;
}
