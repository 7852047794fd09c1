/**
 * The rules that every account starts with.
 *
 * Source: Matrix client-server API v1.19, "Predefined Rules".
 */
import type { JsonObject, JsonValue } from "./json.js";

export const RULE_KINDS = ["override", "content", "room", "sender", "underride"] as const;
export type RuleKind = (typeof RULE_KINDS)[number];

/** As it stands on the wire; a type, not an interface, so that it is a JSON object to the compiler too. */
export type PushRule = {
  readonly rule_id: string;
  readonly default: boolean;
  readonly enabled: boolean;
  readonly actions: readonly JsonValue[];
  readonly conditions?: readonly JsonObject[];
  readonly pattern?: string;
};

export type RuleSet = Readonly<Record<RuleKind, readonly PushRule[]>>;

const SOUND = { set_tweak: "sound", value: "default" };
const RING = { set_tweak: "sound", value: "ring" };
const HIGHLIGHT = { set_tweak: "highlight" };
const NO_HIGHLIGHT = { set_tweak: "highlight", value: false };

const typeIs = (type: string): JsonObject => ({ kind: "event_match", key: "type", pattern: type });
const stateKeyIs = (stateKey: string): JsonObject => ({
  kind: "event_match",
  key: "state_key",
  pattern: stateKey,
});
const twoMembers: JsonObject = { kind: "room_member_count", is: "2" };

function rule(
  rule_id: string,
  conditions: readonly JsonObject[],
  actions: readonly JsonValue[],
  enabled = true,
): PushRule {
  return { rule_id, default: true, enabled, conditions, actions };
}

/** Rules of polls, as clients name them that have polls. Source: MSC3930. */
const POLLS = ".org.matrix.msc3930.rule";

/** @param userId some rules are about their owner */
export function defaultRules(userId: string): RuleSet {
  return {
    override: [
      rule(".m.rule.master", [], [], false),
      rule(
        ".m.rule.suppress_notices",
        [{ kind: "event_match", key: "content.msgtype", pattern: "m.notice" }],
        [],
      ),
      rule(
        ".m.rule.invite_for_me",
        [
          typeIs("m.room.member"),
          { kind: "event_match", key: "content.membership", pattern: "invite" },
          stateKeyIs(userId),
        ],
        ["notify", SOUND],
      ),
      rule(".m.rule.member_event", [typeIs("m.room.member")], []),
      rule(
        ".m.rule.is_user_mention",
        [{ kind: "event_property_contains", key: "content.m\\.mentions.user_ids", value: userId }],
        ["notify", SOUND, HIGHLIGHT],
      ),
      rule(
        ".m.rule.is_room_mention",
        [
          { kind: "event_property_is", key: "content.m\\.mentions.room", value: true },
          { kind: "sender_notification_permission", key: "room" },
        ],
        ["notify", HIGHLIGHT],
      ),
      rule(".m.rule.tombstone", [typeIs("m.room.tombstone"), stateKeyIs("")], ["notify", HIGHLIGHT]),
      rule(".m.rule.reaction", [typeIs("m.reaction")], []),
      rule(`${POLLS}.poll_response`, [typeIs("org.matrix.msc3381.poll.response")], []),
      rule(".m.rule.room.server_acl", [typeIs("m.room.server_acl"), stateKeyIs("")], []),
      rule(
        ".m.rule.suppress_edits",
        [{ kind: "event_property_is", key: "content.m\\.relates_to.rel_type", value: "m.replace" }],
        [],
      ),
    ],
    content: [],
    room: [],
    sender: [],
    underride: [
      rule(".m.rule.call", [typeIs("m.call.invite")], ["notify", RING, NO_HIGHLIGHT]),
      rule(
        ".m.rule.encrypted_room_one_to_one",
        [twoMembers, typeIs("m.room.encrypted")],
        ["notify", SOUND, NO_HIGHLIGHT],
      ),
      rule(
        ".m.rule.room_one_to_one",
        [twoMembers, typeIs("m.room.message")],
        ["notify", SOUND, NO_HIGHLIGHT],
      ),
      rule(".m.rule.message", [typeIs("m.room.message")], ["notify", NO_HIGHLIGHT]),
      rule(".m.rule.encrypted", [typeIs("m.room.encrypted")], ["notify", NO_HIGHLIGHT]),
      ...["start", "end"].flatMap((what) => {
        const poll = typeIs(`org.matrix.msc3381.poll.${what}`);
        return [
          rule(`${POLLS}.poll_${what}_one_to_one`, [twoMembers, poll], ["notify", SOUND]),
          rule(`${POLLS}.poll_${what}`, [poll], ["notify"]),
        ];
      }),
    ],
  };
}
