/** The shipped playbooks, resolved for the facts of a release with everything that could differ held fixed. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseFacts, type Facts } from "../../../src/board/facts.js";
import type { BoardConfig } from "../../../src/config/load.js";
import type { Item } from "../../../src/engine/types.js";
import type { TlsSource } from "../../../src/config/tls.js";
import { clusterNodes, kafkaOf } from "../../../src/fleet/kafka.js";
import { welcomeOf } from "../../../src/fleet/welcome.js";
import { resolvePlaybooks } from "../../../src/playbook/resolve.js";
import { Secret } from "../../../src/shared/secret.js";

const FOLDER = join(import.meta.dirname, "..", "board", "facts");
export const FACTS_FILES: readonly string[] = readdirSync(FOLDER);
/** @param more further lines, as if the board had printed them too */
export const factsOf = (name: string, more = ""): Facts =>
  parseFacts(`${readFileSync(join(FOLDER, name), "utf8")}${more}`);

/** By broker: what a board gets that asks for nothing else. */
export const SHIPPED = {
  rabbitmq: ["base", "tuning", "card", "ssd", "rabbitmq", "imserver", "calls", "qos", "hardening"],
  kafka: ["base", "tuning", "card", "ssd", "kafka", "imserver", "calls", "qos", "hardening"],
} as const;
const CLOUD = { name: "home", serverName: "home.home.arpa", broker: "kafka" } as const;

const SECRETS = [
  ...["amqp_password", "registration_token", "probe_password", "tls_key"],
  ...["kafka_password", "kafka_client_password", "kafka_tls_key", "turn_secret", "acme_dns"],
];
const source = { path: "/dev/null", sha256: "0".repeat(64), sizeBytes: 0 };

/** @param cluster of brokers: the first named is this board; their numbers are by name
 * @param tls as `readTls` gives it */
export async function resolveShipped(
  facts: Facts,
  playbooks: readonly string[],
  vars: Readonly<Record<string, unknown>> = {},
  cluster?: readonly [string, string, string],
  tls: object = { files: null, acme: null, proxy: null, ca: "", dns: "", needsSecret: false },
): Promise<readonly Item[]> {
  const hasKafka = playbooks.includes("kafka");
  const board = cluster?.[0] ?? "pi-1";
  const boards = (cluster ?? []).map(
    (name) => ({ name, address: `10.0.0.${name.slice(-1)}` }) as BoardConfig,
  );
  const config = { kafka: cluster === undefined ? {} : { cluster: [...cluster].sort() }, boards };
  const nodes = await clusterNodes({ ...config, cloud: CLOUD }, () => Promise.resolve(undefined));
  return resolvePlaybooks({
    playbooks,
    folder: "/nonexistent",
    facts,
    board: { name: board },
    cloud: {
      broker: hasKafka ? "kafka" : "rabbitmq",
      serverName: "home.home.arpa",
      baseUrl: "https://pi-1:8448",
      certificate: "PEM\n",
      authority: "CA\n",
      kafkaCertificate: "KAFKA\n",
      kafka: { nodes },
      appServices: [],
      packages: { sources: "deb file:/opt/imcloud/packages/debian bookworm main\n" },
      tls,
      welcome: welcomeOf(
        { vars: vars as BoardConfig["vars"], origin: { file: "imcloud.yaml", line: 1 } },
        playbooks.includes("imserver") ? (tls as TlsSource) : undefined,
        8448,
      ),
      isRelay: playbooks.includes("calls"),
      turnHosts: playbooks.includes("calls") ? ["pi-1"] : [],
      ...(hasKafka && {
        kafka: await kafkaOf({ kafka: {}, folder: "/nonexistent", cloud: CLOUD }, board, facts, nodes),
      }),
    },
    vars,
    secrets: new Map(SECRETS.map((name) => [name, new Secret(`canary-${name}`)])),
    artifacts: { bun: source, server: source, kafka: source, packages: source },
  });
}
