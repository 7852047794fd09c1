/**
 * Kafka of the line for old Javas, from a file of the operator's, alone on a small board: its topics, and its storage,
 * which is made once and never again.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { kafkaRelease } from "../server/jars.js";
import { operator, type Operator } from "./operator.js";

let board: VirtualBoard;
let home: Operator;
beforeAll(async () => {
  const { archive, sha512 } = await kafkaRelease("3.9.1");
  const config = {
    cloud: { name: "home", broker: "kafka" },
    kafka: { archive, sha512 },
    playbooks: ["kafka", "topics"],
  };
  board = await virtualBoard("pi-1", {
    packages: ["openjdk-17-jre-headless"],
    memoryMb: 1_000,
    memoryLimited: true,
  });
  home = await operator({ boards: [board], config, files: { "playbooks/topics.yaml": topics({}) } });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
});

/** A topic of the operator's own, beside imcloud's. */
const topics = (more: object) =>
  stringify({
    description: "Own topics",
    tasks: [
      {
        "kafka-topic": {
          name: "own",
          partitions: 2,
          config: { "retention.ms": 60_000, "cleanup.policy": "compact,delete" },
          ...more,
        },
      },
    ],
  });

const describeTopic = async () =>
  board.sh("imcloud-kafka topics --bootstrap-server 127.0.0.1:9092 --describe --topic own | head -n 1");

describe("Kafka 3.9", () => {
  test("is set up with its topics by one `apply`", async () => {
    const run = await home.imcloud("apply", "--yes", "--json");
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await board.sh("systemctl show -p Description --value kafka.service")).toBe("Kafka 3.9.1");
    expect(await board.sh("pgrep -f 'kafka.Kafka' -a")).toContain("-Xms256m -Xmx256m -XX:+UseSerialGC");
    expect(await board.sh("stat -c %U:%G /opt/imcloud/kafka/kafka_2.13-3.9.1/libs")).toBe("root:root");
    const described = await describeTopic();
    expect(described).toContain("PartitionCount: 2");
    for (const setting of ["retention.ms=60000", "cleanup.policy=compact,delete"])
      expect(described).toContain(setting);
    expect((await home.imcloud("plan")).exitCode).toBe(0);
  });

  test("no line of its settings is unknown to it, and its log is short", async () => {
    const said = await board.sh("journalctl -u kafka.service -o cat");
    expect(said).toContain("Kafka Server started");
    expect(said).not.toMatch(/unknown config|Unknown|ERROR/i);
    expect(said.split("\n").length).toBeLessThan(60);
  });

  test("a topic is changed to what is asked for; what is not asked for any more goes", async () => {
    await home.write("playbooks/topics.yaml", topics({ partitions: 4, config: { "retention.ms": 90_000 } }));
    const plan = await home.imcloud("plan", "--json");
    expect(plan.json["boards"]).toMatchObject({
      "pi-1": { changes: [{ id: "kafka-topic:own", kind: "update" }] },
    });
    expect(await home.imcloud("apply", "--yes")).toMatchObject({ exitCode: 0 });
    const described = await describeTopic();
    expect(described).toContain("PartitionCount: 4");
    expect(described).toContain("retention.ms=90000");
    expect(described).not.toContain("compact");
    expect((await home.imcloud("plan")).exitCode).toBe(0);
  });

  test("partitions are not taken away", async () => {
    await home.write("playbooks/topics.yaml", topics({ partitions: 3, config: { "retention.ms": 90_000 } }));
    const refused = await home.imcloud("apply", "--yes");
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain(
      "the topic own has more partitions than 3, and Kafka takes none away: 4",
    );
    await home.write("playbooks/topics.yaml", topics({ partitions: 4, config: { "retention.ms": 90_000 } }));
  });

  test("storage that has lost its mark is not made anew over what it holds", async () => {
    await board.sh(
      "systemctl stop kafka.service; mv /var/lib/kafka/data/meta.properties /var/lib/kafka/kept",
    );
    const refused = await home.imcloud("apply", "--yes");
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain("/var/lib/kafka/data is there and has no meta.properties: not touched");
    expect(await board.sh("ls -d /var/lib/kafka/data/own-3")).toBe("/var/lib/kafka/data/own-3");
    await board.sh("mv /var/lib/kafka/kept /var/lib/kafka/data/meta.properties");
    expect(await home.imcloud("apply", "--yes")).toMatchObject({ exitCode: 0 });
  });

  test("after `destroy`, the next `apply` finds the data again, also for an account with another number", async () => {
    expect(await home.imcloud("destroy", "pi-1", "--yes", "pi-1")).toMatchObject({ exitCode: 0 });
    await board.sh("useradd --system later; id later");
    const again = await home.imcloud("apply", "--yes");
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await describeTopic()).toContain("PartitionCount: 4");
    expect(await board.sh("stat -c %U /var/lib/kafka/data/own-0/*.log")).toBe("kafka");
    expect((await home.imcloud("plan")).exitCode).toBe(0);
  });
});
