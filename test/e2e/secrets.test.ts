/**
 * A canary for each kind of secret: after all that a person does with a cloud, it is where it belongs and nowhere else.
 *
 * That it is found where it belongs shows that the search works; that known words are in the trace of started programs
 * shows that the tracing does.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { operator, type Operator } from "./operator.js";
import { startedOn } from "./trace.js";

const canary = (): string => `canary-${randomUUID()}`;
const USER_PASSWORD = canary();
const RENEWED = canary();
const SECRETS = {
  amqp_password: canary(),
  registration_token: canary(),
  probe_password: canary(),
  sudo_password: canary(),
  own_file: canary(),
  own_input: canary(),
};

const OWN = `
description: Secrets of the operator's own
tasks:
  - file: { path: /etc/own/token, content: "{{ secrets.own_file }}", mode: "0600" }
  - command:
      name: own input
      unless: test -e /etc/own/entered
      run: umask 077; cat > /etc/own/entered
      input: "{{ secrets.own_input }}"
`;

let folder: string;
let board: VirtualBoard;
let home: Operator;
/** The argument lists of all programs that were started on the board, in JSON, a line each. */
let started = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-secrets-"));
  // What the package brings is not of interest here, and tracing its installation takes minutes.
  board = await virtualBoard("kitchen", { user: "worker", packages: ["rabbitmq-server"] });
  await board.sh("chpasswd", `worker:${SECRETS.sudo_password}\n`);
  home = await operator({
    boards: [board],
    playbooks: ["base", "tuning", "rabbitmq", "imserver", "own"],
    secrets: SECRETS,
    files: { "playbooks/own.yaml": OWN },
  });

  await using trace = await startedOn(board, join(folder, "started"));
  const commands: readonly (readonly [expected: number, ...words: string[]])[] = [
    [0, "facts", "--json"],
    [2, "plan", "--verbose"],
    [2, "plan", "--json"],
    [2, "plan", "--out", "before.plan"],
    [0, "apply", "--yes", "--verbose"],
    [0, "plan", "--verbose"],
    [0, "health", "--json"],
    [0, "exec", "--", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"],
    [0, "user", "add", "ada"],
  ];
  for (const [expected, ...words] of commands) {
    const env = { IMCLOUD_USER_PASSWORD: USER_PASSWORD };
    const run = await home.imcloud(...words, ...(words[0] === "user" ? [{ env }] : []));
    expect(run, `${words.join(" ")}\n${run.stdout}\n${run.stderr}`).toMatchObject({ exitCode: expected });
  }
  started = await trace.end();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const SECRETS_FILE = "home:imcloud.secrets.yaml";

test.each<[string, string, readonly string[]]>([
  ["the broker's password", SECRETS.amqp_password, ["kitchen:/etc/imcloud/secrets/amqp", SECRETS_FILE]],
  [
    "the registration token",
    SECRETS.registration_token,
    ["kitchen:/etc/imcloud/secrets/registration", SECRETS_FILE],
  ],
  ["the probe's password", SECRETS.probe_password, ["kitchen:/etc/imcloud/secrets/probe", SECRETS_FILE]],
  ["the sudo password", SECRETS.sudo_password, [SECRETS_FILE]],
  ["a file of one's own", SECRETS.own_file, ["kitchen:/etc/own/token", SECRETS_FILE]],
  ["a command's input", SECRETS.own_input, ["kitchen:/etc/own/entered", SECRETS_FILE]],
  ["an account's password", USER_PASSWORD, []],
])("%s is where it belongs, and nowhere else", async (_kind, secret, places) => {
  expect(await home.tracesOf(secret)).toEqual([...places].sort());
});

test("the key of the board's certificate is where it belongs, and nowhere else", async () => {
  expect(await home.tracesOf(await keyLine())).toEqual([
    "home:.imcloud/certificates/kitchen.key",
    "kitchen:/etc/imcloud/tls/key.pem",
  ]);
});

test("no program was given a secret as an argument", async () => {
  for (const word of [
    '"import_definitions"',
    '/imcloud-server", "admin", "PUT", "/users/ada"',
    '"sudo", "-S"',
  ]) {
    expect(started).toContain(word);
  }
  const operatorToken = await board.sh("find /var/lib -name admin.token -exec cat {} +");
  expect(operatorToken).not.toBe("");
  for (const secret of [...Object.values(SECRETS), USER_PASSWORD, operatorToken, await keyLine()]) {
    expect(started.split("\n").filter((row) => row.includes(secret))).toEqual([]);
  }
});

test("nobody but those who need a secret may read it", async () => {
  const modes = await board.sh(
    "stat -c '%a %U:%G %n' /etc/imcloud/secrets/* /etc/imcloud/tls/key.pem /etc/own/* /var/lib/imcloud",
  );
  expect(modes.split("\n")).toEqual([
    "640 root:imcloud /etc/imcloud/secrets/amqp",
    "640 root:imcloud /etc/imcloud/secrets/probe",
    "640 root:imcloud /etc/imcloud/secrets/registration",
    "640 root:imcloud /etc/imcloud/tls/key.pem",
    "600 root:root /etc/own/entered",
    "600 root:root /etc/own/token",
    "700 root:root /var/lib/imcloud",
  ]);
});

test("a secret that is renewed is shown neither old nor new; the old one is kept for a rollback", async () => {
  const secrets = await home.read("imcloud.secrets.yaml");
  await home.write("imcloud.secrets.yaml", secrets.replace(SECRETS.own_file, RENEWED));
  const plan = await home.imcloud("plan", "--json");
  expect(plan, plan.stderr).toMatchObject({ exitCode: 2 });
  const apply = await home.imcloud("apply", "--yes", "--json");
  expect(apply, apply.stderr).toMatchObject({ exitCode: 0 });

  expect(await home.tracesOf(RENEWED)).toEqual([SECRETS_FILE, "kitchen:/etc/own/token"]);
  expect(await home.tracesOf(SECRETS.own_file)).toEqual([
    expect.stringMatching(/^kitchen:\/var\/lib\/imcloud\/runs\/[^/]+\/steps\/0001\/0$/),
  ]);
});

/** A line of the key itself: its frame is in every such file. */
async function keyLine(): Promise<string> {
  const line = (await home.read(".imcloud/certificates/kitchen.key")).split("\n")[1] ?? "";
  expect(line.length).toBeGreaterThan(40);
  return line;
}
