/**
 * RabbitMQ's folder on another disk: from its first start on, and moved there while somebody writes into a queue.
 *
 * The disk is a file with ext4 in it, mounted as a loop: what finds and formats disks is tried where there are some
 * (test/fault/ssd.test.ts), and what `ssd` does with a folder is what is done here.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { expect, test } from "vitest";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { onBoard } from "./amqp-listener.js";
import { operator } from "./operator.js";
import { boardWithDisk } from "./second-disk.js";

const CLIENT = join(packageRoot(), "test", "clients", "amqp-writer.mjs");
const FOLDER = "/var/lib/rabbitmq";
const UNIT = "rabbitmq-server.service";
const ACCOUNT = "writer\nhush\n";
const SOME = 200;
const TIMEOUT_MS = 600_000;

/** What playbooks/ssd.yaml has of a folder that moves. */
const MOVE = `description: what the broker keeps goes to another disk
tasks:
  - package: { names: [rsync] }
  - file:
      path: /etc/systemd/system/${UNIT}.d/imcloud-ssd.conf
      content: "[Unit]\\nRequiresMountsFor=${FOLDER}\\n"
  - data-move: { path: ${FOLDER}, disk: /srv/ssd, units: [${UNIT}] }
`;

async function startWriter(board: VirtualBoard) {
  const [program = "", ...before] = await onBoard(board);
  const child = spawn(program, [...before, process.execPath, CLIENT, "letters"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(ACCOUNT);
  let confirmed = 0;
  let heard = () => undefined as void;
  let endedBy = "";
  child.once("exit", (code, signal) => {
    endedBy = `the writer ended with ${code ?? signal}`;
    heard();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    confirmed = Number(line);
    heard();
  });
  return {
    further: async (count: number) => {
      const until = confirmed + count;
      await new Promise<void>((resolve, reject) => {
        heard = () => {
          if (confirmed >= until) resolve();
          else if (endedBy !== "") reject(new Error(endedBy));
        };
        heard();
      });
    },
    /** @returns how many were confirmed */
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      return confirmed;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function readQueue(board: VirtualBoard): Promise<readonly number[]> {
  const [program = "", ...before] = await onBoard(board);
  const { stdout } = await execa(program, [...before, process.execPath, CLIENT, "letters", "read"], {
    input: ACCOUNT,
  });
  return stdout.split("\n").map(Number);
}

test(
  "a broker that begins on the disk goes with `destroy --purge-data`, and one that moves there loses no message",
  async () => {
    // More than the broker wants to be left free.
    await using board = await boardWithDisk("attic", "4G");
    await using home = await operator({
      boards: [board],
      playbooks: ["move", "rabbitmq"],
      config: { cloud: { name: "home" } },
      files: { "playbooks/move.yaml": MOVE },
    });
    const listed = await home.read("imcloud.yaml");
    const isOnDisk = () => board.sh(`findmnt -no SOURCE ${FOLDER} | sed 's/^[^[]*//'`);

    // From the first start on, and then everything again.
    const fresh = await home.imcloud("apply", "--yes");
    expect(fresh.exitCode, fresh.stderr).toBe(0);
    expect(await isOnDisk()).toBe("[/var-lib-rabbitmq]");
    const destroyed = await home.imcloud("destroy", "attic", "--yes", "attic", "--purge-data");
    expect(destroyed.exitCode, destroyed.stderr).toBe(0);
    expect(
      await board.sh(
        `ls -d ${FOLDER} /srv/ssd/var-lib-rabbitmq 2> /dev/null || :; grep -c x-imcloud /etc/fstab || :; dpkg-query -W rabbitmq-server 2> /dev/null || :`,
      ),
    ).toBe("0");

    // On the card, with a queue that somebody writes into while its folder moves.
    await home.write("imcloud.yaml", listed.replace(/^.*- move\n/m, ""));
    const onCard = await home.imcloud("apply", "--yes");
    expect(onCard.exitCode, onCard.stderr).toBe(0);
    await board.sh(
      "read -r user; read -r password; rabbitmqctl -q add_user $user $password; rabbitmqctl -q set_permissions $user '.*' '.*' '.*'",
      ACCOUNT,
    );
    await using writer = await startWriter(board);
    await writer.further(SOME);
    await home.write("imcloud.yaml", listed);
    const moved = await home.imcloud("apply", "--yes", "--json");
    expect(moved.exitCode, moved.stderr).toBe(0);
    await writer.further(SOME);
    const confirmed = await writer.stop();
    expect(await isOnDisk()).toBe("[/var-lib-rabbitmq]");

    // One whose confirmation was lost with the connection was sent again: there twice, and after the one before it.
    await board.sh(`systemctl restart ${UNIT}`);
    const letters = await readQueue(board);
    expect([...new Set(letters)].slice(0, confirmed)).toEqual(
      Array.from({ length: confirmed }, (_, index) => index + 1),
    );
    expect((await home.imcloud("plan")).exitCode).toBe(0);
  },
  TIMEOUT_MS,
);
