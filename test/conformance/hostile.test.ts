/**
 * Requests that nobody sends who means well: every operation, with ids that are none or another's, bodies of the right
 * names and the wrong kinds, and JSON at its limits. Whatever comes, the answer is one that the specification knows,
 * and the server goes on.
 *
 * A thousand requests; IMCLOUD_FAULT=long makes it a hundred thousand. A failure names its seed: IMCLOUD_SEED repeats it.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { startWithPeople, type Person, type TestServer } from "../server/test-server.js";
import { readOperations } from "./operations.js";
import { HOSTILE } from "./record.js";

const REQUESTS = process.env["IMCLOUD_FAULT"] === "long" ? 100_000 : 1_000;
const SEED = Number(process.env["IMCLOUD_SEED"] ?? Date.now() % 2 ** 31);
/** Each ends the session that the others need. */
const ENDS = /logout|deactivate|account\/password|delete_devices|DELETE \S+\/devices\//;
/** Beside the specification's. */
const OWN = [
  "POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync",
  "PUT /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device",
  "POST /_matrix/push/v1/notify",
  "GET /_imcloud/admin/v1/users",
  "POST /_imcloud/admin/v1/registration-tokens",
  "POST /_imcloud/admin/v1/invitations",
];

let server: TestServer;
let alice: Person;
let bob: Person;
let room: string;
let event: string;

beforeAll(async () => {
  [server, alice, bob] = await startWithPeople("alice", "bob");
  room = (await alice.post<{ room_id: string }>("createRoom", { preset: "public_chat" })).room_id;
  event = await alice.send(room, "something to speak of");
});
afterAll(() => server.stop());

const odd = fc.oneof(
  fc.constantFrom(
    "",
    "\0",
    "\ud800",
    "../../etc/passwd",
    "__proto__",
    "constructor",
    "1e309",
    "-1",
    "null",
    "🎉",
  ),
  fc.constantFrom(
    "9007199254740993",
    "m.room.member",
    "m.room.power_levels",
    "override",
    ".m.rule.master",
    "$none",
  ),
  fc.constantFrom("!none:hs1", "@none:hs1", "#none:hs1", "mxc://hs1/none", "x".repeat(3_000)),
  fc.string({ unit: "binary" }),
);
const NAMES = [
  ...[
    "type",
    "user",
    "user_id",
    "room_id",
    "device_id",
    "event_id",
    "password",
    "auth",
    "session",
    "identifier",
  ],
  ...[
    "membership",
    "content",
    "state_key",
    "limit",
    "filter",
    "timeout",
    "room_version",
    "preset",
    "initial_state",
  ],
  ...["creation_content", "power_level_content_override", "invite", "name", "topic", "keys", "one_time_keys"],
  ...[
    "device_keys",
    "messages",
    "actions",
    "pattern",
    "conditions",
    "kind",
    "data",
    "pushkey",
    "app_id",
    "lang",
  ],
  ...[
    "search_categories",
    "room_events",
    "search_term",
    "order_by",
    "event_context",
    "groupings",
    "lists",
    "ranges",
  ],
  ...[
    "required_state",
    "timeline_limit",
    "extensions",
    "room_subscriptions",
    "rooms",
    "sessions",
    "master_key",
  ],
  ...[
    "self_signing_key",
    "signatures",
    "notification",
    "devices",
    "m.relates_to",
    "rel_type",
    "presence",
    "typing",
  ],
  ...["score", "reason", "new_version", "tags", "order", "thread_id", "m.fully_read", "visibility", "token"],
  ...[
    "algorithm",
    "algorithms",
    "auth_data",
    "version",
    "msgtype",
    "body",
    "users",
    "events",
    "users_default",
  ],
];
const { json } = fc.letrec<{ json: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...NAMES) }, odd), tie("json"), {
    maxKeys: 6,
  }),
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    odd,
    fc.constantFrom<unknown>(0, -1, 1.5, 2 ** 53, 1e308, true, false, null),
    fc.array(tie("json"), { maxLength: 3 }),
    tie("object"),
  ),
}));
const body = fc.oneof(
  { weight: 9, arbitrary: json.map((value) => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "",
      "{",
      "null",
      "[".repeat(5_000),
      '{"a":1e999}',
      '{"__proto__":{"x":1}}',
      "\ufeff{}",
    ),
  },
);
const request = fc.record({
  operation: fc.constantFrom(
    ...[...readOperations().map(({ name }) => name), ...OWN].filter((name) => !ENDS.test(name)),
  ),
  // Of each parameter: undefined is what the room, the event and Alice are called.
  parts: fc.array(fc.option(odd, { nil: undefined, freq: 2 }), { minLength: 4, maxLength: 4 }),
  query: fc.dictionary(
    fc.constantFrom(
      "limit",
      "from",
      "to",
      "dir",
      "filter",
      "since",
      "at",
      "ts",
      "version",
      "before",
      "width",
      "only",
    ),
    odd,
    { maxKeys: 3 },
  ),
  body,
  who: fc.constantFrom("alice", "alice", "alice", "bob", "nobody"),
});

const percent = (part: string) => encodeURIComponent(part.toWellFormed());

test(
  "whatever is asked, the answer is one that the specification knows",
  async () => {
    const real: Readonly<Record<string, string>> = {
      ...{
        roomId: room,
        roomIdOrAlias: room,
        eventId: event,
        userId: alice.userId,
        deviceId: alice.deviceId,
      },
      ...{ serverName: "hs1", kind: "override", receiptType: "m.read" },
    };
    await fc.assert(
      fc.asyncProperty(request, async ({ operation, parts, query, body: text, who }) => {
        const [method = "", path = ""] = operation.split(" ");
        const given = parts.values();
        const filled = path.replaceAll(/\{(\w+)\}/g, (_hole, name: string) =>
          percent(given.next().value ?? real[name] ?? "x"),
        );
        const search = Object.entries(query).map(([name, value]) => `${name}=${percent(value)}`);
        const token = { alice: alice.token, bob: bob.token, nobody: undefined }[who];
        const response = await fetch(`${server.url}${filled}?${search.join("&")}`, {
          method,
          headers: {
            "user-agent": HOSTILE,
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
          ...(method !== "GET" && { body: text }),
        });
        const answer = await response.text();
        expect(response.status, answer).toBeLessThan(500);
        if (response.status < 400 || answer === "") return;
        const { errcode, flows } = JSON.parse(answer) as Record<string, unknown>;
        expect(typeof errcode === "string" || Array.isArray(flows), answer).toBe(true);
      }),
      { numRuns: REQUESTS, seed: SEED },
    );
    expect(await alice.get<object>("account/whoami")).toMatchObject({ user_id: alice.userId });
  },
  REQUESTS * 60,
);
