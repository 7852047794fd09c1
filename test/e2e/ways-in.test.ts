/**
 * Each way into a board, and each way of being turned away: its message, its exit code, and a board as before.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ACCOUNTS, type AccountName } from "../../src/lab/accounts.js";
import { compareManifests } from "../../src/lab/manifest.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { operator, type Operator } from "./operator.js";

const playbook = '- file: { path: "/etc/{{ board.name }}.conf", content: "here\\n" }';

let board: VirtualBoard;
beforeAll(async () => {
  board = await virtualBoard("kitchen");
});
afterAll(() => board[Symbol.asyncDispose]());

/** The board as another account sees it; whatever `imcloud.yaml` says of it more or otherwise. */
async function homeOf(
  user: AccountName,
  more: object = {},
  secrets: Record<string, string> = {},
): Promise<Operator> {
  const { address, sshKeyPath, fingerprint } = board;
  const kitchen = { address, user, identityFile: sshKeyPath, hostKey: fingerprint, ...more };
  return operator({ boards: [board], playbook, secrets, config: { boards: { kitchen } } });
}

test.each<[string, AccountName, object, Record<string, string>]>([
  ["a key, and sudo without password", "pi", {}, {}],
  ["a key, and sudo with password", "worker", {}, { sudo_password: ACCOUNTS.worker.password }],
  [
    "a password, and sudo without one",
    "fresh",
    { identityFile: "/dev/null" },
    { ssh_password: ACCOUNTS.fresh.password },
  ],
])("%s: the board gets what it should have", async (_way, user, more, secrets) => {
  await using home = await homeOf(user, more, secrets);
  await board.sh("rm -rf /etc/kitchen.conf /var/lib/imcloud");
  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, run.stderr).toMatchObject({ exitCode: 0 });
  expect(await board.sh("cat /etc/kitchen.conf")).toBe("here");
  const again = await home.imcloud("plan", "--json");
  expect(again, again.stderr).toMatchObject({ exitCode: 0 });
});

const wrongKey = `SHA256:${"A".repeat(43)}`;

test.each<[string, AccountName, object, Record<string, string>, string, number]>([
  ["no sudo at all", "nosudo", {}, { sudo_password: ACCOUNTS.nosudo.password }, "board.sudo-refused", 77],
  ["a wrong sudo password", "worker", {}, { sudo_password: "wrong" }, "board.sudo-refused", 77],
  ["no sudo password to be had", "worker", {}, {}, "board.sudo-refused", 77],
  [
    "a wrong SSH password",
    "fresh",
    { identityFile: "/dev/null" },
    { ssh_password: "wrong" },
    "board.login-refused",
    77,
  ],
  ["no login to be had", "fresh", {}, {}, "board.login-refused", 77],
  ["another host key than the pinned one", "pi", { hostKey: wrongKey }, {}, "board.host-key-changed", 76],
  ["nobody at the address", "pi", { address: "127.0.0.1", port: 1 }, {}, "board.unreachable", 69],
])("%s: says so, and changes nothing", async (_way, user, more, secrets, code, exitCode) => {
  await using home = await homeOf(user, more, secrets);
  const before = await board.manifest();
  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, run.stderr).toMatchObject({ exitCode });
  expect(run.json["boards"]).toMatchObject({ kitchen: { outcome: "failed", error: { code } } });
  expect(run.stderr).toContain("hint: ");
  expect(compareManifests(before, await board.manifest())).toEqual([]);
});
