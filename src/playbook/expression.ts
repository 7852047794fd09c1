/**
 * `{{ ... }}` in playbooks and templates.
 *
 * LiquidJS evaluates them: an expression can look at what it is given and at nothing else, on the operator's
 * machine or on the board. A value that is one expression keeps its type; in a longer text it becomes text.
 */
import { Liquid, LiquidError } from "liquidjs";
import { createHash, randomUUID } from "node:crypto";
import { quirksFor } from "../board/usb-adapters.js";
import { Secret } from "../shared/secret.js";

/** Something a playbook asks about that only a later wave can answer. */
export class NotYetKnown extends Error {
  override readonly name = "NotYetKnown";
}

export type Scope = Readonly<Record<string, unknown>>;

export interface Evaluator {
  /** Evaluates every text in a value, however deep. Secrets are still words that stand for them. */
  value(input: unknown, scope: Scope): unknown;
  /** Makes every text that a secret went into a `Secret`, however deep: the last thing before a value is used. */
  seal(input: unknown): unknown;
  /** A condition, without braces. */
  condition(expression: string, scope: Scope): boolean;
  /** A whole file; a `Secret` if any secret went into it. */
  template(text: string, scope: Scope): string | Secret;
}

/**
 * @param secrets by name; they are in every scope as `secrets.NAME`
 * @throws NotYetKnown from its functions, where an expression needs what is not known yet
 * @throws Error with a one-line message from its functions, for a mistake in an expression
 */
export function makeEvaluator(secrets: ReadonlyMap<string, Secret>): Evaluator {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    // Otherwise it asks Intl for the machine's, which takes 50 ms; playbooks format no dates.
    locale: "en-US",
  });
  liquid.registerFilter("installed", (name: string, versions: Record<string, string>) => {
    const version = versions[name];
    if (version === undefined) throw new NotYetKnown(`${name} is not installed yet`);
    return version;
  });
  // The same text gives the same: what is named by it can be planned before it is there.
  liquid.registerFilter("uuid", uuidOf);
  liquid.registerFilter("size_at", (path: string, sizes: Readonly<Record<string, number>>) =>
    sizeAt(path, sizes),
  );
  liquid.registerFilter("uas_quirks", (disks: readonly { readonly adapter: string }[]) =>
    quirksFor(disks.map(({ adapter }) => adapter)),
  );
  liquid.registerFilter("json", (value: unknown) => JSON.stringify(value, null, 2));
  liquid.registerFilter(
    "at_least_version",
    (version: string, other: string) => compareVersions(version, other) >= 0,
  );
  liquid.registerFilter("between", (value: number, low: number, high: number) =>
    Math.min(high, Math.max(low, value)),
  );

  // While an expression is evaluated, a secret is a word that nobody can guess; afterwards it is a Secret again.
  const words = new Map([...secrets].map(([name, secret]) => [`secret-${randomUUID()}`, { name, secret }]));
  const wordsByName = Object.fromEntries([...words].map(([word, { name }]) => [name, word]));
  const scoped = (scope: Scope): Scope => ({ ...scope, secrets: wordsByName });

  const seal = (text: string): string | Secret => {
    let open = text;
    for (const [word, { secret }] of words) open = open.replaceAll(word, secret.reveal());
    // Its case changed, or it was cut: the board would get the word instead of the secret.
    if ([...words.keys()].some((word) => open.toLowerCase().includes(word.slice(0, 20)))) {
      throw new Error("a filter was applied to a secret: only its whole value can be used");
    }
    return open === text ? text : new Secret(open);
  };
  const evaluate = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw causeOf(error);
    }
  };
  const text = (input: string, scope: Scope): unknown => {
    const only = /^\s*\{\{((?:(?!\}\}|\{\{).)*)\}\}\s*$/s.exec(input)?.[1];
    const result: unknown =
      only === undefined
        ? liquid.parseAndRenderSync(input, scoped(scope))
        : liquid.evalValueSync(only.trim(), scoped(scope));
    return result;
  };

  return {
    value: (input, scope) =>
      mapTexts(input, (each) => (/\{\{|\{%/.test(each) ? evaluate(() => text(each, scope)) : each)),
    seal: (input) => mapTexts(input, seal),
    condition: (expression, scope) =>
      evaluate(() => liquid.evalValueSync(expression, scoped(scope)) === true),
    template: (input, scope) =>
      evaluate(() => seal(liquid.parseAndRenderSync(input, scoped(scope)) as string)),
  };
}

function mapTexts(input: unknown, change: (text: string) => unknown): unknown {
  if (typeof input === "string") return change(input);
  if (Array.isArray(input)) return input.map((item) => mapTexts(item, change));
  if (input !== null && typeof input === "object" && !(input instanceof Secret)) {
    return Object.fromEntries(Object.entries(input).map(([key, item]) => [key, mapTexts(item, change)]));
  }
  return input;
}

/** Of the file system that holds a path; 0 where nobody knows. */
function sizeAt(path: string, sizes: Readonly<Record<string, number>>): number {
  const holding = Object.keys(sizes).filter((mount) =>
    `${path}/`.startsWith(mount === "/" ? "/" : `${mount}/`),
  );
  const [closest = ""] = holding.toSorted((one, other) => other.length - one.length);
  return sizes[closest] ?? 0;
}

/** LiquidJS wraps what its filters throw, and adds the template's lines to its own messages. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const inner: unknown = "originalError" in error ? error.originalError : undefined;
  if (inner instanceof NotYetKnown) return inner;
  if (error instanceof LiquidError || "token" in error)
    return new Error(error.message.split("\n")[0] ?? error.message, { cause: error });
  return error;
}

/** A UUID of version 8, "custom": the beginning of the text's SHA-256. Source: RFC 9562, section 5.8. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** By numbers between dots, so 3.10 is above 3.9; what is not a number counts as 0. Enough for "at least". */
function compareVersions(one: string, other: string): number {
  const numbers = (version: string) =>
    version
      .replace(/^\d+:/, "")
      .split(/[.~+-]/)
      .map((part) => Number.parseInt(part, 10) || 0);
  const [left, right] = [numbers(one), numbers(other)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
