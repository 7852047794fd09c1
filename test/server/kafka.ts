/**
 * A Kafka of one's own: Apache's, from Maven Central, one process for broker and controller (KRaft), on loopback.
 *
 * One listener asks for nothing; another for SCRAM-SHA-512 within TLS. The process ends with the one that runs
 * the tests, however that ends.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { openSync, closeSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Admin } from "@platformatic/kafka";
import { issueCertificate } from "./certificate.js";
import { fetchKafka } from "./jars.js";
import { freePort, untilListening } from "./listening.js";

const run = promisify(execFile);

/** Two cores and short lives: what a compiler optimises for long runs never pays. */
const JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"];
const USER = "imcloud";
const PASSWORD = "a test's password";
/** For Kafka's consumer to find everything that was said to be there. */
const READ_MS = 30_000;

/** A record as Kafka's own consumer prints it. */
export interface KafkaRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

export interface TestKafka {
  /** Where the listener is that asks for nothing. */
  readonly open: { readonly brokers: string[] };
  /** Where the other one is, and what it asks for. */
  readonly secured: {
    readonly brokers: string[];
    readonly user: string;
    readonly passwordFile: string;
    readonly tls: { readonly caFile: string };
  };
  createTopic(topic: string, partitions: number, configs?: Readonly<Record<string, string>>): Promise<void>;
  topics(): Promise<readonly string[]>;
  /** Everything in a topic, read by Kafka's own consumer; in order within each partition. */
  read(topic: string): Promise<readonly KafkaRecord[]>;
  /** Ends the broker; its data stays. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Starts it again on the same ports with the same data. */
  start(): Promise<void>;
  /** Ends it and removes everything. */
  dispose(): Promise<void>;
}

export async function startKafka(): Promise<TestKafka> {
  const classPath = join(await fetchKafka(), "*");
  const folder = mkdtempSync(join(tmpdir(), "imcloud-kafka-"));
  const [open, secured, controller] = await Promise.all([freePort(), freePort(), freePort()]);
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const { caFile, chainAndKeyFile } = await issueCertificate(folder);
  const properties = join(folder, "server.properties");
  writeFileSync(properties, propertiesOf(folder, { open, secured, controller }, chainAndKeyFile));

  const java = async (heap: string, ...args: string[]) =>
    (
      await run(
        "java",
        [...JVM, `-Xmx${heap}`, "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", classPath, ...args],
        {
          maxBuffer: 64 * 1024 * 1024,
        },
      )
    ).stdout;
  const scram = `SCRAM-SHA-512=[name=${USER},password=${PASSWORD}]`;
  const clusterId = randomBytes(16).toString("base64url");
  await java(
    "64m",
    "kafka.tools.StorageTool",
    "format",
    // One word: one id in 64 begins with a dash.
    `--cluster-id=${clusterId}`,
    `--config=${properties}`,
    `--add-scram=${scram}`,
  );

  const brokers = [`127.0.0.1:${open}`];
  const withAdmin = async <T>(ask: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = new Admin({ clientId: "tests", bootstrapBrokers: brokers, retries: 20, retryDelay: 100 });
    try {
      return await ask(admin);
    } finally {
      await admin.close();
    }
  };

  let child: ChildProcess | undefined;
  const start = async () => {
    const log = openSync(join(folder, "broker.log"), "a");
    const program = ["java", ...JVM, "-Xms64m", "-Xmx256m", "-cp", classPath, "kafka.Kafka", properties];
    child = spawn("setpriv", ["--pdeathsig", "KILL", ...program], { stdio: ["ignore", log, log] });
    closeSync(log);
    await untilListening("Kafka", open, child);
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await ended;
  };
  await start();
  return {
    open: { brokers },
    secured: { brokers: [`127.0.0.1:${secured}`], user: USER, passwordFile, tls: { caFile } },
    createTopic: (topic, partitions, configs = {}) =>
      withAdmin(async (admin) => {
        const settings = Object.entries(configs).map(([name, value]) => ({ name, value }));
        await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: settings });
      }),
    topics: () => withAdmin((admin) => admin.listTopics()),
    read: async (topic) => {
      const records = await withAdmin((admin) => countRecords(admin, topic));
      if (records === 0) return [];
      const printed = ["key", "headers", "partition", "offset"].flatMap((what) => [
        "--formatter-property",
        `print.${what}=true`,
      ]);
      const lines = await java(
        "128m",
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        ...["--bootstrap-server", `127.0.0.1:${open}`, "--topic", topic, "--from-beginning"],
        ...["--max-messages", String(records), "--timeout-ms", String(READ_MS), ...printed],
      );
      return lines.trimEnd().split("\n").map(parseRecord);
    },
    start,
    stop,
    dispose: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function propertiesOf(
  folder: string,
  ports: { open: number; secured: number; controller: number },
  chainAndKeyFile: string,
): string {
  const { open, secured, controller } = ports;
  const reachable = `OPEN://127.0.0.1:${open},SECURED://127.0.0.1:${secured}`;
  const settings = {
    "process.roles": "broker,controller",
    "node.id": 1,
    listeners: `${reachable},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": reachable,
    "inter.broker.listener.name": "OPEN",
    "listener.security.protocol.map": "OPEN:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.secured.scram-sha-512.sasl.jaas.config":
      "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": chainAndKeyFile,
    "log.dirs": join(folder, "data"),
    "auto.create.topics.enable": false,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    // A broker that was killed is let in again when the session of the one before has ended.
    "broker.session.timeout.ms": 1_500,
    "broker.heartbeat.interval.ms": 300,
    // 128 MiB by default, half of this heap.
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

async function countRecords(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.metadata({ topics: [topic] });
  const partitions = Array.from({ length: topics.get(topic)?.partitionsCount ?? 0 }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: -1n, // the end
  }));
  const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions }] });
  return Number(listed?.partitions.reduce((sum, { offset }) => sum + offset, 0n) ?? 0n);
}

/** `Partition:0 TAB Offset:7 TAB name:value,name:value TAB key TAB value` */
function parseRecord(line: string): KafkaRecord {
  const [partition = "", offset = "", headers = "", key = "", ...value] = line.split("\t");
  const pairs = headers.split(",").map((header) => {
    const colon = header.indexOf(":");
    return [header.slice(0, colon), header.slice(colon + 1)];
  });
  return {
    partition: Number(partition.replace("Partition:", "")),
    offset: Number(offset.replace("Offset:", "")),
    key,
    headers: Object.fromEntries(pairs) as Record<string, string>,
    value: value.join("\t"),
  };
}
