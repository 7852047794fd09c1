/**
 * The authorisation rules: who may do what, in a room of each version.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { authorise, authoriseRedaction } from "../../src/server/core/auth-rules.js";
import type { EventDraft } from "../../src/server/core/event.js";
import { NotAllowedError } from "../../src/server/core/not-allowed.js";
import { PowerLevels } from "../../src/server/core/power-levels.js";
import { RoomState, type StateEvent } from "../../src/server/core/room-state.js";
import { ROOM_VERSIONS } from "../../src/server/core/room-versions.js";

const FOUNDER = "@founder:hs1";
const MODERATOR = "@moderator:hs1";
const MEMBER = "@member:hs1";
const STRANGER = "@stranger:hs1";
const INVITED = "@invited:hs1";
const BANNED = "@banned:hs1";

function state(version: string, extra: readonly Partial<StateEvent>[] = []): RoomState {
  const levels = {
    users: { ...(version !== "12" && { [FOUNDER]: 100 }), [MODERATOR]: 50 },
    events: { "m.room.name": 50 },
  };
  const member = (userId: string, membership: string) => ({
    type: "m.room.member",
    stateKey: userId,
    sender: userId,
    content: { membership },
  });
  const events: Partial<StateEvent>[] = [
    {
      type: "m.room.create",
      content: { room_version: version, ...(Number(version) <= 10 && { creator: FOUNDER }) },
    },
    member(FOUNDER, "join"),
    { type: "m.room.power_levels", content: levels },
    { type: "m.room.join_rules", content: { join_rule: "invite" } },
    ...[MODERATOR, MEMBER].map((userId) => member(userId, "join")),
    member(INVITED, "invite"),
    member(BANNED, "ban"),
    ...extra,
  ];
  return new RoomState(
    events.map((event, index) => ({
      eventId: `$${index}`,
      type: "",
      stateKey: "",
      sender: FOUNDER,
      content: {},
      roomId: "!r",
      ts: 0,
      seq: index,
      ...event,
    })),
  );
}

const member = (sender: string, target: string, membership: string): EventDraft => ({
  type: "m.room.member",
  stateKey: target,
  sender,
  content: { membership },
});
const message = (sender: string): EventDraft => ({ type: "m.room.message", sender, content: {} });
const named = (sender: string): EventDraft => ({ type: "m.room.name", stateKey: "", sender, content: {} });
const levels = (sender: string, content: object): EventDraft => ({
  type: "m.room.power_levels",
  stateKey: "",
  sender,
  content: content as never,
});

const may = (room: RoomState, event: EventDraft): boolean => {
  try {
    authorise(room, event);
    return true;
  } catch (error) {
    if (error instanceof NotAllowedError) return false;
    throw error;
  }
};

describe.each([...ROOM_VERSIONS.keys()])("room version %s", (version) => {
  const room = state(version);
  const asRoom = (extra: readonly Partial<StateEvent>[]) => state(version, extra);
  const joinRule = (join_rule: string) => asRoom([{ type: "m.room.join_rules", content: { join_rule } }]);

  test.each([
    ["a member speaks", message(MEMBER), true],
    ["a stranger does not", message(STRANGER), false],
    ["an invited person does not", message(INVITED), false],
    ["a member names no room", named(MEMBER), false],
    ["a moderator does", named(MODERATOR), true],
    ["a member invites", member(MEMBER, STRANGER, "invite"), true],
    ["a stranger invites nobody", member(STRANGER, "@x:hs1", "invite"), false],
    ["nobody invites members", member(MODERATOR, MEMBER, "invite"), false],
    ["nobody invites the banned", member(MODERATOR, BANNED, "invite"), false],
    ["the invited come", member(INVITED, INVITED, "join"), true],
    ["strangers do not", member(STRANGER, STRANGER, "join"), false],
    ["nor the banned", member(BANNED, BANNED, "join"), false],
    ["nobody joins somebody else", member(MODERATOR, INVITED, "join"), false],
    ["a member leaves", member(MEMBER, MEMBER, "leave"), true],
    ["the invited refuse", member(INVITED, INVITED, "leave"), true],
    ["strangers have nothing to leave", member(STRANGER, STRANGER, "leave"), false],
    ["the banned cannot unban themselves", member(BANNED, BANNED, "leave"), false],
    ["a moderator kicks", member(MODERATOR, MEMBER, "leave"), true],
    ["a member does not", member(MEMBER, INVITED, "leave"), false],
    ["nobody kicks upwards", member(MODERATOR, FOUNDER, "leave"), false],
    ["a moderator bans", member(MODERATOR, MEMBER, "ban"), true],
    ["nobody bans upwards", member(MODERATOR, FOUNDER, "ban"), false],
    ["a moderator lifts a ban", member(MODERATOR, BANNED, "leave"), true],
    ["nobody knocks where nobody listens", member(STRANGER, STRANGER, "knock"), false],
    ["there is no other membership", member(MEMBER, MEMBER, "levitate"), false],
    [
      "a state key that is a user is that user's",
      { type: "x", stateKey: MEMBER, sender: MODERATOR, content: {} },
      false,
    ],
    [
      "a room is made once",
      { type: "m.room.create", stateKey: "", sender: FOUNDER, content: { room_version: version } },
      false,
    ],
  ] as [string, EventDraft, boolean][])("%s", (_, event, expected) =>
    expect(may(room, event)).toBe(expected),
  );

  test("a public room takes everybody but the banned", () => {
    expect(may(joinRule("public"), member(STRANGER, STRANGER, "join"))).toBe(true);
    expect(may(joinRule("public"), member(BANNED, BANNED, "join"))).toBe(false);
  });

  // Source: Matrix specification, "Room Version 7", "8" and "10", "Authorization rules", rule 4.
  test("a join rule that is younger than the version lets nobody in, not even the invited", () => {
    const since = { public: 1, invite: 1, knock: 7, restricted: 8, knock_restricted: 10, private: Infinity };
    for (const [rule, first] of Object.entries(since)) {
      const isKnown = Number(version) >= first;
      expect([rule, may(joinRule(rule), member(INVITED, INVITED, "join"))]).toEqual([rule, isKnown]);
      expect([rule, may(joinRule(rule), member(STRANGER, STRANGER, "knock"))]).toEqual([
        rule,
        isKnown && rule.startsWith("knock"),
      ]);
    }
  });

  if (Number(version) >= 10)
    test("knocking is for those outside", () => {
      expect(may(joinRule("knock"), member(STRANGER, STRANGER, "knock"))).toBe(true);
      expect(may(joinRule("knock"), member(BANNED, BANNED, "knock"))).toBe(false);
      expect(may(joinRule("knock"), member(MEMBER, MEMBER, "knock"))).toBe(false);
      expect(may(joinRule("knock_restricted"), member(STRANGER, STRANGER, "knock"))).toBe(true);
    });

  if (Number(version) >= 8)
    test("a restricted room takes those for whom a member with the power vouches", () => {
      const join = (voucher?: string): EventDraft => ({
        ...member(STRANGER, STRANGER, "join"),
        content: { membership: "join", ...(voucher && { join_authorised_via_users_server: voucher }) },
      });
      expect(may(joinRule("restricted"), join())).toBe(false);
      expect(may(joinRule("restricted"), join(MEMBER))).toBe(true);
      expect(may(joinRule("restricted"), join("@nobody:hs1"))).toBe(false);
    });

  test("power: nobody gives or takes what they do not have", () => {
    const now = room.content("m.room.power_levels") as { users: Record<string, number> };
    const withUser = (userId: string, level: number) => ({
      ...now,
      users: { ...now.users, [userId]: level },
    });
    expect(may(room, levels(MODERATOR, withUser(MEMBER, 50)))).toBe(true);
    expect(may(room, levels(MODERATOR, withUser(MEMBER, 51)))).toBe(false);
    expect(may(room, levels(MEMBER, withUser(MEMBER, 0)))).toBe(false);
    expect(may(room, levels(MODERATOR, withUser(MODERATOR, 0)))).toBe(true);
    expect(may(room, levels(FOUNDER, withUser(MODERATOR, 0)))).toBe(true);
    expect(may(room, levels(MODERATOR, { ...now, ban: 60 }))).toBe(false);
    expect(may(room, levels(MODERATOR, { ...now, users: { ...now.users, "no user": 1 } }))).toBe(false);
    for (const level of [1.5, "1.5", "1e2", "", "fifty", 2 ** 53, "9007199254740992", null, [50]])
      expect([level, may(room, levels(FOUNDER, { ...now, ban: level }))]).toEqual([level, false]);
  });

  // Source: Matrix specification, "Room Version 9", "`m.room.power_levels` events accept values as strings".
  test("until version 9 a level may be a text that is an integer, and counts as that", () => {
    const text = fc
      .tuple(
        fc.integer({ min: -100, max: 100 }),
        fc.stringMatching(/^[ \t]*$/),
        fc.stringMatching(/^0{0,3}$/),
        fc.stringMatching(/^[ \n]*$/),
      )
      .map(([level, before, zeroes, after]): [number, string] => [
        level,
        `${before}${level < 0 ? "-" : "+"}${zeroes}${Math.abs(level)}${after}`,
      ]);
    fc.assert(
      fc.property(text, text, ([own, ownText], [ban, banText]) => {
        const users = { ...(version !== "12" && { [FOUNDER]: 100 }), [MODERATOR]: ownText };
        const draft = levels(FOUNDER, { users, ban: banText, events: { x: ownText } });
        expect(may(room, draft)).toBe(Number(version) < 10);
        if (Number(version) >= 10) return;
        const inText = asRoom([{ type: "m.room.power_levels", content: draft.content }]);
        expect(new PowerLevels(inText).ofUser(MODERATOR)).toBe(own);
        expect(new PowerLevels(inText).level("ban")).toBe(ban);
        expect(new PowerLevels(inText).toSend("x", true)).toBe(own);
        // Nobody hides a level that they may not give, or takes one away, by writing it otherwise.
        const given = may(
          inText,
          levels(MODERATOR, { ...draft.content, users: { ...users, [MEMBER]: banText } }),
        );
        const isAllowed = own >= 50 && ban <= own;
        expect(given).toBe(isAllowed);
      }),
    );
  });

  // Source: Matrix specification, "Room Version 6", "Authorization rules".
  test("what it takes to notify everybody is as guarded as other levels, from version 6 on", () => {
    const now = room.content("m.room.power_levels") as object;
    const guarded = asRoom([
      { type: "m.room.power_levels", content: { ...now, notifications: { room: 60 } } },
    ]);
    const loosened = levels(MODERATOR, { ...now, notifications: { room: 0 } });
    expect(may(guarded, loosened)).toBe(Number(version) < 6);
  });

  test("one's own events may be redacted, others' with the power", () => {
    expect(() => authoriseRedaction(room, MEMBER, { sender: MEMBER })).not.toThrow();
    expect(() => authoriseRedaction(room, MODERATOR, { sender: FOUNDER })).not.toThrow();
    expect(() => authoriseRedaction(room, MEMBER, { sender: MODERATOR })).toThrow(NotAllowedError);
  });

  test("whatever a moderator does to the power levels, nobody ends above the moderator who was not", () => {
    const before = new PowerLevels(room);
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom(FOUNDER, MODERATOR, MEMBER, STRANGER),
          fc.integer({ min: -10, max: 120 }),
        ),
        fc.integer({ min: -10, max: 120 }),
        (users, usersDefault) => {
          const draft = levels(MODERATOR, {
            users,
            users_default: usersDefault,
            events: { "m.room.name": 50 },
          });
          if (!may(room, draft)) return;
          const after = new PowerLevels(
            state(version, [{ type: "m.room.power_levels", content: draft.content }]),
          );
          for (const userId of [FOUNDER, MODERATOR, MEMBER, STRANGER]) {
            expect(after.ofUser(userId) <= 50 || after.ofUser(userId) === before.ofUser(userId)).toBe(true);
          }
        },
      ),
    );
  });
});

test("in version 12 the founder is above every number, and stands in no list", () => {
  const room = state("12");
  expect(new PowerLevels(room).ofUser(FOUNDER)).toBe(Infinity);
  expect(may(room, levels(FOUNDER, { users: { [FOUNDER]: 100 } }))).toBe(false);
  expect(may(room, levels(FOUNDER, { users: { [MODERATOR]: 2 ** 50 } }))).toBe(true);
});
