/**
 * Each user's push rules: the predefined ones with what the user changed.
 *
 * They are kept as account data of type `m.push_rules`, which is how sync tells of them.
 */
import { defaultRules, type PushRule, type RuleKind, type RuleSet } from "../core/push-rules.js";
import { isObject } from "../core/json.js";
import { InTurn } from "../runtime/in-turn.js";
import type { Store } from "../store/store.js";
import { Failure, notFound } from "./failure.js";

const TYPE = "m.push_rules";
const IGNORED = "m.ignored_user_list";
const REMEMBERED = 2_000;

export class PushRules {
  readonly #store: Store;
  // Promises: what is being read while it changes is not remembered in its old form.
  readonly #cache = new Map<string, Promise<RuleSet>>();
  readonly #ignored = new Map<string, Promise<ReadonlySet<string>>>();
  /** The rules are one document: clients change many at once, and each change is made to what the one before left. */
  readonly #turns = new InTurn();

  constructor(store: Store) {
    this.#store = store;
    store.onGap(() => {
      this.#cache.clear();
      this.#ignored.clear();
    });
    store.onChanges((changes) => {
      for (const { kind, userId } of changes) {
        if (kind !== "account-data" || userId === undefined) continue;
        this.#cache.delete(userId);
        this.#ignored.delete(userId);
      }
    });
  }

  of(userId: string): Promise<RuleSet> {
    return remembered(this.#cache, userId, async () =>
      merge(defaultRules(userId), await this.#store.personal.accountData(userId, "", TYPE)),
    );
  }

  /** Whom the user does not want to hear of. Source: "Ignoring Users": their events must not notify. */
  ignoredBy(userId: string): Promise<ReadonlySet<string>> {
    return remembered(this.#ignored, userId, async () => {
      const list = (await this.#store.personal.accountData(userId, "", IGNORED))?.["ignored_users"];
      return new Set(isObject(list) ? Object.keys(list) : []);
    });
  }

  async rule(userId: string, kind: RuleKind, ruleId: string): Promise<PushRule> {
    const rule = (await this.of(userId))[kind].find(({ rule_id }) => rule_id === ruleId);
    if (rule === undefined) throw notFound("there is no such push rule");
    return rule;
  }

  /** Sets `enabled` or the actions of a rule, of a predefined one too. */
  async change(
    userId: string,
    kind: RuleKind,
    ruleId: string,
    change: Partial<Pick<PushRule, "enabled" | "actions">>,
  ): Promise<void> {
    await this.rule(userId, kind, ruleId);
    await this.#update(userId, kind, (rules) =>
      rules.map((rule) => (rule.rule_id === ruleId ? { ...rule, ...change } : rule)),
    );
  }

  /**
   * Adds a rule of the user's own, or replaces it, ahead of the others or beside the one named.
   *
   * @throws Failure M_UNKNOWN (400) when the neighbour is not one of the user's rules
   */
  async put(
    userId: string,
    kind: RuleKind,
    rule: PushRule,
    beside: { before?: string; after?: string },
  ): Promise<void> {
    await this.#update(userId, kind, (rules) => {
      const others = rules.filter(({ rule_id }) => rule_id !== rule.rule_id);
      const old = rules.find(({ rule_id }) => rule_id === rule.rule_id);
      const merged = { ...rule, enabled: old?.enabled ?? true };
      return others.toSpliced(placeOf(others, beside), 0, merged);
    });
  }

  async remove(userId: string, kind: RuleKind, ruleId: string): Promise<void> {
    if ((await this.rule(userId, kind, ruleId)).default)
      throw notFound("a predefined rule cannot be removed, only disabled");
    await this.#update(userId, kind, (rules) => rules.filter(({ rule_id }) => rule_id !== ruleId));
  }

  async #update(
    userId: string,
    kind: RuleKind,
    update: (rules: readonly PushRule[]) => readonly PushRule[],
  ): Promise<void> {
    await this.#turns.run(userId, async () => {
      const rules = await this.of(userId);
      const changed = { ...rules, [kind]: update(rules[kind]) };
      await this.#store.personal.setAccountData(userId, "", TYPE, { global: changed });
    });
  }
}

function remembered<T>(cache: Map<string, Promise<T>>, userId: string, read: () => Promise<T>): Promise<T> {
  const known = cache.get(userId);
  if (known !== undefined) return known;
  const reading = read();
  if (cache.size > REMEMBERED) cache.clear();
  cache.set(userId, reading);
  reading.catch(() => {
    if (cache.get(userId) === reading) cache.delete(userId);
  });
  return reading;
}

function placeOf(rules: readonly PushRule[], { before, after }: { before?: string; after?: string }): number {
  const neighbour = before ?? after;
  // The user's own rules outrank the predefined ones, but not the switch for everything.
  if (neighbour === undefined) return rules[0]?.rule_id === ".m.rule.master" ? 1 : 0;
  const index = rules.findIndex(({ rule_id, default: isDefault }) => rule_id === neighbour && !isDefault);
  if (index < 0) throw new Failure("M_UNKNOWN", "there is no such rule to stand beside", { status: 400 });
  return before !== undefined ? index : index + 1;
}

/** What is stored, with predefined rules that came with a later release in their places. */
function merge(defaults: RuleSet, stored: unknown): RuleSet {
  const global = isObject(stored) ? stored["global"] : undefined;
  if (!isObject(global)) return defaults;
  const mergeKind = (kind: RuleKind): readonly PushRule[] => {
    const kept = (Array.isArray(global[kind]) ? global[kind] : []) as readonly PushRule[];
    return [
      ...kept,
      ...defaults[kind].filter(({ rule_id }) => !kept.some((rule) => rule.rule_id === rule_id)),
    ];
  };
  return {
    override: mergeKind("override"),
    content: mergeKind("content"),
    room: mergeKind("room"),
    sender: mergeKind("sender"),
    underride: mergeKind("underride"),
  };
}
