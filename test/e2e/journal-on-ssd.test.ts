/**
 * The journal on another disk: what it had is still there, what comes is written there, and without the disk it is in
 * memory and not on the card. The disk is a file with ext4 in it, mounted as a loop.
 */
import { expect, test } from "vitest";
import { journalFolder } from "./journal.js";
import { operator } from "./operator.js";
import { boardWithDisk } from "./second-disk.js";

const MOVE = `description: the journal goes to another disk
tasks:
  - package: { names: [rsync] }
  - include: ssd-journal
`;

test("the journal moves to the disk with what it has, and goes on in memory when that is away", async () => {
  await using board = await boardWithDisk("logger", "1G");
  await using home = await operator({
    boards: [board],
    playbooks: ["move"],
    files: { "playbooks/move.yaml": MOVE },
  });
  const say = (what: string) => board.sh(`logger -t mark ${what}; journalctl --sync`);
  const marks = async () => (await board.sh("journalctl -q -o cat -t mark")).split("\n");
  const written = () => journalFolder(board);

  await board.sh("mkdir -p /var/log/journal; systemctl restart systemd-journald; journalctl --flush");
  await say("before");
  expect(await written()).toBe("/var/log/journal");
  const moved = await home.imcloud("apply", "--yes");
  expect(moved.exitCode, moved.stderr).toBe(0);
  await say("after");
  expect(await board.sh("findmnt -no SOURCE /var/log/journal | sed 's/^[^[]*//'")).toBe("[/var-log-journal]");
  expect(await written()).toBe("/var/log/journal");
  expect(await marks()).toEqual(["before", "after"]);
  expect((await home.imcloud("plan")).exitCode).toBe(0);

  // A newer journald, as an upgrade brings it, begins on the disk as well.
  await board.sh("systemctl restart systemd-journald");
  await say("restarted");
  expect(await written()).toBe("/var/log/journal");

  // As systemd does it where the disk is gone.
  await board.sh("systemctl stop var-log-journal.mount");
  await say("away");
  expect(await written()).toBe("/run/log/journal");
  expect(await board.sh("ls -A /var/log/journal")).toBe("");
  expect((await home.imcloud("plan")).exitCode).toBe(2);
  const back = await home.imcloud("apply", "--yes");
  expect(back.exitCode, back.stderr).toBe(0);
  expect(await written()).toBe("/var/log/journal");
  expect(await marks()).toEqual(["before", "after", "restarted", "away"]);

  const destroyed = await home.imcloud("destroy", "logger", "--yes", "logger", "--purge-data");
  expect(destroyed.exitCode, destroyed.stderr).toBe(0);
  expect(
    await board.sh(
      "ls -d /srv/ssd/var-log-journal /etc/systemd/system/imcloud-journal.service 2> /dev/null || :; grep -c x-imcloud /etc/fstab || :",
    ),
  ).toBe("0");
  await say("destroyed");
  expect(await marks()).toContain("destroyed");
}, 300_000);
