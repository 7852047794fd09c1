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

  // What a running broker can be told is told to it; what it is told stays after its next start, and goes back.
  const broker = () => board.sh("systemctl show -p MainPID --value rabbitmq-server");
  const watermark = () => board.sh("rabbitmqctl -q eval 'vm_memory_monitor:get_vm_memory_high_watermark().'");
  const before = { broker: await broker(), watermark: await watermark() };
  expect(before.watermark).toBe("{absolute,1610612736}");
  await home.write("imcloud.yaml", `${await home.read("imcloud.yaml")}\nvars: { watermark: 300000000 }\n`);
  expect(await home.imcloud("apply", "--yes")).toMatchObject({ exitCode: 0 });
  expect({ broker: await broker(), watermark: await watermark() }).toEqual({
    broker: before.broker,
    watermark: "{absolute,300000000}",
  });
  await board.sh("systemctl restart rabbitmq-server");
  expect(await watermark()).toBe("{absolute,300000000}");
  expect(await home.imcloud("rollback", "--yes")).toMatchObject({ exitCode: 0 });
  expect(await watermark()).toBe("{absolute,1610612736}");
});
