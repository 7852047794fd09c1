/**
 * Push rules.
 * Source: Matrix client-server API v1.19, "Push Rules: API".
 */
import { z } from "zod";
import { RULE_KINDS } from "../core/push-rules.js";
import { Failure, invalid, notFound } from "../service/failure.js";
import { Content } from "./content.js";
import { Empty, endpoint, group, Json } from "./endpoint.js";

const BASE = "/_matrix/client/v3/pushrules/global";
const Rule = z.object({ kind: z.enum(RULE_KINDS), ruleId: z.string().min(1) });
const Action = z.union([z.string(), z.looseObject({ set_tweak: z.string() })]);
const Actions = z.object({ actions: z.array(Action) });
const Definition = Actions.extend({
  conditions: z.array(Content).optional(),
  pattern: z.string().optional(),
});
const Enabled = z.object({ enabled: z.boolean() });

export const pushRules = group("Push rules", [
  endpoint({
    route: "GET /_matrix/client/v3/pushrules/",
    reply: z.object({ global: Json }),
    handle: async ({ caller }, services) => ({ global: await services.pushRules.of(caller.userId) }),
  }),

  endpoint({
    route: `GET ${BASE}/`,
    reply: Json,
    handle: async ({ caller }, services) => ({ ...(await services.pushRules.of(caller.userId)) }),
  }),

  endpoint({
    route: `GET ${BASE}/{kind}/{ruleId}`,
    // Of a kind that this server does not know, it has no rules: clients look for such of newer servers.
    params: Rule.extend({ kind: z.string() }),
    reply: Json,
    async handle({ caller, params }, services) {
      const kind = RULE_KINDS.find((known) => known === params.kind);
      if (kind === undefined) throw notFound("there is no such push rule");
      return { ...(await services.pushRules.rule(caller.userId, kind, params.ruleId)) };
    },
  }),

  endpoint({
    route: `PUT ${BASE}/{kind}/{ruleId}`,
    params: Rule,
    query: z.object({ before: z.string().optional(), after: z.string().optional() }),
    body: Definition,
    reply: Empty,
    async handle({ caller, params, query, body }, services) {
      if (params.ruleId.startsWith("."))
        throw new Failure("M_INVALID_PARAM", "names with a dot in front are the specification's");
      if (/[/\\]/.test(params.ruleId))
        throw invalid("the name of a rule has neither slashes nor backslashes");
      if (params.kind === "content" && body.pattern === undefined)
        throw new Failure("M_MISSING_PARAM", "a content rule has a pattern");
      const conditions =
        params.kind === "override" || params.kind === "underride"
          ? { conditions: body.conditions ?? [] }
          : {};
      const rule = {
        rule_id: params.ruleId,
        default: false,
        enabled: true,
        actions: body.actions as never,
        ...conditions,
        ...(body.pattern !== undefined && params.kind === "content" && { pattern: body.pattern }),
      };
      const beside = {
        ...(query.before !== undefined && { before: query.before }),
        ...(query.after !== undefined && { after: query.after }),
      };
      await services.pushRules.put(caller.userId, params.kind, rule, beside);
      return {};
    },
  }),

  endpoint({
    route: `DELETE ${BASE}/{kind}/{ruleId}`,
    params: Rule,
    reply: Empty,
    async handle({ caller, params }, services) {
      await services.pushRules.remove(caller.userId, params.kind, params.ruleId);
      return {};
    },
  }),

  endpoint({
    route: `GET ${BASE}/{kind}/{ruleId}/enabled`,
    params: Rule,
    reply: Enabled,
    handle: async ({ caller, params }, services) => ({
      enabled: (await services.pushRules.rule(caller.userId, params.kind, params.ruleId)).enabled,
    }),
  }),

  endpoint({
    route: `PUT ${BASE}/{kind}/{ruleId}/enabled`,
    params: Rule,
    body: Enabled,
    reply: Empty,
    async handle({ caller, params, body }, services) {
      await services.pushRules.change(caller.userId, params.kind, params.ruleId, { enabled: body.enabled });
      return {};
    },
  }),

  endpoint({
    route: `GET ${BASE}/{kind}/{ruleId}/actions`,
    params: Rule,
    reply: z.object({ actions: z.array(z.unknown()) }),
    handle: async ({ caller, params }, services) => ({
      actions: [...(await services.pushRules.rule(caller.userId, params.kind, params.ruleId)).actions],
    }),
  }),

  endpoint({
    route: `PUT ${BASE}/{kind}/{ruleId}/actions`,
    params: Rule,
    body: Actions,
    reply: Empty,
    async handle({ caller, params, body }, services) {
      await services.pushRules.change(caller.userId, params.kind, params.ruleId, {
        actions: body.actions as never,
      });
      return {};
    },
  }),
]);
