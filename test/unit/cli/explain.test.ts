/** `imcloud explain`: from remembered facts alone, with no board to be asked. */
import { expect, test } from "vitest";
import { FACTS } from "../facts.js";
import { runCli } from "./run-cli.js";

const CONFIG = `version: 1
cloud: { name: home }
boards:
  attic: { address: 127.0.0.1, port: 1, vars: { watermark: 300000000 } }
`;
const facts = { ...FACTS, packages: { "rabbitmq-server": "3.10.8-1.1" } };
const FILES = { "imcloud.yaml": CONFIG, ".imcloud/facts/attic.json": JSON.stringify(facts) };

test("a kernel setting: value, reason, source, place, formula, and how to have it otherwise", async () => {
  const { stdout, stderr, exitCode } = await runCli(["explain", "vm.swappiness"], FILES);
  expect(stdout).toMatch(/^ {4}from {6}playbooks\/tuning\.yaml:\d+$/m);
  expect(stdout.replace(/:\d+$/m, ":LINE")).toBe(`attic
  vm.swappiness = 120
    why       a card is slow; above 100 suits swap in memory
    source    kernel documentation, admin-guide/sysctl/vm; values ours
    from      playbooks/tuning.yaml:LINE
    formula   swappiness: 120 with zram, 10 with disk, else 10; vars.swap_to is zram
    override  vars: { sysctl: { vm.swappiness: … } }
    override  vars: { swappiness: … }
`);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
});

test("a setting in a file: its comment is the reason, and imcloud.yaml is named where it decides", async () => {
  const { stdout } = await runCli(["explain", "vm_memory_high_watermark.absolute"], FILES);
  expect(stdout.replace(/:\d+$/m, ":LINE")).toBe(`attic
  vm_memory_high_watermark.absolute = 300000000
    why       Publishers wait above this; it is no cap, so half of the memory stays for everybody else.
    in        /etc/rabbitmq/conf.d/60-imcloud-limits.conf
    from      playbooks/rabbitmq.yaml:LINE
    formula   watermark: as imcloud.yaml has it
    override  vars: { watermark: … }
`);
});

test("a file: its whole text, then its settings one by one", async () => {
  const { stdout } = await runCli(["explain", "/etc/rabbitmq/conf.d/60-imcloud-limits.conf"], FILES);
  expect(stdout).toContain("    | disk_free_limit.absolute = 1073741824\n");
  expect(stdout).toContain("\n  disk_free_limit.absolute = 1073741824\n    why       Publishers also wait");
  expect(stdout).toContain(
    "    formula   disk_free: 268435456 up to 1100 MiB of memory, 671088640 up to 2200 MiB of memory, else 1073741824; facts.ramMb is 3796\n",
  );
});

test("everything, a line each; secrets are ***, and none is made for it", async () => {
  const { stdout, stderr } = await runCli(["explain"], FILES);
  expect(stdout).toContain("\n  net.core.somaxconn = 4096 (everybody reconnects at once");
  expect(stdout).toContain("\n  /etc/imcloud/secrets/amqp = ***\n");
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(stderr).toBe("");
});

test("what depends on a version that is not there yet says so", async () => {
  const bare = { ...FILES, ".imcloud/facts/attic.json": JSON.stringify(FACTS) };
  const { stdout } = await runCli(["explain", "/etc/rabbitmq/conf.d/60-imcloud-limits.conf"], bare);
  expect(stdout).toContain("    not yet   rabbitmq-server is not installed yet\n");
});

test("a reason in a playbook of one's own, for programs", async () => {
  const own = {
    "imcloud.yaml": `${CONFIG}playbooks: [own]\n`,
    "playbooks/own.yaml":
      'description: Own\nvars: { size: 9 }\ntasks:\n  - file: { path: /etc/own, content: "size {{ vars.size }}" }\n    why: "for {{ board.name }}"\n    source: own(5)\n',
    ".imcloud/facts/attic.json": JSON.stringify(facts),
  };
  const { stdout } = await runCli(["explain", "--json"], own);
  expect(JSON.parse(stdout)).toEqual({
    version: 1,
    boards: {
      attic: {
        values: [
          {
            subject: "/etc/own",
            resource: "file:/etc/own",
            value: "size 9",
            why: "for attic",
            source: "own(5)",
            from: { file: "playbooks/own.yaml", line: 4 },
            uses: [{ variable: "size", rule: "9", override: "vars: { size: … }" }],
          },
        ],
      },
    },
  });
});

test("a name that is none: 64, and the one that was meant", async () => {
  expect(await runCli(["explain", "vm.swapiness"], FILES)).toEqual({
    exitCode: 64,
    stdout: "",
    stderr:
      "error[cli.usage]: imcloud sets nothing that is called `vm.swapiness`\n  found     vm.swapiness\nhint: did you mean `vm.swappiness`?\n",
  });
});

test("a board that nobody remembers is asked", async () => {
  const { exitCode, stderr } = await runCli(["explain"], { "imcloud.yaml": CONFIG });
  expect(exitCode).toBe(69);
  expect(stderr).toContain("attic: reading facts\nerror[board.unreachable]");
});
