/**
 * From the store to a real Kafka: in order, all of it, whatever happens to the broker. What is there is read back
 * by Kafka's own consumer.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ServerConfigInput } from "../../src/shared/server-config.js";
import { BusDownError, type BusMessage, type Publication } from "../../src/server/bus/bus.js";
import { batchesOf } from "../../src/server/bus/kafka/batches.js";
import { KafkaBus } from "../../src/server/bus/kafka/bus.js";
import { partitionOf } from "../../src/server/bus/kafka/client.js";
import { probeKafka } from "../../src/server/cli/probe-kafka.js";
import { BUN, SERVER, startServerProcess } from "../bench/server-process.js";
import { issueCertificate } from "./certificate.js";
import { startKafka, type KafkaRecord, type TestKafka } from "./kafka.js";
import { register, startTestServer, type Person, type TestServer } from "./test-server.js";

const TOPIC = "imcloud.events";
const PARTITIONS = 3;

let kafka: TestKafka;
let server: TestServer;
let alice: Person;

beforeAll(async () => {
  kafka = await startKafka();
  await kafka.createTopic(TOPIC, PARTITIONS);
  server = await startTestServer({ bus: { kind: "kafka", brokers: kafka.open.brokers } });
  alice = await register(server, "alice");
}, 180_000);

afterAll(async () => {
  await server.stop();
  await kafka.dispose();
}, 30_000);

const createRoom = async () => (await alice.post<{ room_id: string }>("createRoom", {})).room_id;
const lag = () => server.running.services.store.outbox.lag("kafka");
const drained = () => eventually(async () => (await lag()).events === 0);

const textsOf = (records: readonly KafkaRecord[], roomId: string) =>
  records
    .filter(({ key }) => key === roomId)
    .map(({ value }) => JSON.parse(value) as { type: string; content: { body: string } })
    .filter(({ type }) => type === "m.room.message")
    .map(({ content }) => content.body);
const seqsOf = (records: readonly KafkaRecord[], roomId: string) =>
  records.filter(({ key }) => key === roomId).map(({ headers }) => Number(headers["seq"]));

/** What a consumer is left with that drops repetitions. */
const withoutRepetitions = <T>(values: readonly T[]) => [...new Set(values)];

test("every event comes, in its room's order, in one partition, with its ids in the headers", async () => {
  const rooms = await Promise.all([createRoom(), createRoom(), createRoom(), createRoom()]);
  for (let index = 0; index < 25; index++) {
    await Promise.all(rooms.map((roomId) => alice.send(roomId, `message ${index}`)));
  }
  await drained();
  const records = await kafka.read(TOPIC);
  for (const roomId of rooms) {
    const texts = textsOf(records, roomId);
    expect(texts).toEqual(Array.from({ length: 25 }, (_, index) => `message ${index}`));
    const seqs = seqsOf(records, roomId);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(new Set(records.filter(({ key }) => key === roomId).map(({ partition }) => partition)).size).toBe(
      1,
    );
  }
  const last = records.findLast(({ key }) => key === rooms[0]);
  expect(last?.headers).toEqual({
    event_id: expect.stringMatching(/^\$/) as string,
    room_id: rooms[0],
    event_type: "m.room.message",
    sender: "@alice:hs1",
    server_name: "hs1",
    seq: String(seqsOf(records, rooms[0] ?? "").length),
  });
  expect(JSON.parse(last?.value ?? "")).toMatchObject({ content: { body: "message 24" }, room_id: rooms[0] });
}, 60_000);

test("with the broker gone people go on, and it gets everything when it is back", async () => {
  const roomId = await createRoom();
  await alice.send(roomId, "before");
  await drained();
  await kafka.stop();

  for (let index = 0; index < 5; index++) await alice.send(roomId, `while away ${index}`);
  await eventually(async () => (await ready()).troubles.bus?.includes("ECONNREFUSED") === true);
  expect((await ready()).status).toBe("ok");
  expect((await lag()).events).toBe(5);

  await kafka.start();
  await drained();
  await alice.send(roomId, "after");
  await drained();
  expect((await ready()).troubles.bus).toBeUndefined();
  const away = Array.from({ length: 5 }, (_, index) => `while away ${index}`);
  expect(withoutRepetitions(textsOf(await kafka.read(TOPIC), roomId))).toEqual(["before", ...away, "after"]);
}, 60_000);

test("a broker that is killed in the middle of it loses nothing and keeps the order", async () => {
  const roomId = await createRoom();
  let sent = 0;
  const sendUntil = async (until: () => boolean) => {
    while (!until()) await alice.send(roomId, `message ${sent++}`);
  };
  let isBack = false;
  const sending = sendUntil(() => isBack && sent > 300);
  await eventually(() => Promise.resolve(sent > 100));
  await kafka.stop("SIGKILL");
  await kafka.start();
  isBack = true;
  await sending;
  await drained();
  const texts = withoutRepetitions(textsOf(await kafka.read(TOPIC), roomId));
  expect(texts).toEqual(Array.from({ length: sent }, (_, index) => `message ${index}`));
}, 60_000);

test("what is too large is refused for good and alone; what is before and behind it goes on, in order", async () => {
  await kafka.createTopic("small", 2, { "max.message.bytes": "4000" });
  const bus = new KafkaBus({ kind: "kafka", ...kafka.open, topic: "small" });
  const messages = Array.from({ length: 60 }, (_, index) =>
    message(`!room${index % 4}`, index, [7, 8, 42].includes(index) ? "x".repeat(5_000) : "x".repeat(200)),
  );
  const outcomes = await bus.publish(messages);
  await bus.close();
  expect(outcomes).toHaveLength(60);
  expect(refused(outcomes)).toEqual([7, 8, 42]);
  expect(outcomes[7]).toMatchObject({
    reason: expect.stringContaining("larger than the max message size") as string,
  });
  const records = await kafka.read("small");
  expect(records).toHaveLength(57);
  for (let room = 0; room < 4; room++) {
    const seqs = seqsOf(records, `!room${room}`);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  }
}, 60_000);

test("the server makes a dead letter of it", async () => {
  const before = (await lag()).deadLetters;
  await using small = await startServerOn("small");
  const bob = await register(small, "bob");
  const { room_id: roomId } = await bob.post<{ room_id: string }>("createRoom", {});
  await bob.send(roomId, "fits");
  await bob.send(roomId, "x".repeat(10_000));
  await bob.send(roomId, "fits too");
  const { store } = small.running.services;
  await eventually(async () => (await store.outbox.lag("kafka")).events === 0);
  expect((await store.outbox.lag("kafka")).deadLetters).toBe(1);
  expect(textsOf(await kafka.read("small"), roomId)).toEqual(["fits", "fits too"]);
  expect((await lag()).deadLetters).toBe(before);
}, 60_000);

test("a user, a password and an encrypted connection are what the secured listener asks for", async () => {
  const { folder } = server;
  const wrongFile = join(folder, "wrong");
  writeFileSync(wrongFile, "a guess\n");
  const config = { kind: "kafka", ...kafka.secured, topic: TOPIC } as const;

  const bus = new KafkaBus(config);
  expect(await bus.publish([message("!secured", 1, "{}")])).toEqual([{ kind: "confirmed" }]);
  expect(bus.trouble).toBeUndefined();
  const underWay = bus.publish([message("!secured", 2, "{}")]).catch((error: unknown) => error);
  await bus.close();
  expect(await underWay).toBeInstanceOf(BusDownError);
  expect(await bus.publish([]).catch(String)).toContain("the bus is closed");

  const otherAuthority = await issueCertificate(mkdtempSync(join(folder, "other-")));
  const cases: readonly (readonly [string, object, RegExp])[] = [
    ["a wrong password", { passwordFile: wrongFile }, /[Aa]uthentication failed/],
    ["no such user", { user: "nobody" }, /[Aa]uthentication failed/],
    ["a file that is not there", { passwordFile: "/none" }, /ENOENT/],
    ["another authority", { tls: { caFile: otherAuthority.caFile } }, /certificate/],
    ["no encryption", { tls: undefined }, /TLS|closed/],
    [
      "another name than the certificate's",
      { brokers: kafka.secured.brokers.map((broker) => broker.replace("127.0.0.1", "localhost")) },
      /altnames|certificate/i,
    ],
    ["no such topic", { topic: "none" }, /Unknown topic none/],
  ];
  const refusals = cases.map(async ([what, wrong, trouble]) => {
    const refusing = new KafkaBus({ ...config, ...wrong });
    for (let round = 0; round < 2; round++) {
      const error: unknown = await refusing
        .publish([message("!secured", 2, "{}")])
        .catch((thrown: unknown) => thrown);
      expect(error, what).toBeInstanceOf(BusDownError);
      expect(refusing.trouble ?? "", what).toMatch(trouble);
    }
    await refusing.close();
  });
  await Promise.all(refusals);
}, 60_000);

test("a batch is of one partition, in order, and within the limit that brokers have by default", () => {
  const messages = Array.from({ length: 100 }, (_, index) =>
    message(`!room${index % 7}`, index, "é".repeat(20_000)),
  );
  const batches = batchesOf(messages, 3);
  for (const { partition, entries } of batches) {
    const indexes = entries.map(({ index }) => index);
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
    expect(entries.every(({ message: { headers } }) => partitionOf(headers.room_id, 3) === partition)).toBe(
      true,
    );
    expect(entries.reduce((bytes, { message: { body } }) => bytes + Buffer.byteLength(body), 0)).toBeLessThan(
      524_288,
    );
  }
  for (let partition = 0; partition < 3; partition++) {
    const inTurn = batches.filter((batch) => batch.partition === partition).flatMap(({ entries }) => entries);
    expect(inTurn.map(({ index }) => index)).toEqual(inTurn.map(({ index }) => index).sort((a, b) => a - b));
  }
  expect(batches.flatMap(({ entries }) => entries)).toHaveLength(100);
  // One that is larger than any batch may be goes alone: the broker decides.
  expect(
    batchesOf([message("!r", 1, "x".repeat(2_000_000))], 1).map(({ entries }) => entries.length),
  ).toEqual([1]);
});

// Source: Apache Kafka, UtilsTest.testMurmur2; BuiltInPartitioner.partitionForKey.
test.each([
  ["21", -973_932_308],
  ["foobar", -790_332_482],
  ["a-little-bit-long-string", -985_981_536],
  ["abc", 479_470_107],
])("%s is put where Kafka's own clients put it", (key, hash) => {
  expect(partitionOf(key, 1_000)).toBe((hash & 0x7fff_ffff) % 1_000);
});

test("the program as boards have it, without any package around it, publishes, and its probe reads that back", async () => {
  const folder = mkdtempSync(join(server.folder, "board-"));
  cpSync(dirname(SERVER), join(folder, "server"), { recursive: true });
  const program = join(folder, "server", "main.js");
  const [userFile, passwordFile] = [join(folder, "user"), join(folder, "password")];
  writeFileSync(userFile, "probe\n");
  writeFileSync(passwordFile, "password\n");
  const bus = { kind: "kafka", ...kafka.secured } as const;
  await using running = await startServerProcess(
    { bus, probe: { userFile, passwordFile } },
    [],
    folder,
    program,
  );
  const run = (args: readonly string[], input = "") =>
    spawnSync(BUN, [program, ...args, "--config", running.configPath], { input, encoding: "utf8" });
  expect(run(["user", "add", "probe"], "password").status).toBe(0);
  for (let round = 0; round < 2; round++) {
    const report = JSON.parse(run(["probe", "--json"]).stdout) as { ok: boolean; steps: { name: string }[] };
    expect(report).toMatchObject({ ok: true });
    expect(report.steps.at(-1)).toMatchObject({ name: "broker" });
  }

  const measured = run(["measure"]);
  expect(measured.status, measured.stderr).toBe(0);
  const { broker } = JSON.parse(measured.stdout) as { broker: Record<string, number> };
  expect(broker["perSecond"]).toBeGreaterThan(10);
  expect(broker["medianMs"]).toBeLessThanOrEqual(broker["p99Ms"] ?? 0);
  expect(await kafka.topics()).not.toContainEqual(expect.stringContaining("imcloud.measure-"));
}, 60_000);

test("the probe says when the event does not come back", async () => {
  const config = { kind: "kafka", ...kafka.open, topic: TOPIC } as const;
  const sent = { roomId: "!r", nonce: "never sent", sentAt: Date.now() };
  const late: unknown = await probeKafka(config, sent, 1_000).catch((error: unknown) => error);
  expect(String(late)).toContain("the event did not come back within 1000 ms");
  const unknown: unknown = await probeKafka({ ...config, topic: "none" }, sent, 5_000).catch(
    (error: unknown) => error,
  );
  expect(String(unknown)).toContain("Unknown topic none");
}, 30_000);

const message = (roomId: string, seq: number, body: string): BusMessage => ({
  routingKey: "unused",
  headers: {
    event_id: `$${seq}`,
    room_id: roomId,
    event_type: "t",
    sender: "@a:hs1",
    seq,
    server_name: "hs1",
  },
  body,
  ts: 1,
});

const refused = (outcomes: readonly Publication[]) =>
  outcomes.flatMap(({ kind }, index) => (kind === "refused" ? [index] : []));

async function ready() {
  const response = await fetch(`${server.url}/health/ready`);
  return (await response.json()) as { status: string; troubles: { bus?: string } };
}

async function startServerOn(topic: string): Promise<TestServer & AsyncDisposable> {
  const bus: ServerConfigInput["bus"] = { kind: "kafka", brokers: kafka.open.brokers, topic };
  const started = await startTestServer({ bus });
  return { ...started, [Symbol.asyncDispose]: () => started.stop() };
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
