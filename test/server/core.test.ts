/**
 * Canonical JSON, hashes and redaction: by the specification's own examples, and by what must hold of anything.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { canonicalJson, NotCanonicalError } from "../../src/server/core/canonical-json.js";
import {
  contentHash,
  EventTooLargeError,
  referenceHash,
  sealEvent,
} from "../../src/server/core/event-hash.js";
import type { EventDraft } from "../../src/server/core/event.js";
import { passes } from "../../src/server/core/filter.js";
import { redactContent } from "../../src/server/core/redaction.js";
import { ROOM_VERSIONS, roomVersion } from "../../src/server/core/room-versions.js";
import {
  parseHistoryToken,
  parseSyncToken,
  renderHistoryToken,
  renderSyncToken,
} from "../../src/server/core/tokens.js";
import { mayRead } from "../../src/server/core/visibility.js";
import { evaluate } from "../../src/server/core/push-evaluate.js";
import { defaultRules } from "../../src/server/core/push-rules.js";

const v10 = roomVersion("10");
const v11 = roomVersion("11");
const v12 = roomVersion("12");

describe("canonical JSON", () => {
  // Source: Matrix specification, appendices, "Canonical JSON", "Examples".
  test.each([
    [{}, "{}"],
    [{ one: 1, two: "Two" }, '{"one":1,"two":"Two"}'],
    [{ b: "2", a: "1" }, '{"a":"1","b":"2"}'],
    [
      {
        auth: {
          success: true,
          mxid: "@john.doe:example.com",
          profile: {
            display_name: "John Doe",
            three_pids: [{ medium: "email", address: "john.doe@example.org" }],
          },
        },
      },
      '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"}]},"success":true}}',
    ],
    [{ a: "日本語" }, '{"a":"日本語"}'],
    [{ 本: 2, 日: 1 }, '{"日":1,"本":2}'],
    [{ a: "\u65E5" }, '{"a":"日"}'],
    [{ a: null }, '{"a":null}'],
    [{ a: -0, b: 1e10 }, '{"a":0,"b":10000000000}'],
  ])("%j", (value, text) => expect(canonicalJson(value)).toBe(text));

  test("sorts by code point, not by UTF-16 unit", () => {
    expect(canonicalJson({ "\u{10000}": 1, "\u{ffff}": 2 })).toBe('{"\u{ffff}":2,"\u{10000}":1}');
  });

  test.each([[{ a: 1.5 }], [{ a: 2 ** 53 }], [{ a: "\ud800" }], [[Number.NaN]], [{ a: 1n }]])(
    "refuses %p",
    (value) => {
      expect(() => canonicalJson(value)).toThrow(NotCanonicalError);
    },
  );

  test("says the same of the same, whatever the order of the keys, and JSON reads it back", () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.string(),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("value"), { maxKeys: 5, noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(value, (any) => {
        const text = canonicalJson(any);
        const back = JSON.parse(text) as unknown;
        expect(canonicalJson(back)).toBe(text);
        expect(back).toEqual(
          JSON.parse(JSON.stringify(any, (_, inner: unknown) => (Object.is(inner, -0) ? 0 : inner))),
        );
      }),
    );
  });
});

describe("event hashes", () => {
  // Source: Matrix specification, appendices, "Cryptographic Test Vectors", "Event Signing".
  test("the specification's smallest event", () => {
    const event = {
      room_id: "!x:domain",
      sender: "@a:domain",
      origin: "domain",
      origin_server_ts: 1000000,
      signatures: {},
      hashes: {},
      type: "X",
      content: {},
      prev_events: [],
      auth_events: [],
      depth: 3,
      unsigned: { age_ts: 1000000 },
    };
    expect(contentHash(event)).toBe("5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos");
  });

  test("the specification's event with content", () => {
    const event = {
      content: { body: "Here is the message content" },
      event_id: "$0:domain",
      hashes: {},
      origin: "domain",
      origin_server_ts: 1000000,
      signatures: {},
      type: "m.room.message",
      room_id: "!r:domain",
      sender: "@u:domain",
      unsigned: { age_ts: 1000000 },
    };
    expect(contentHash(event)).toBe("onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g");
  });

  const place = { roomId: "!r:hs1", seq: 5, ts: 1, prevEvents: ["$p"], authEvents: ["$a"] };

  test("an id is that of the redacted event: a redaction leaves it as it is", () => {
    const draft = { type: "m.room.message", sender: "@a:hs1", content: { body: "secret" } };
    const event = sealEvent(v11, draft, place);
    const full = {
      auth_events: ["$a"],
      content: {},
      depth: 5,
      origin_server_ts: 1,
      prev_events: ["$p"],
      room_id: "!r:hs1",
      sender: "@a:hs1",
      type: "m.room.message",
      hashes: { sha256: event.hash },
    };
    expect(`$${referenceHash(v11, full)}`).toBe(event.eventId);
    expect(event.eventId).toMatch(/^\$[A-Za-z0-9_-]{43}$/);
  });

  test.each([...ROOM_VERSIONS.keys()])("sealing hashes what the specification says, version %s", (id) => {
    const version = roomVersion(id);
    const drafts: EventDraft[] = [
      {
        type: "m.room.message",
        sender: "@a:hs1",
        content: { z: [1, { b: null, a: "\u00e4\u{1f600}" }], body: "x" },
      },
      { type: "m.room.redaction", sender: "@a:hs1", redacts: "$e", content: { reason: "r" } },
      { type: "m.room.power_levels", stateKey: "", sender: "@a:hs1", content: { invite: 1, ban: 50, x: 1 } },
      { type: "m.room.aliases", stateKey: "hs1", sender: "@a:hs1", content: { aliases: ["#a:hs1"] } },
    ];
    for (const draft of drafts) {
      const event = sealEvent(version, draft, place);
      const full = {
        auth_events: ["$a"],
        content: event.content,
        depth: 5,
        origin_server_ts: 1,
        prev_events: ["$p"],
        room_id: "!r:hs1",
        sender: "@a:hs1",
        type: draft.type,
        ...(draft.stateKey !== undefined && { state_key: draft.stateKey }),
        ...(draft.redacts !== undefined && Number(id) < 11 && { redacts: draft.redacts }),
      };
      expect(event.hash).toBe(contentHash(full));
      expect(event.eventId).toBe(`$${referenceHash(version, { ...full, hashes: { sha256: event.hash } })}`);
    }
  });

  // Source: Matrix specification, "Room Version 3" and "Room Version 4", "Event IDs".
  test("ids of version 3 are those of later ones with `+` and `/` for `-` and `_`", () => {
    fc.assert(
      fc.property(fc.string(), (body) => {
        const draft = { type: "m.room.message", sender: "@a:hs1", content: { body } };
        const [in3, in4, in10] = ["3", "4", "10"].map(
          (id) => sealEvent(roomVersion(id), draft, place).eventId,
        );
        expect(in3).toMatch(/^\$[A-Za-z0-9+/]{43}$/);
        expect(in4).toBe(in3?.replaceAll("+", "-").replaceAll("/", "_"));
        expect(in10).toBe(in4);
      }),
    );
  });

  test("from room version 12 on, a room's id is the hash of its create event", () => {
    const create = sealEvent(
      v12,
      { type: "m.room.create", stateKey: "", sender: "@a:hs1", content: { room_version: "12" } },
      { ...place, roomId: "", seq: 1, prevEvents: [], authEvents: [] },
    );
    expect(create.roomId.slice(1)).toBe(create.eventId.slice(1));
  });

  test("an event has at most 64 KiB", () => {
    const draft = { type: "m.room.message", sender: "@a:hs1", content: { body: "x".repeat(65_000) } };
    expect(sealEvent(v11, draft, place).eventId).toStartWith("$");
    expect(() => sealEvent(v11, { ...draft, content: { body: "x".repeat(65_400) } }, place)).toThrow(
      EventTooLargeError,
    );
  });

  test("whatever is in an event changes its hash", () => {
    const base = sealEvent(v11, { type: "t", sender: "@a:hs1", content: { body: "a" } }, place);
    const others = [
      sealEvent(v11, { type: "u", sender: "@a:hs1", content: { body: "a" } }, place),
      sealEvent(v11, { type: "t", sender: "@b:hs1", content: { body: "a" } }, place),
      sealEvent(v11, { type: "t", sender: "@a:hs1", content: { body: "b" } }, place),
      sealEvent(v11, { type: "t", stateKey: "", sender: "@a:hs1", content: { body: "a" } }, place),
      sealEvent(v11, { type: "t", sender: "@a:hs1", content: { body: "a" } }, { ...place, ts: 2 }),
    ];
    expect(new Set([base, ...others].map(({ eventId }) => eventId)).size).toBe(6);
  });
});

describe("redaction keeps what the room lives on", () => {
  test.each([
    [
      "m.room.member",
      { membership: "join", displayname: "x" },
      { membership: "join" },
      { membership: "join" },
    ],
    [
      "m.room.create",
      { creator: "@a:b", room_version: "10", x: 1 },
      { creator: "@a:b" },
      { creator: "@a:b", room_version: "10", x: 1 },
    ],
    [
      "m.room.join_rules",
      { join_rule: "invite", allow: [], x: 1 },
      { join_rule: "invite", allow: [] },
      { join_rule: "invite", allow: [] },
    ],
    ["m.room.power_levels", { ban: 1, invite: 2, notifications: {} }, { ban: 1 }, { ban: 1, invite: 2 }],
    [
      "m.room.history_visibility",
      { history_visibility: "shared", x: 1 },
      { history_visibility: "shared" },
      { history_visibility: "shared" },
    ],
    ["m.room.redaction", { redacts: "$x", reason: "y" }, {}, { redacts: "$x" }],
    ["m.room.message", { body: "x" }, {}, {}],
  ])("%s", (type, content, in10, in11) => {
    expect(redactContent(v10, type, content)).toEqual(in10);
    expect(redactContent(v11, type, content)).toEqual(in11);
  });

  // Source: Matrix specification, "Room Version 6", "8" and "9", "Redactions".
  test.each([
    ["m.room.aliases", { aliases: ["#a:hs1"] }, "aliases", (version: number) => version < 6],
    ["m.room.join_rules", { join_rule: "restricted", allow: [] }, "allow", (version: number) => version >= 8],
    [
      "m.room.member",
      { membership: "join", join_authorised_via_users_server: "@a:hs1" },
      "join_authorised_via_users_server",
      (version: number) => version >= 9,
    ],
  ])("%s keeps %o's `%s` in some versions alone", (type, content, key, keeps) => {
    for (const [id, version] of ROOM_VERSIONS)
      expect([id, Object.hasOwn(redactContent(version, type, content), key)]).toEqual([
        id,
        keeps(Number(id)),
      ]);
  });
});

describe("tokens", () => {
  test("are read back, and nothing else is a token", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (position, typing, toDevice) => {
        const token = renderSyncToken({ position, typing, toDevice });
        expect(parseSyncToken(token)).toEqual({ position, typing, toDevice });
        expect(parseHistoryToken(token)).toBe(position);
        expect(parseHistoryToken(renderHistoryToken(position))).toBe(position);
      }),
    );
    fc.assert(
      fc.property(
        fc.string(),
        (text) => parseSyncToken(text) === undefined && parseHistoryToken(text) === undefined,
      ),
    );
  });
});

describe("history visibility", () => {
  const joinedFrom = (position: number) => [{ position, value: "join" as const }];
  const since = <T>(value: T, position = 1) => [{ position, value }];
  test.each([
    [
      "shared: what was before one came",
      { memberships: joinedFrom(10), visibilities: since("shared" as const) },
      5,
      true,
    ],
    [
      "joined: nothing from before",
      { memberships: joinedFrom(10), visibilities: since("joined" as const) },
      5,
      false,
    ],
    [
      "joined: one's own coming",
      { memberships: joinedFrom(10), visibilities: since("joined" as const) },
      10,
      true,
    ],
    ["shared: nothing for strangers", { memberships: [], visibilities: since("shared" as const) }, 5, false],
    [
      "world_readable: all for strangers",
      { memberships: [], visibilities: since("world_readable" as const) },
      5,
      true,
    ],
    [
      "nothing from after one left",
      {
        memberships: [...joinedFrom(3), ...since("leave" as const, 6)],
        visibilities: since("shared" as const),
      },
      7,
      false,
    ],
    [
      "one's own leaving",
      {
        memberships: [...joinedFrom(3), ...since("leave" as const, 6)],
        visibilities: since("shared" as const),
      },
      6,
      true,
    ],
    [
      "invited: from the invite on",
      {
        memberships: [...since("invite" as const, 4), ...joinedFrom(8)],
        visibilities: since("invited" as const),
      },
      5,
      true,
    ],
    [
      "invited: nothing from before the invite",
      {
        memberships: [...since("invite" as const, 4), ...joinedFrom(8)],
        visibilities: since("invited" as const),
      },
      3,
      false,
    ],
    [
      "invited: nothing for who never came",
      { memberships: since("invite" as const, 4), visibilities: since("invited" as const) },
      5,
      false,
    ],
  ])("%s", (_, viewpoint, position, expected) => expect(mayRead(viewpoint, position)).toBe(expected));
});

test("a star in a filter's type stands for anything", () => {
  expect(passes({ types: ["m.room.*"] }, { type: "m.room.message" })).toBe(true);
  expect(passes({ types: ["m.*.message"] }, { type: "m.room.message" })).toBe(true);
  expect(passes({ types: ["m.room.*"] }, { type: "org.m.room.x" })).toBe(false);
  expect(passes({ types: ["*"], not_types: ["m.room.*"] }, { type: "m.room.name" })).toBe(false);
  expect(passes({ types: ["a*a"] }, { type: "a" })).toBe(false);
});

describe("push rules", () => {
  const rules = defaultRules("@me:hs1");
  const message = (content: object, type = "m.room.message") => ({
    type,
    sender: "@you:hs1",
    room_id: "!r:hs1",
    content: content as never,
  });
  const context = { memberCount: 5, mayNotify: () => false };
  test.each([
    ["a message notifies", message({ body: "x" }), { notify: true, highlight: false }],
    [
      "a bot's notice does not",
      message({ msgtype: "m.notice", body: "x" }),
      { notify: false, highlight: false },
    ],
    [
      "a mention highlights",
      message({ "m.mentions": { user_ids: ["@me:hs1"] } }),
      { notify: true, highlight: true },
    ],
    [
      "somebody else's mention does not",
      message({ "m.mentions": { user_ids: ["@us:hs1"] } }),
      { notify: true, highlight: false },
    ],
    [
      "@room without the power does not highlight",
      message({ "m.mentions": { room: true } }),
      { notify: true, highlight: false },
    ],
    ["a reaction does not notify", message({}, "m.reaction"), { notify: false, highlight: false }],
    [
      "an edit does not notify",
      message({ "m.relates_to": { rel_type: "m.replace" } }),
      { notify: false, highlight: false },
    ],
  ])("%s", (_, event, expected) => expect(evaluate(rules, event, context)).toMatchObject(expected));

  test.each([
    ["be*er", "a beer?", true],
    ["be*er", "berlin beer", true],
    ["be*er", "a bee", false],
    ["be*er", "abeer", false],
    ["be*er", "beers", false],
    ["*", "", true],
    ["*er", "a beer?", true],
    ["b?er", "a b?er", true],
    ["a.c", "abc", false],
  ])("a pattern with stars: %s in %j: %j", (pattern, body, isFound) => {
    const beer = { rule_id: "beer", default: false, enabled: true, actions: ["notify"], pattern };
    const own = { ...rules, content: [beer], underride: [] };
    expect(evaluate(own, message({ body }), context).notify).toBe(isFound);
  });

  test("a pattern of many stars is no long work", () => {
    const pattern = "*a".repeat(30) + "*b";
    const event = message({ body: "a".repeat(60_000) });
    const condition = { kind: "event_match", key: "content.body", pattern };
    const slow = { rule_id: "slow", default: false, enabled: true, actions: ["notify"] };
    const own = {
      ...rules,
      override: [{ ...slow, conditions: [condition] }],
      content: [{ ...slow, pattern }],
      underride: [],
    };
    const startedAt = performance.now();
    expect(evaluate(own, event, context).notify).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("@room with the power highlights", () => {
    expect(
      evaluate(rules, message({ "m.mentions": { room: true } }), { ...context, mayNotify: () => true }),
    ).toMatchObject({ highlight: true });
  });
});
