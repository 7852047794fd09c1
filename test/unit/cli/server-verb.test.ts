/** Commands that ask the IM server: what they send, what they show, and what is no size or date. */
import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { makeProgram } from "../../../src/cli/program.js";
import {
  columns,
  day,
  moment,
  more,
  queryOf,
  segment,
  size,
  wholeNumber,
} from "../../../src/cli/server-verb.js";
import { userVerbs } from "../../../src/cli/user-verbs.js";
import { Secret } from "../../../src/shared/secret.js";
import { runCli } from "./run-cli.js";

const FILES = {
  "imcloud.yaml":
    "version: 1\ncloud: { name: home }\nboards:\n  attic: { address: 127.0.0.1, port: 1, playbooks: [imserver] }\n",
};
const verbs = userVerbs(() => Promise.resolve(new Secret("secret")));
const verb = (name: string) => {
  const found = verbs.find(({ words }) => words.split(" ")[0] === name);
  if (found === undefined) throw new Error(`no verb ${name}`);
  return found;
};
const terminal = undefined as never;

test.each([
  ["lock", ["ada"], {}, { method: "PUT", path: "/users/ada/lock", body: { on: true } }],
  [
    "unsuspend",
    ["@ada:home"],
    {},
    { method: "PUT", path: "/users/%40ada%3Ahome/suspend", body: { on: false } },
  ],
  ["quota", ["ada", "2G"], {}, { method: "PUT", path: "/users/ada/quota", body: { bytes: 2_147_483_648 } }],
  ["quota", ["ada", "default"], {}, { method: "PUT", path: "/users/ada/quota", body: { bytes: null } }],
  ["sign-out", ["ada", "A/B"], {}, { method: "DELETE", path: "/users/ada/devices/A%2FB" }],
  [
    "deactivate",
    ["ada"],
    { erase: true },
    { method: "POST", path: "/users/ada/deactivate", body: { erase: true } },
  ],
  ["list", [], { search: "a b", limit: 2 }, { method: "GET", path: "/users?search=a+b&limit=2" }],
] as const)("user %s asks for it", async (name, words, flags, request) => {
  expect(await verb(name).ask(words, flags, terminal)).toEqual(request);
});

test("a password travels as a secret, and nowhere else", async () => {
  const { path, body } = await verb("passwd").ask(["ada"], {}, terminal);
  expect(path).toBe("/users/ada/password");
  expect(body).toBeInstanceOf(Secret);
  expect(JSON.stringify(body)).toBe('"***"');
});

test("what is shown: columns, what is restrained, and where a list goes on", () => {
  const users = [
    { user_id: "@a:hs", created_at: 0, admin: true, locked: true },
    { user_id: "@bea:hs", created_at: 86_400_000, display_name: "Bea" },
  ];
  expect(verb("list").render?.({ users, next: "@bea:hs" })).toBe(
    "@a:hs    1970-01-01       admin, locked\n@bea:hs  1970-01-02  Bea\nmore: --from @bea:hs",
  );
  expect([columns([]), more({}), day(undefined)]).toEqual(["", "", ""]);
  expect([queryOf({ a: undefined }), segment("!a:b")]).toEqual(["", "!a%3Ab"]);
});

describe("words that are not what they should be", () => {
  test.each(["", "2T", "-1", "1.5G", "G"])("the size %j", (word) => {
    expect(() => size(word)).toThrow(InvalidArgumentError);
  });
  test.each(["", "yesterday", "24.11.2026", "2026-13-01", "5"])("the date %j", (word) => {
    expect(() => moment(word)).toThrow(InvalidArgumentError);
  });
  test.each(["0", "-1", "1e3", "x"])("the number %j", (word) => {
    expect(() => wholeNumber(word)).toThrow(InvalidArgumentError);
  });
});

test.each([
  [["user", "deactivate", "ada"], "--yes"],
  [["room", "shutdown", "!a:b"], "--yes"],
  [["media", "delete", "x"], "--yes"],
  [["room", "purge", "!a:b"], "--before <date>"],
])("%j does nothing that nobody agreed to", async (args, missing) => {
  const { exitCode, stderr, stdout } = await runCli(args, FILES);
  expect([exitCode, stdout]).toEqual([64, ""]);
  expect(stderr).toContain(missing);
});

test.each(["user", "room", "media", "token"])("every verb of %s shows an example", (name) => {
  const command = makeProgram().commands.find((one) => one.name() === name);
  for (const inner of command?.commands ?? []) {
    let help = "";
    inner.configureOutput({ writeOut: (text) => (help += text) });
    inner.outputHelp();
    expect(help).toContain(`imcloud ${name} ${inner.name()}`);
  }
  expect(command?.commands.length).toBeGreaterThan(2);
});

test("without a server to ask, it is said which board should have one", async () => {
  const { exitCode, stderr } = await runCli(["token", "list"], {
    "imcloud.yaml":
      "version: 1\ncloud: { name: home }\nboards:\n  attic: { address: 127.0.0.1, port: 1, playbooks: [base] }\n",
  });
  expect(exitCode).toBe(64);
  expect(stderr).toContain("none of these boards runs the IM server");
});
