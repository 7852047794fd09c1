/**
 * A board where RabbitMQ ran before imcloud came: afterwards it is as closed as one that imcloud installed.
 */
import { expect, test } from "vitest";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { operator } from "./operator.js";

const LISTENS = "ss -Hltn | awk '{ print $4 }' | grep -E ':(4369|5672|25672)$' | sort";

test("a broker whose Erlang has no socket for its name service is closed all the same", async () => {
  await using board = await virtualBoard("kitchen", { packages: ["rabbitmq-server"] });
  await board.sh("systemctl stop rabbitmq-server epmd.socket epmd; rm /lib/systemd/system/epmd.*");
  await board.sh("systemctl daemon-reload; systemctl start rabbitmq-server");
  expect(await board.sh(LISTENS)).toContain("0.0.0.0:4369");

  await using home = await operator({ boards: [board], playbooks: ["rabbitmq"] });
  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, run.stderr).toMatchObject({ exitCode: 0 });
  expect(await board.sh(LISTENS)).toBe("127.0.0.1:25672\n127.0.0.1:4369\n127.0.0.1:5672\n[::1]:4369");
  expect(await home.imcloud("plan")).toMatchObject({ exitCode: 0 });
});

test("a broker that was there before is closed to the network without a reboot", async () => {
  await using board = await virtualBoard("kitchen", { packages: ["rabbitmq-server"] });
  await board.sh("systemctl start rabbitmq-server");
  expect(await board.sh(LISTENS)).toContain("*:4369");

  await using home = await operator({ boards: [board], playbooks: ["rabbitmq"] });
  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, run.stderr).toMatchObject({ exitCode: 0 });
  expect(await board.sh(LISTENS)).toBe("127.0.0.1:25672\n127.0.0.1:4369\n127.0.0.1:5672");
  expect(await board.sh("epmd -names")).toContain("name rabbit at port 25672");
  expect(await home.imcloud("plan")).toMatchObject({ exitCode: 0 });
});
