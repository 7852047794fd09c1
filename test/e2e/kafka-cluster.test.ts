/**
 * Three boards, one Kafka: what is confirmed is on two of them at least, so one may lose its power.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { virtualBoards, type VirtualBoard, type VirtualBoards } from "../../src/lab/virtual-board.js";
import { kafkaRelease } from "../server/jars.js";
import { twoPeopleChat } from "./chat.js";
import { untilRead } from "./kafka-consumer.js";
import { operator, type Operator } from "./operator.js";

const NAMES = ["kitchen", "attic", "cellar"] as const;

let boards: VirtualBoards;
let home: Operator;
beforeAll(async () => {
  const { archive, sha512 } = await kafkaRelease("4.3.1");
  boards = await virtualBoards([...NAMES], { packages: ["openjdk-17-jre-headless"], memoryMb: 2_000 });
  const of = ({ name, address, port, user, sshKeyPath, fingerprint }: VirtualBoard) => [
    name,
    {
      ...{ address, port, user, identityFile: sshKeyPath, hostKey: fingerprint },
      playbooks: name === "kitchen" ? ["kafka", "imserver"] : ["kafka"],
    },
  ];
  home = await operator({
    boards,
    config: {
      cloud: { name: "home", broker: "kafka" },
      kafka: { archive, sha512, cluster: NAMES },
      boards: Object.fromEntries(boards.map(of)) as object,
    },
  });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await boards[Symbol.asyncDispose]();
});

const boardOf = (name: (typeof NAMES)[number]): VirtualBoard =>
  boards.find((board) => board.name === name) ?? expect.fail(`no board ${name}`);

const topic = async (on: VirtualBoard): Promise<string> =>
  on.sh("imcloud-kafka topics --bootstrap-server localhost:9092 --describe --topic imcloud.events");

describe("three boards with `kafka.cluster`", () => {
  test("one `apply` makes them one cluster, and the second has nothing to do", async () => {
    const first = await home.imcloud("apply", "--yes", "--json");
    expect(first.exitCode, first.stderr).toBe(0);
    expect(await home.imcloud("plan")).toMatchObject({ exitCode: 0 });

    const described = await topic(boardOf("attic"));
    expect(described).toContain("ReplicationFactor: 3");
    expect(described).toContain("min.insync.replicas=2");
    const quorum = await boardOf("cellar").sh(
      "imcloud-kafka quorum --bootstrap-server localhost:9092 describe --replication",
    );
    expect(quorum.match(/\b(Leader|Follower)\b/g)?.toSorted()).toEqual(["Follower", "Follower", "Leader"]);
  });

  test("nobody comes in without the password", async () => {
    const asked = await boardOf("attic").sh(
      'cd /etc/kafka && sed \'s/password="[^"]*"/password="guess"/\' client.properties > /tmp/client && chmod 644 /tmp/client && ' +
        "mv client.properties kept && cp /tmp/client client.properties; " +
        "imcloud-kafka topics --bootstrap-server localhost:9092 --list 2>&1 || echo refused; mv kept client.properties",
    );
    expect(asked).toContain("refused");
    expect(asked).toMatch(/[Aa]uthentication failed|Invalid username or password/);
    const plain = await boardOf("attic").sh(
      "printf 'hello\\n' | timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/9092; cat >&3; cat <&3' | wc -c",
    );
    expect(Number(plain)).toBeLessThan(16);
  });

  test("with one board without power people chat on, and no event is lost", async () => {
    const before = (await twoPeopleChat(boardOf("kitchen"), home)).sent;
    await untilRead(boardOf("cellar"), before);
    await boardOf("attic").cutPower();
    const meanwhile = (await twoPeopleChat(boardOf("kitchen"), home)).sent;
    await untilRead(boardOf("cellar"), [...before, ...meanwhile]);
    expect(await boardOf("kitchen").sh("imcloud-server probe --json")).toContain(
      "3 of 3 partitions of `imcloud.events` have fewer copies than they should",
    );

    // It comes back, and catches up.
    await boardOf("attic").restorePower();
    for (const deadline = Date.now() + 90_000; ;) {
      const isr = [...(await topic(boardOf("cellar"))).matchAll(/Isr: (\S+)/g)].map(([, ids = ""]) => ids);
      if (isr.length === 3 && isr.every((ids) => ids.split(",").length === 3)) break;
      if (Date.now() > deadline) throw new Error(`not all copies are back after 90 s: ${isr.join(" ")}`);
    }
    await untilRead(boardOf("attic"), [...before, ...meanwhile]);
    expect(await boardOf("kitchen").sh("imcloud-server probe --json")).not.toContain("warning");
    expect(await home.imcloud("plan")).toMatchObject({ exitCode: 0 });
  });
});
