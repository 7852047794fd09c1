/**
 * What an event means to one user: nothing, a notification, or a highlighted one.
 *
 * Source: Matrix client-server API, "Push Rules", "Conditions".
 */
import { matchesWhole, matchesWords } from "./glob.js";
import { isObject, type JsonObject, type JsonValue } from "./json.js";
import { RULE_KINDS, type PushRule, type RuleKind, type RuleSet } from "./push-rules.js";

/** What conditions may ask about beside the event. */
export interface PushContext {
  readonly memberCount: number;
  readonly displayName?: string;
  /** Whether the sender may notify the whole room, by the key of the power levels' `notifications`. */
  mayNotify(key: string): boolean;
}

export interface Verdict {
  readonly notify: boolean;
  readonly highlight: boolean;
  readonly actions: readonly JsonValue[];
}

const SILENT: Verdict = { notify: false, highlight: false, actions: [] };

/** @param event in the form that clients see */
export function evaluate(rules: RuleSet, event: JsonObject, context: PushContext): Verdict {
  for (const kind of RULE_KINDS) {
    for (const rule of rules[kind])
      if (rule.enabled && applies(kind, rule, event, context)) return verdictOf(rule);
  }
  return SILENT;
}

function verdictOf({ actions }: PushRule): Verdict {
  const notify = actions.includes("notify") || actions.includes("coalesce");
  const tweak = actions.find(
    (action): action is JsonObject => isObject(action) && action["set_tweak"] === "highlight",
  );
  return { notify, highlight: notify && tweak !== undefined && tweak["value"] !== false, actions };
}

function applies(kind: RuleKind, rule: PushRule, event: JsonObject, context: PushContext): boolean {
  switch (kind) {
    case "room":
      return event["room_id"] === rule.rule_id;
    case "sender":
      return event["sender"] === rule.rule_id;
    case "content": {
      const body = propertyOf(event, "content.body");
      return typeof body === "string" && matchesWords(rule.pattern ?? "", body);
    }
    default:
      return (rule.conditions ?? []).every((condition) => holds(condition, event, context));
  }
}

function holds(condition: JsonObject, event: JsonObject, context: PushContext): boolean {
  const key = typeof condition["key"] === "string" ? condition["key"] : "";
  switch (condition["kind"]) {
    case "event_match": {
      const value = propertyOf(event, key);
      const pattern = condition["pattern"];
      if (typeof value !== "string" || typeof pattern !== "string") return false;
      return key === "content.body" ? matchesWords(pattern, value) : matchesWhole(pattern, value);
    }
    case "event_property_is":
      return propertyOf(event, key) === condition["value"];
    case "event_property_contains": {
      const value = propertyOf(event, key);
      return Array.isArray(value) && value.includes(condition["value"]);
    }
    case "contains_display_name": {
      const body = propertyOf(event, "content.body");
      return (
        typeof body === "string" &&
        context.displayName !== undefined &&
        matchesWords(literal(context.displayName), body)
      );
    }
    case "room_member_count":
      return countHolds(condition["is"], context.memberCount);
    case "sender_notification_permission":
      return context.mayNotify(key);
    default:
      // A condition that the server does not know never holds.
      return false;
  }
}

/** A path of keys joined by dots; a dot or backslash within a key stands behind a backslash. */
function propertyOf(event: JsonObject, path: string): JsonValue | undefined {
  const keys = path.match(/(?:\\.|[^.\\]|\\$)+/g) ?? [];
  let value: JsonValue | undefined = event;
  for (const key of keys) {
    const name = key.replaceAll(/\\([.\\])/g, "$1");
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function countHolds(is: JsonValue | undefined, count: number): boolean {
  const [, operator = "", digits] = /^(==|<=|>=|<|>)?(\d+)$/.exec(typeof is === "string" ? is : "") ?? [];
  if (digits === undefined) return false;
  const than = Number(digits);
  switch (operator) {
    case "<":
      return count < than;
    case ">":
      return count > than;
    case "<=":
      return count <= than;
    case ">=":
      return count >= than;
    default:
      return count === than;
  }
}

const literal = (text: string): string => text.replaceAll(/[*?]/g, "?");
