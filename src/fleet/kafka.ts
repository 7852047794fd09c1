/**
 * Which Kafka a board gets, and what it runs on.
 *
 * Source: Kafka documentation, "Java Version" (brokers of 4.x need Java 17, 3.9 runs on 8 to 21) and the upgrade
 * notes of 4.0 (3.9 is the last line for older ones).
 */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { Source } from "../board/transport.js";
import { releaseOf, type Facts } from "../board/facts.js";
import type { Config } from "../config/load.js";
import { ImcloudError } from "../shared/errors.js";
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
}

/**
 * @throws ImcloudError `board.unsupported`, and those of {@link kafkaVersionIn} for an archive of the operator's
 */
export async function kafkaOf(
  { kafka, folder, cloud }: Pick<Config, "kafka" | "folder" | "cloud">,
  board: string,
  facts: Pick<Facts, "os">,
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
  return { version, java, clusterId: clusterIdOf(cloud.serverName) };
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
 * The cluster's id, as Kafka writes them: 16 bytes in base64 for addresses.
 *
 * It follows from the server name, which is unique for a cloud and never changes: so every operator and every board
 * comes to the same one, and there is nothing to keep.
 */
function clusterIdOf(serverName: string): string {
  return createHash("sha256")
    .update(`imcloud kafka ${serverName}`)
    .digest()
    .subarray(0, 16)
    .toString("base64url");
}
