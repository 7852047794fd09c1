/**
 * The whole way with Kafka: a real broker, whose archive comes from a mirror; people chat, and Kafka's own consumer
 * reads every event back, also those of before a restart.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { kafkaRelease } from "../server/jars.js";
import { operator, type Operator } from "./operator.js";
import { settledFiles } from "./wishes.js";

const CLIENTS = join(packageRoot(), "test", "clients");
const VERSION = "4.3.1";

let board: VirtualBoard;
let home: Operator;
let mirror: Server;
let bare: ReadonlySet<string>;
beforeAll(async () => {
  const archive = await kafkaRelease(VERSION);
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
        sha512: createHash("sha512")
          .update(await readFile(archive))
          .digest("hex"),
      },
    },
  });
});
afterAll(async () => {
  mirror.close();
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
});

const secret = async (name: string): Promise<string> => {
  const all = parse(await home.read("imcloud.secrets.yaml")) as Readonly<Record<string, string>>;
  return all[name] ?? "";
};

/** Everything in the topic, as Kafka's own consumer prints it: key, tab, value. */
async function records(): Promise<
  readonly { readonly key: string; readonly event: { event_id: string; type: string } }[]
> {
  const printed = await board.sh(
    "imcloud-kafka consume --bootstrap-server 127.0.0.1:9092 --topic imcloud.events --from-beginning " +
      "--formatter-property print.key=true --timeout-ms 4000 2> /dev/null",
  );
  return printed.split("\n").flatMap((row) => {
    const [key = "", value = ""] = row.split("\t");
    return value.startsWith("{")
      ? [{ key, event: JSON.parse(value) as { event_id: string; type: string } }]
      : [];
  });
}

/** @returns the ids of the two messages */
async function chat(): Promise<readonly string[]> {
  const { stdout } = await execa(process.execPath, [join(CLIENTS, "two-people.mjs")], {
    env: {
      BASE_URL: `https://${board.address}:8448`,
      REGISTRATION_TOKEN: await secret("registration_token"),
      NODE_EXTRA_CA_CERTS: join(home.folder, ".imcloud", "authority", "ca.pem"),
    },
    timeout: 120_000,
  });
  return [...stdout.matchAll(/\((\$[\w-]+)\)/g)].map(([, id = ""]) => id);
}

/** Consumers come to it again and again until all are there. */
async function untilRead(ids: readonly string[]): Promise<Awaited<ReturnType<typeof records>>> {
  for (const deadline = Date.now() + 60_000; ;) {
    const all = await records();
    const missing = ids.filter((id) => all.every(({ event }) => event.event_id !== id));
    if (missing.length === 0) return all;
    if (Date.now() > deadline) throw new Error(`${missing.length} events are not in the topic after 60 s`);
  }
}

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
    const before = await chat();
    await untilRead(before);

    // The server goes on without it; systemd starts it again after ten seconds.
    await board.sh("systemctl kill --signal=KILL kafka.service");
    const meanwhile = await chat();
    const all = await untilRead([...before, ...meanwhile]);

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
