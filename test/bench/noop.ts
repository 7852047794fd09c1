/**
 * What it costs to find that there is nothing to do: the run that happens most often.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { virtualBoards, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { operator } from "../e2e/operator.js";
import { Ansible, ANSIBLE_PACKAGES } from "./ansible.js";
import { compared, inTurns, PAIRS, timed, type Bench } from "./metric.js";
import { apply, settle } from "./settled.js";

const PLAYBOOK = join(packageRoot(), "test", "bench", "noop", "imcloud.yaml");
const BOARDS = 10;

export const noop: Bench = {
  name: "noop",
  summary:
    "nothing to change, ten resources, 1 and 10 boards: against Ansible, and against a bare `ssh BOARD true`",

  async run(report, say) {
    const names = Array.from({ length: BOARDS }, (_, index) => `noop${index + 1}`);
    await using all = await virtualBoards(names, { packages: ANSIBLE_PACKAGES });

    const one = all.slice(0, 1);
    await using first = await home(one);
    say("applying once");
    await settle(first);
    const ssh = await inTurns(
      PAIRS * 2,
      () => timed(() => apply(first)),
      () => timed(() => bareSsh(one)),
    );
    report(compared({ bench: "noop", metric: "1 board / ssh true", unit: "ms", goal: { atMost: 3 } }, ssh));

    for (const some of [one, all]) {
      await using cloud = await home(some);
      await using ansible = await Ansible.prepare(some, say);
      say(`applying once, with both, to ${some.length}`);
      await settle(cloud);
      await ansible.run();
      if ((await ansible.run()) > 0) throw new Error("Ansible's playbook and imcloud's disagree");
      const pairs = await inTurns(
        PAIRS,
        () => timed(() => apply(cloud)),
        () => timed(() => ansible.run()),
      );
      const metric = `${some.length} board${some.length === 1 ? "" : "s"} / ansible`;
      report(compared({ bench: "noop", metric, unit: "ms", goal: { atMost: 1 / 20 } }, pairs));
    }
  },
};

async function home(boards: readonly VirtualBoard[]) {
  const files = { "playbooks/noop.yaml": await readFile(PLAYBOOK, "utf8") };
  return operator({ boards, playbooks: ["noop"], files });
}

async function bareSsh(boards: readonly VirtualBoard[]): Promise<void> {
  for (const { user, address, sshKeyPath, knownHostsPath } of boards) {
    const options = [
      "-F",
      "none",
      "-i",
      sshKeyPath,
      "-o",
      `UserKnownHostsFile=${knownHostsPath}`,
      "-o",
      "BatchMode=yes",
    ];
    await execa("ssh", [...options, `${user}@${address}`, "true"]);
  }
}
