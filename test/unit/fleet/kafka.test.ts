/** Which Kafka goes onto which release and into which cluster, and what is said where none does. */
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import { clusterNodes, kafkaOf } from "../../../src/fleet/kafka.js";

const configOf = (more = "", name = "home") =>
  readConfig(
    parseYaml(
      `version: 1\ncloud: { name: ${name}, broker: kafka }\nboards: { attic: }\n${more}`,
      "imcloud.yaml",
    ),
  );
const on = (id: string, versionId: string) => ({ os: { id, versionId, codename: "", prettyName: "" } });

test.each([
  [on("ubuntu", "18.04"), "4.3.1", 17],
  [on("raspbian", "10"), "3.9.1", 11],
  [on("debian", "11"), "4.3.1", 17],
  [on("debian", "13"), "4.3.1", 21],
])("%o gets Kafka %s on Java %i", async (facts, version, java) => {
  expect(await kafkaOf(configOf(), "attic", facts)).toMatchObject({ version, java });
});

test("`kafka` in imcloud.yaml chooses another", async () => {
  expect(await kafkaOf(configOf('kafka: { version: "3.9.0" }'), "attic", on("debian", "12"))).toMatchObject({
    version: "3.9.0",
    java: 17,
  });
});

test("Kafka 4 is refused where Java is too old for it", async () => {
  await expect(
    kafkaOf(configOf('kafka: { version: "4.0.0" }'), "attic", on("debian", "10")),
  ).rejects.toMatchObject({
    code: "board.unsupported",
    message: "`attic` cannot have Kafka 4.0.0",
    details: {
      found: "Java 11, the newest that Raspberry Pi OS buster has",
      expected: "Java 17 or newer",
      hint: expect.stringContaining("line 3.9") as string,
    },
  });
});

test("a release whose Java nobody knows is refused", async () => {
  await expect(kafkaOf(configOf(), "attic", on("debian", ""))).rejects.toMatchObject({
    code: "board.unsupported",
    message: "`attic` cannot have `kafka`: no Java is known for debian-",
  });
});

test("the cluster's id is 16 bytes, the same at every run, another for another cloud", async () => {
  const idOf = async (name: string) =>
    (await kafkaOf(configOf("", name), "attic", on("debian", "12"))).clusterId;
  expect(Buffer.from(await idOf("home"), "base64url")).toHaveLength(16);
  expect(await idOf("home")).toBe(await idOf("home"));
  expect(await idOf("home")).not.toBe(await idOf("shed"));
});

describe("three boards", () => {
  const config = readConfig(
    parseYaml(
      "version: 1\ncloud: { name: home, broker: kafka }\nkafka: { cluster: [attic, cellar, den] }\n" +
        "boards: { den: { address: 10.0.0.3 }, attic: { address: attic.lan }, cellar: { address: 'fd00::2' } }",
      "imcloud.yaml",
    ),
  );

  test("call each other by names that their certificates have, and are told the addresses behind them", async () => {
    const nodes = await clusterNodes(config, (name) =>
      Promise.resolve(name === "attic" ? { addresses: ["10.0.0.1", "172.17.0.1"] } : undefined),
    );
    expect(nodes).toMatchObject([
      { id: 1, board: "attic", name: "attic.home.arpa", address: "10.0.0.1" },
      { id: 2, board: "cellar", name: "cellar.home.arpa", address: "fd00::2" },
      { id: 3, board: "den", name: "den.home.arpa", address: "10.0.0.3" },
    ]);
    expect(new Set(nodes.map(({ directory }) => directory)).size).toBe(3);
    const { self } = await kafkaOf(config, "cellar", on("debian", "12"), nodes);
    expect(self).toEqual(nodes[1]);
  });

  test("are not told an address of the operator's own cable", async () => {
    const boards = config.boards.map((board) => ({ ...board, address: "fe80::2%eth1" }));
    const nodes = await clusterNodes({ ...config, boards }, () =>
      Promise.resolve({ addresses: ["10.0.0.9"] }),
    );
    expect(nodes.map(({ address }) => address)).toEqual(["10.0.0.9", "10.0.0.9", "10.0.0.9"]);
  });

  test("whose addresses nobody knows are refused, with the way to know them", async () => {
    await expect(clusterNodes(config, () => Promise.resolve(undefined))).rejects.toMatchObject({
      code: "config.invalid",
      message: "nobody knows yet where the other brokers find `attic`",
      details: {
        origin: { file: "imcloud.yaml", line: 4 },
        hint: expect.stringContaining("imcloud facts") as string,
      },
    });
  });
});
