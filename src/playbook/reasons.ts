/**
 * Why a playbook wants what it wants, and which variables would make it want something else.
 *
 * Worked out only when somebody asks: a plan does not pay for it.
 */
import { isPick, type PlaybookTask } from "./document.js";
import type { Evaluator, Scope } from "./expression.js";

export interface Reasons {
  readonly why?: string;
  readonly source?: string;
  /** The file's template, as it is before anything is filled in. */
  readonly template?: string;
  /** The variables behind the whole thing, or behind one line of its template. */
  readonly uses: (line?: string) => readonly Use[];
}

/** A variable that a value comes from. */
export interface Use {
  readonly variable: string;
  /** How it comes to its value on this board; empty where the variable is only there to be set. */
  readonly rule: string;
  /** What to write into imcloud.yaml to have it otherwise. */
  readonly override: string;
}

export interface ReasonsInput {
  readonly task: PlaybookTask;
  readonly template?: string;
  /** The playbook's variables as its file has them. */
  readonly vars: Scope;
  /** Those that imcloud.yaml gives. */
  readonly given: Scope;
  /** The list's entry as the file has it, where the task is repeated. */
  readonly item: unknown;
  readonly scope: Scope;
  readonly evaluator: Evaluator;
}

export function reasonsOf(input: ReasonsInput): Reasons {
  const { task, template, item, scope, evaluator } = input;
  const said = (text: string | undefined) =>
    text === undefined ? undefined : String(evaluator.value(text, scope));
  const [why, source] = [said(task.why), said(task.source)];
  const whole = [JSON.stringify([task.resource?.body, item]), template ?? ""].join("\n");
  return {
    ...(why && { why }),
    ...(source && { source }),
    ...(template !== undefined && { template }),
    uses: (line = whole) => usesIn(line, input, new Set()),
  };
}

/** `vars.NAME`, and `vars.NAME[item.FIELD]`: a map whose entry has the name of the list's own entry. */
const VARIABLE = /\bvars\.(\w+)(?:\[item\.(\w+)\])?/g;

function usesIn(text: string, input: ReasonsInput, seen: Set<string>): readonly Use[] {
  return [...text.matchAll(VARIABLE)].flatMap(([, variable = "", field]): readonly Use[] => {
    if (seen.has(variable)) return [];
    seen.add(variable);
    const { vars, given, scope } = input;
    const raw = vars[variable];
    const entry = field === undefined ? undefined : (scope["item"] as Scope | undefined)?.[field];
    const own: Use = {
      variable,
      rule: variable in given ? "as imcloud.yaml has it" : ruleOf(raw, scope),
      override: `vars: { ${variable}: ${entry === undefined ? "…" : `{ ${inText(entry)}: … }`} }`,
    };
    const behind = variable in given || isPick(raw) ? [] : usesIn(JSON.stringify(raw) ?? "", input, seen);
    return [own, ...behind];
  });
}

function ruleOf(raw: unknown, scope: Scope): string {
  if (isPick(raw)) {
    const known = [...String(raw.select).matchAll(/\b(facts|vars)\.(\w+)/g)].map(
      ([name, group = "", key = ""]) => `${name} is ${String((scope[group] as Scope)[key])}`,
    );
    return [pickInWords(raw), ...known].join("; ");
  }
  return raw === undefined || typeof raw === "object" ? "" : inText(raw);
}

/** @example "1024 up to 1100 MiB of memory, else 2048" */
export function pickInWords(value: unknown): string {
  if (!isPick(value)) return inText(value);
  const unit = String(value.select).includes("facts.ramMb") ? " MiB of memory" : "";
  const limits = Object.entries(value.upTo ?? {}).map(([limit, at]) => `${inText(at)} up to ${limit}${unit}`);
  const words = Object.entries(value.from ?? {}).map(([word, at]) => `${inText(at)} with ${word}`);
  const otherwise = value.default === undefined ? [] : [`else ${inText(value.default)}`];
  return [...limits, ...words, ...otherwise].join(", ");
}

const inText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
