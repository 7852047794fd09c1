/**
 * Which Kafka a board gets, and what it runs on.
 *
 * Source: Kafka documentation, "Java Version" (brokers of 4.x need Java 17, 3.9 runs on 8 to 21) and the upgrade
 * notes of 4.0 (3.9 is the last line for older ones).
 */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { resolve } from "node:path";
import type { Source } from "../board/transport.js";
import { releaseOf, type Facts } from "../board/facts.js";
import type { Config } from "../config/load.js";
import { ImcloudError, type Origin } from "../shared/errors.js";
import { RELEASES } from "../shared/releases.js";
import { kafkaArchive, kafkaVersionIn } from "./kafka-archive.js";

/** Of each line, the release whose archive imcloud knows. */
const LINE_4 = { version: "4.3.1", java: 17 } as const;
const LINE_3 = { version: "3.9.1", java: 11 } as const;

/** What playbooks know as `cloud.kafka`. */
export interface KafkaFacts {
  readonly version: string;
  readonly java: number;
  readonly clusterId: string;
  /** The brokers that are one cluster; none where each board is for itself. */
  readonly nodes: readonly KafkaNode[];
  /** Which of them this board is; the only one, where it is for itself. */
  readonly self: KafkaNode;
}

interface KafkaNode {
  /** From 1, in the order of imcloud.yaml. */
  readonly id: number;
  readonly board: string;
  /** What the others call it; its certificate is for that. */
  readonly name: string;
  /** What they are told of the name. */
  readonly address: string;
  /** The id of its storage: all have to know all before the first one starts. */
  readonly directory: string;
}

/**
 * @throws ImcloudError `board.unsupported`, and those of {@link kafkaVersionIn} for an archive of the operator's
 */
export async function kafkaOf(
  { kafka, folder, cloud }: Pick<Config, "kafka" | "folder" | "cloud">,
  board: string,
  facts: Pick<Facts, "os">,
  nodes: readonly KafkaNode[] = [],
): Promise<KafkaFacts> {
  const release = releaseOf(facts);
  const java = RELEASES[release]?.java;
  if (java === undefined) {
    throw new ImcloudError(
      "board.unsupported",
      `\`${board}\` cannot have \`kafka\`: no Java is known for ${release}`,
      {
        expected: Object.values(RELEASES)
          .map(({ name }) => name)
          .join(", "),
        hint: "flash one of these, or set `broker: rabbitmq`",
      },
    );
  }
  const wished =
    kafka.version ??
    (kafka.archive === undefined ? undefined : await kafkaVersionIn(resolve(folder, kafka.archive)));
  const version = wished ?? (java >= LINE_4.java ? LINE_4 : LINE_3).version;
  const { java: needed } = version.startsWith("3.") ? LINE_3 : LINE_4;
  if (java < needed) {
    throw new ImcloudError("board.unsupported", `\`${board}\` cannot have Kafka ${version}`, {
      found: `Java ${java}, the newest that ${RELEASES[release]?.name ?? release} has`,
      expected: `Java ${needed} or newer`,
      hint: "set `kafka.version` to a release of the line 3.9, or flash a newer image",
    });
  }
  const alone = { id: 1, board, name: "localhost", address: "127.0.0.1", directory: "" };
  return {
    version,
    java,
    clusterId: idOf(`kafka ${cloud.serverName}`),
    nodes,
    self: nodes.find((node) => node.board === board) ?? alone,
  };
}

/**
 * The boards of `kafka.cluster`, with the names that they call each other by, and the addresses behind them: nobody
 * else tells them, so each gets them all into its /etc/hosts.
 *
 * @param factsOf what was last known of a board
 * @throws ImcloudError `config.invalid` for a board whose address nobody knows yet
 */
export async function clusterNodes(
  { kafka, boards, cloud }: Pick<Config, "kafka" | "boards" | "cloud">,
  factsOf: (board: string) => Promise<Pick<Facts, "addresses"> | undefined>,
): Promise<readonly KafkaNode[]> {
  return Promise.all(
    (kafka.cluster ?? []).map(async (name, index): Promise<KafkaNode> => {
      const board = boards.find((each) => each.name === name);
      // A zone (`fe80::1%eth0`) is an interface of the operator's machine alone.
      const isGiven = board !== undefined && isIP(board.address) > 0 && !board.address.includes("%");
      const given = isGiven ? [board.address] : [];
      const [address] = [...given, ...((await factsOf(name))?.addresses ?? [])];
      if (address === undefined) throw unknownAddress(name, board?.origin);
      const directory = idOf(`kafka storage ${cloud.serverName} ${name}`);
      return { id: index + 1, board: name, name: `${name}.home.arpa`, address, directory };
    }),
  );
}

function unknownAddress(name: string, origin: Origin | undefined): ImcloudError {
  return new ImcloudError("config.invalid", `nobody knows yet where the other brokers find \`${name}\``, {
    ...(origin !== undefined && { origin }),
    found: "a name",
    expected: "an IP address: boards do not know each other's names",
    hint: "run `imcloud facts` once, which remembers the boards' addresses; or write it into `address:`",
  });
}

/** @throws as {@link kafkaArchive} */
export function fetchKafka(
  { version }: KafkaFacts,
  { kafka, folder }: Pick<Config, "kafka" | "folder">,
  fetching: (what: string) => void,
): Promise<Source> {
  return kafkaArchive(version, kafka, folder, fetching);
}

/**
 * An id as Kafka writes them: 16 bytes in base64 for addresses.
 *
 * It follows from the server name, which is unique for a cloud and never changes: so every operator and every board
 * comes to the same one, and there is nothing to keep.
 */
function idOf(words: string): string {
  return createHash("sha256").update(`imcloud ${words}`).digest().subarray(0, 16).toString("base64url");
}
