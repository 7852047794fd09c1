/**
 * The whole way with Kafka: a real broker, whose archive comes from a mirror; people chat, and Kafka's own consumer
 * reads every event back, also those of before a restart.
 */
import { createReadStream } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { kafkaRelease } from "../server/jars.js";
import { twoPeopleChat } from "./chat.js";
import { untilRead } from "./kafka-consumer.js";
import { operator, type Operator } from "./operator.js";
import { settledFiles } from "./wishes.js";

const VERSION = "4.3.1";

let board: VirtualBoard;
let home: Operator;
let mirror: Server;
let bare: ReadonlySet<string>;
beforeAll(async () => {
  const { archive, sha512 } = await kafkaRelease(VERSION);
  mirror = createServer((_request, response) => createReadStream(archive).pipe(response));
  await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
  board = await virtualBoard("pi-1");
  bare = new Set(settledFiles(await board.manifest()));
  home = await operator({
    boards: [board],
    config: {
      cloud: { name: "home", broker: "kafka" },
      kafka: {
        mirror: `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/kafka/`,
        sha512,
      },
    },
  });
});
afterAll(async () => {
  mirror.close();
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
});

interface Finding {
  readonly check: string;
  readonly verdict: string;
}

interface BoardReport {
  readonly outcome: string;
  readonly waves: readonly unknown[];
}

describe("a bare board with `broker: kafka`", () => {
  test("`apply` brings everything up, and the second one has nothing to do", async () => {
    const first = await home.imcloud("apply", "--yes", "--json");
    expect(first.exitCode, first.stderr).toBe(0);
    const report = (run: typeof first) => (run.json["boards"] as Record<string, BoardReport>)["pi-1"];
    expect(report(first)?.outcome).toBe("changed");
    expect(report(first)?.waves.length).toBeLessThanOrEqual(3);

    const second = await home.imcloud("apply", "--yes", "--json");
    expect(report(second)).toMatchObject({ outcome: "unchanged", execs: 1 });
  });

  test("is healthy, and answers to the network with SSH and the IM server alone", async () => {
    const health = await home.imcloud("health", "--json");
    const { findings } = (health.json["boards"] as Record<string, { findings: Finding[] }>)["pi-1"] ?? {
      findings: [],
    };
    const verdicts = Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
    expect(verdicts).toMatchObject({
      "kafka-service": "ok",
      "kafka-port": "ok",
      "kafka-log": "ok",
      imserver: "ok",
    });
    const listening = await board.sh("ss -Hltn | awk '{ print $4 }' | grep -vF 127.0.0.1 | sort -u");
    expect(listening.split("\n").toSorted()).toEqual(
      ["0.0.0.0:22", "0.0.0.0:80", "0.0.0.0:8448", "[::]:22"].toSorted(),
    );
    expect(await board.sh("ss -Hltn | grep -c ':909[23] '")).toBe("2");
  });

  test("Kafka's own consumer reads every event, also across a kill of the broker", async () => {
    const before = (await twoPeopleChat(board, home)).sent;
    await untilRead(board, before);

    // The server goes on without it; systemd starts it again after ten seconds.
    await board.sh("systemctl kill --signal=KILL kafka.service");
    const meanwhile = (await twoPeopleChat(board, home)).sent;
    const all = await untilRead(board, [...before, ...meanwhile]);

    // A room's events are in one partition, in their order, and begin with its creation.
    const rooms = [...new Set(all.map(({ key }) => key))].map((room) =>
      all.filter(({ key }) => key === room),
    );
    const chats = rooms.filter((events) => events.some(({ event }) => event.type === "m.room.message"));
    expect(chats.length).toBeGreaterThanOrEqual(2);
    for (const events of chats)
      expect(events.slice(0, 2).map(({ event }) => event.type)).toEqual(["m.room.create", "m.room.member"]);
  });

  test("`destroy` leaves the data, and with `--purge-data` nothing", async () => {
    const kept = await home.imcloud("destroy", "pi-1", "--yes", "pi-1");
    expect(kept.exitCode, kept.stderr).toBe(0);
    expect(await board.sh("ls /var/lib/kafka")).toBe("data");
    expect(
      await board.sh("ls -d /etc/kafka /opt/imcloud /etc/systemd/system/kafka.service 2> /dev/null || :"),
    ).toBe("");
    const purged = await home.imcloud("destroy", "pi-1", "--yes", "pi-1", "--purge-data");
    expect(purged.exitCode, purged.stderr).toBe(0);
    // Java's packages keep a list of certificates' files, Debian's their accounts.
    const accounts = /^[0-9a-f]{64} {2}\/etc\/(passwd|shadow|group|gshadow)$/;
    const left = settledFiles(await board.manifest()).filter((row) => !bare.has(row) && !accounts.test(row));
    expect(left).toEqual([]);
  });
});
