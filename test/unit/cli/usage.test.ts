/** What people get wrong on the command line, and what imcloud says: the whole message and the exit code. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { runCli } from "./run-cli.js";

const CONFIG =
  "version: 1\ncloud: { name: home }\nboards:\n  attic: { address: 127.0.0.1, port: 1, tags: [ssd] }\n";
const FILES = { "imcloud.yaml": CONFIG };

type Case = readonly [
  title: string,
  args: readonly string[],
  exitCode: number,
  stderr: string,
  files?: Readonly<Record<string, string>>,
];

const CASES: readonly Case[] = [
  [
    "a mistyped command",
    ["aply"],
    64,
    "error[cli.usage]: unknown command `aply`\nhint: did you mean `apply`?\n",
  ],
  [
    "an unknown command",
    ["juggle"],
    64,
    "error[cli.usage]: unknown command `juggle`\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "a mistyped option",
    ["plan", "--jsn"],
    64,
    "error[cli.usage]: unknown option `--jsn`\nhint: did you mean `--json`?\n",
  ],
  [
    "an option without its value",
    ["plan", "--out"],
    64,
    "error[cli.usage]: option `--out <file>` argument missing\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "too many words",
    ["facts", "attic"],
    64,
    "error[cli.usage]: too many arguments for `facts`. Expected 0 arguments but got 1.\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "no command to run",
    ["exec"],
    64,
    "error[cli.usage]: missing required argument `command`\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "a number that is none",
    ["plan", "--parallel", "many"],
    64,
    "error[cli.usage]: option `--parallel <count>` argument `many` is invalid. It must be a whole number from 1 to 9999.\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "an unknown format",
    ["health", "--format", "xml"],
    64,
    "error[cli.usage]: option `--format <format>` argument `xml` is invalid. Allowed choices are table, json, prometheus, junit.\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "an unknown shell",
    ["completion", "tcsh"],
    64,
    "error[cli.usage]: command-argument value `tcsh` is invalid for argument `shell`. Allowed choices are bash, zsh, fish.\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "flags that exclude each other",
    ["init", "--local", "--lab"],
    64,
    "error[cli.usage]: option `--local` cannot be used with option `--lab`\nhint: run `imcloud help` to see what there is\n",
  ],

  [
    "no imcloud.yaml",
    ["plan"],
    65,
    "error[config.unreadable]: there is no `imcloud.yaml`\nhint: run `imcloud init` to make one, or name another with `--config`\n",
    {},
  ],
  [
    "another file that is not there",
    ["plan", "--config", "school.yaml"],
    65,
    "error[config.unreadable]: there is no `school.yaml`\nhint: run `imcloud init` to make one, or name another with `--config`\n",
  ],
  [
    "a selector that selects nothing",
    ["plan", "--on", "atic"],
    64,
    "error[cli.usage]: `--on atic` selects no board of `imcloud.yaml`\n  found     atic\n  expected  one of attic, @ssd\nhint: did you mean `attic`?\n",
  ],
  [
    "a selector that is empty, as a variable of a script may be",
    ["plan", "--on", ""],
    64,
    "error[cli.usage]: option `--on <selector...>` argument `` is invalid. It must name a board, a group or an @tag.\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "a selector of commas alone",
    ["plan", "--on", ","],
    64,
    "error[cli.usage]: option `--on <selector...>` argument `,` is invalid. It must name a board, a group or an @tag.\nhint: run `imcloud help` to see what there is\n",
  ],
  [
    "nobody to ask before an apply",
    ["apply"],
    64,
    "made `amqp_password`, `registration_token`, `probe_password` and put them into ./imcloud.secrets.yaml\nerror[cli.missing-answer]: nobody is there to be asked: Apply these changes?\n  expected  --yes\nhint: give --yes\n",
  ],
  [
    "nobody to ask before a rollback",
    ["rollback"],
    64,
    "error[cli.missing-answer]: nobody is there to be asked: Undo the last apply on attic?\n  expected  --yes\nhint: give --yes\n",
  ],
  [
    "destroying nothing in particular",
    ["destroy"],
    64,
    "error[cli.missing-answer]: which boards are to be destroyed?\n  expected  a board, a group or an @tag\nhint: name them: `imcloud destroy NAME`\n",
  ],
  [
    "nobody to type the name",
    ["destroy", "attic"],
    64,
    "error[cli.missing-answer]: nobody is there to be asked: Everything imcloud did goes, data stay. Type the board's name (attic) to go on:\n  expected  --yes attic\nhint: give --yes attic\n",
  ],
  [
    "another board's name",
    ["destroy", "attic", "--yes", "shed"],
    64,
    "error[cli.missing-answer]: nobody is there to be asked: Everything imcloud did goes, data stay. Type the board's name (attic) to go on:\n  expected  --yes attic\nhint: give --yes attic\n",
  ],
  [
    "nobody to say where the board is",
    ["init"],
    64,
    "error[cli.missing-answer]: nobody is there to be asked: where is the board?\n  expected  --address, --local, --lab or --flash\nhint: give --address, --local, --lab or --flash\n",
    {},
  ],
  [
    "init where there is a cloud",
    ["init", "--local"],
    64,
    "error[cli.usage]: there is a cloud here already: `imcloud.yaml`\nhint: change that file and run `imcloud apply`, or start in an empty folder\n",
  ],
  [
    "a name that no cloud can have",
    ["init", "--local", "--name", "Our Home"],
    64,
    "error[cli.usage]: `--name Our Home` is not what is allowed there\n  found     Our Home\n  expected  lower-case letters, digits and hyphens, at most 63 (it becomes a host name)\nhint: choose another\n",
    {},
  ],
  [
    "a port that is none",
    ["init", "--address", "127.0.0.1", "--port", "ssh"],
    64,
    "error[cli.usage]: option `--port <port>` argument `ssh` is invalid. It must be a port from 1 to 65535.\nhint: run `imcloud help` to see what there is\n",
    {},
  ],
  [
    "a fingerprint of another kind",
    ["init", "--address", "127.0.0.1", "--host-key", "MD5:aa:bb"],
    64,
    "error[cli.usage]: option `--host-key <fingerprint>` argument `MD5:aa:bb` is invalid. It must be as `ssh-keygen -lf` prints it, SHA256: and 43 characters.\nhint: run `imcloud help` to see what there is\n",
    {},
  ],
  [
    "an account without password",
    ["user", "add", "ada"],
    64,
    "error[cli.missing-answer]: no password for `ada`\n  expected  --generate, or IMCLOUD_USER_PASSWORD\nhint: give --generate, or the password in IMCLOUD_USER_PASSWORD\n",
  ],
  [
    "an account that cannot be",
    ["user", "add", "Ada L"],
    64,
    "error[cli.usage]: `Ada L` cannot be the name of an account\n  found     Ada L\n  expected  lower-case letters, digits and . _ = - / +\nhint: choose another name\n",
  ],
  [
    "a plan that is not there",
    ["apply", "plan.json"],
    65,
    "made `amqp_password`, `registration_token`, `probe_password` and put them into ./imcloud.secrets.yaml\nerror[config.unreadable]: there is no plan `plan.json`\nhint: save one with `imcloud plan --out FILE`\n",
  ],
  [
    "a plan that is none",
    ["apply", "plan.json"],
    65,
    "error[config.invalid]: `plan.json` is not a plan of this version of imcloud\n  at        plan.json:1\nhint: save one with `imcloud plan --out FILE`\n",
    { "imcloud.yaml": `${CONFIG}playbooks: [base]\n`, "plan.json": "[1, 2]" },
  ],
  [
    "a plan of another fleet",
    ["apply", "plan.json"],
    65,
    "error[config.invalid]: the plan names a board that imcloud.yaml does not have\n  at        plan.json:1\n  found     shed\n  expected  one of attic\nhint: make a new plan\n",
    {
      "imcloud.yaml": `${CONFIG}playbooks: [base]\n`,
      "plan.json": '{"version":1,"boards":{"shed":{"digest":"x"}}}',
    },
  ],
  [
    "a plan of boards that could not be reached",
    ["apply", "plan.json"],
    65,
    "error[config.invalid]: `plan.json` has a plan for none of these boards\n  at        plan.json:1\n  found     a plan for no board at all\n  expected  attic\nhint: make a new plan, and see that it names them\n",
    {
      "imcloud.yaml": `${CONFIG}playbooks: [base]\n`,
      "plan.json": '{"version":1,"boards":{"attic":{"outcome":"failed"}}}',
    },
  ],
  [
    "an unknown virtual system",
    ["lab", "up", "--suite", "debian-bokworm"],
    64,
    "error[cli.usage]: `--suite debian-bokworm` is not what is allowed there\n  found     debian-bokworm\n  expected  one of debian-bookworm, debian-trixie, ubuntu-jammy, ubuntu-noble\nhint: did you mean `debian-bookworm`?\n",
  ],

  [
    "a board that does not answer",
    ["facts"],
    69,
    "attic: connecting to 127.0.0.1\nattic: failed: `attic` does not answer at 127.0.0.1 port 1\nerror[board.unreachable]: `attic` does not answer at 127.0.0.1 port 1\n  at        imcloud.yaml:4:3, boards.attic\n  found     connection refused: nothing listens there\nhint: switch the SSH server on (an empty file `ssh` on the boot partition does it), or set `port`\n",
  ],
  [
    "the same, quietly",
    ["facts", "--quiet"],
    69,
    "error[board.unreachable]: `attic` does not answer at 127.0.0.1 port 1\n  at        imcloud.yaml:4:3, boards.attic\n  found     connection refused: nothing listens there\nhint: switch the SSH server on (an empty file `ssh` on the boot partition does it), or set `port`\n",
  ],
];

test.each(
  CASES.map(([title, args, exitCode, stderr, files = FILES]) => ({ title, args, exitCode, stderr, files })),
)("$title: $exitCode", async ({ args, exitCode, stderr, files }) => {
  const ended = await runCli(args, files);
  expect(ended.stderr).toBe(stderr);
  expect(ended.exitCode).toBe(exitCode);
  expect(ended.stdout).toBe("");
});

describe("with --json stdout is one document, whatever happens", () => {
  test.each([
    [["plan", "--json"], {}, 65, { error: { code: "config.unreadable" } }],
    [["plan", "--json", "--jsn"], FILES, 64, { error: { code: "cli.usage" } }],
    [
      ["facts", "--json"],
      FILES,
      69,
      {
        version: 1,
        boards: { attic: { outcome: "failed", error: { code: "board.unreachable", at: { line: 4 } } } },
      },
    ],
    [
      ["health", "--json"],
      FILES,
      3,
      {
        version: 1,
        verdict: "critical",
        boards: { attic: { findings: [{ check: "reachable", verdict: "critical" }] } },
      },
    ],
  ])("%j", async (args, files, exitCode, document) => {
    const ended = await runCli(args, files);
    expect(JSON.parse(ended.stdout)).toMatchObject(document);
    expect(ended.exitCode).toBe(exitCode);
  });
});

test("asked for help or the version, it ends with 0 and says it on stdout", async () => {
  const help = await runCli(["--help"]);
  expect(help).toMatchObject({ exitCode: 0, stderr: "" });
  expect(help.stdout).toMatch(/^Usage: imcloud/);
  const command = await runCli(["plan", "--help"]);
  expect(command).toMatchObject({ exitCode: 0, stderr: "" });
  expect(command.stdout).toContain("Examples:");
  const version = await runCli(["--version"]);
  expect(version).toMatchObject({ exitCode: 0, stderr: "" });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([[[]], [["lab"]], [["help", "bake"]]])(
  "%j: the help says what is missing, and nothing else does",
  async (args) => {
    const ended = await runCli(args);
    expect(ended).toMatchObject({ exitCode: 64, stdout: "" });
    expect(ended.stderr).toMatch(/^Usage: imcloud/);
    expect(ended.stderr).not.toContain("error[");
  },
);

test.each(["", "0", "false", "No"])("IMCLOUD_YES=%s is no yes", async (value) => {
  const ended = await runCli(["rollback"], FILES, { IMCLOUD_YES: value });
  expect(ended.exitCode).toBe(64);
  expect(ended.stderr).toContain("error[cli.missing-answer]");
  expect((await runCli(["rollback"], FILES, { IMCLOUD_YES: "1" })).exitCode).toBe(69);
});

test("Ctrl-C ends the wait for a board that says nothing", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const config = CONFIG.replace("port: 1,", `port: ${port},`);
  silent.once("connection", () => setTimeout(() => process.emit("SIGINT"), 50));
  const ended = await runCli(["facts"], { "imcloud.yaml": config });
  expect(ended.exitCode).toBe(69);
  expect(ended.stderr).toContain("  found     stopped by the operator");
  silent.close();
});

test("variables that are there and empty count for nothing", async () => {
  const names = ["CONFIG", "ON", "PARALLEL", "SSH_USER", "SSH_PORT", "SSH_KEY", "SSH_PASSWORD", "HOST_KEY"];
  const empty = Object.fromEntries(names.map((name) => [`IMCLOUD_${name}`, ""]));
  expect(await runCli(["facts"], FILES, empty)).toEqual(await runCli(["facts"], FILES));
});

test("a CI job makes no secrets that the next one would make anew, unless the cloud is thrown away", async () => {
  const ended = await runCli(["apply", "--yes"], FILES, { CI: "true" });
  expect(ended.exitCode).toBe(65);
  expect(ended.stderr).toBe(
    "error[config.secret-missing]: a CI job keeps no files: what it makes now, the next one would make anew\n" +
      "  expected  IMCLOUD_SECRET_AMQP_PASSWORD, IMCLOUD_SECRET_REGISTRATION_TOKEN, IMCLOUD_SECRET_PROBE_PASSWORD, .imcloud/authority\n" +
      "hint: give them to the job as docs/ci.md says, or set IMCLOUD_EPHEMERAL=1 for a cloud that is thrown away\n",
  );
  const thrownAway = await runCli(["apply", "--yes"], FILES, { CI: "true", IMCLOUD_EPHEMERAL: "1" });
  expect(thrownAway.exitCode).toBe(69);
});
