/**
 * Kafka on the next release: Debian 13's Java 21.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { kafkaRelease } from "../server/jars.js";
import { twoPeopleChat } from "./chat.js";
import { untilRead } from "./kafka-consumer.js";
import { operator, type Operator } from "./operator.js";

let board: VirtualBoard;
let home: Operator;
beforeAll(async () => {
  const { archive, sha512 } = await kafkaRelease("4.3.1");
  board = await virtualBoard("pi-13", { suite: "debian-trixie" });
  home = await operator({
    boards: [board],
    config: { cloud: { name: "home", broker: "kafka" }, kafka: { archive, sha512 } },
  });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
});

test("`apply` brings it up on the Java that the table of releases names, and then there is nothing to do", async () => {
  const first = await home.imcloud("apply", "--yes");
  expect(first.exitCode, first.stderr).toBe(0);
  const java = await board.sh("readlink /proc/$(systemctl show --property MainPID --value kafka)/exe");
  expect(java).toContain("java-21-openjdk");
  const second = await home.imcloud("apply", "--yes", "--json");
  expect(second.json["boards"]).toMatchObject({ "pi-13": { outcome: "unchanged", execs: 1 } });
});

test("its unit's commands and the JVM's options say nothing of what is gone or deprecated", async () => {
  expect(await board.sh("systemd-analyze verify kafka.service 2>&1")).toBe("");
  expect(
    await board.sh("journalctl --unit kafka --output cat | grep -i 'deprecated\\|unrecognized' || :"),
  ).toBe("");
});

test("`tune --measure` and `health` speak to it", async () => {
  const tuned = await home.imcloud("tune", "--measure", "--yes", "--json");
  expect(tuned.exitCode, tuned.stderr).toBe(0);
  const { "pi-13": figures } = tuned.json["boards"] as Record<string, { after: Record<string, number> }>;
  expect(figures?.after["brokerPerS"]).toBeGreaterThan(50);
  const { json } = await home.imcloud("health", "--json");
  const { findings } = (json["boards"] as Record<string, { findings: { check: string; verdict: string }[] }>)[
    "pi-13"
  ] ?? { findings: [] };
  const verdicts = Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
  expect(verdicts).toMatchObject({ "kafka-service": "ok", "kafka-port": "ok", "kafka-log": "ok" });
});

test("two people chat, and Kafka's own consumer reads it, also after a kill of the broker", async () => {
  const before = (await twoPeopleChat(board, home)).sent;
  expect(before).toHaveLength(2);
  await untilRead(board, before);
  await board.sh("systemctl kill --signal=KILL kafka.service");
  const meanwhile = (await twoPeopleChat(board, home)).sent;
  await untilRead(board, [...before, ...meanwhile]);
});
