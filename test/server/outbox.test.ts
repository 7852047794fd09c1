/**
 * From the store to a real RabbitMQ: in order, all of it, whatever happens to the broker.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConsumeMessage } from "amqplib";
import { readSecretFile } from "../../src/server/runtime/secret-file.js";
import { routingKeyOf } from "../../src/server/bus/bus.js";
import { probeRabbitmq } from "../../src/server/cli/probe-rabbitmq.js";
import { RabbitmqBus } from "../../src/server/bus/rabbitmq/bus.js";
import { issueCertificate } from "./certificate.js";
import { hasRabbitmq, startRabbitmq, type TestBroker } from "./rabbitmq.js";
import { register, startTestServer, type Person, type TestServer } from "./test-server.js";

let broker: TestBroker;
let server: TestServer;
let alice: Person;

beforeAll(async () => {
  if (!hasRabbitmq) throw new Error("RabbitMQ is not installed: scripts/test-server.sh installs it");
  broker = await startRabbitmq();
  server = await startTestServer({ bus: configOf(broker) });
  alice = await register(server, "alice");
}, 90_000);

afterAll(async () => {
  await server.stop();
  await broker.dispose();
}, 30_000);

const configOf = ({ port, user, passwordFile }: TestBroker) =>
  ({
    kind: "rabbitmq",
    host: "127.0.0.1",
    port,
    user,
    passwordFile,
    vhost: "/",
    exchange: "imcloud.events",
  }) as const;

const connectBroker = () =>
  connect({
    hostname: "127.0.0.1",
    port: broker.port,
    username: broker.user,
    password: readSecretFile(broker.passwordFile),
  });

/** Collects what comes for a binding until closed. */
async function consume(binding: string) {
  const connection = await connectBroker();
  const channel = await connection.createChannel();
  connection.on("error", () => undefined);
  await channel.assertExchange("imcloud.events", "topic", { durable: true });
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, "imcloud.events", binding);
  const messages: ConsumeMessage[] = [];
  let look: () => void = () => undefined;
  await channel.consume(
    queue,
    (message) => {
      if (message !== null) messages.push(message);
      look();
    },
    { noAck: true },
  );
  return {
    messages,
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        look = () => condition() && resolve();
        look();
      }),
    [Symbol.asyncDispose]: () => connection.close().catch(() => undefined),
  };
}

const seqs = (messages: readonly ConsumeMessage[]) =>
  messages.map(({ properties }) => Number(properties.headers?.["seq"]));

test("every event comes, in the room's order, with its ids in the headers", async () => {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {});
  const key = routingKeyOf(roomId, "").slice(0, -1);
  await using consumer = await consume(`${key}.#`);
  for (let index = 0; index < 40; index++) await alice.send(roomId, `message ${index}`);
  // The events that make the room come too.
  await consumer.until(() => consumer.messages.at(-1)?.content.includes("message 39") === true);
  const numbers = seqs(consumer.messages);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  const last = consumer.messages.at(-1) as ConsumeMessage;
  expect(last.fields.routingKey).toBe(`${key}.m.room.message`);
  expect(last.properties.headers).toMatchObject({
    room_id: roomId,
    event_type: "m.room.message",
    sender: "@alice:hs1",
    server_name: "hs1",
  });
  expect(last.properties.messageId).toStartWith("$");
  expect(JSON.parse(last.content.toString())).toMatchObject({
    content: { body: "message 39" },
    room_id: roomId,
  });
}, 30_000);

test("with the broker gone people go on, and it gets everything when it is back", async () => {
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {});
  await alice.send(roomId, "before");
  const services = server.running.services;
  const lag = async () => (await services.store.outbox.lag("rabbitmq")).events;
  await eventually(async () => (await lag()) === 0);
  await broker.stop();

  for (let index = 0; index < 5; index++) await alice.send(roomId, `while away ${index}`);
  await eventually(async () => (await lag()) >= 5);
  const ready = (await (await fetch(`${server.url}/health/ready`)).json()) as {
    status: string;
    troubles: { bus?: string };
  };
  expect(ready.status).toBe("ok");
  await eventually(async () =>
    (await fetch(`${server.url}/health/ready`)).text().then((text) => text.includes('"bus"')),
  );

  await broker.start();
  await using consumer = await consume(`${routingKeyOf(roomId, "").slice(0, -1)}.#`);
  await eventually(async () => (await lag()) === 0);
  await alice.send(roomId, "after");
  await consumer.until(() => consumer.messages.some(({ content }) => content.toString().includes("after")));
}, 120_000);

test("what the broker will not keep is refused for good, and the rest goes on", async () => {
  // A queue that is full and says so: the broker's answer is a negative confirm.
  const connection = await connectBroker();
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    arguments: { "x-max-length": 1, "x-overflow": "reject-publish" },
  });
  const lobby = await alice.post<{ room_id: string }>("createRoom", {});
  const { store } = server.running.services;
  const lag = () => store.outbox.lag("rabbitmq");
  // The room's first events would fill the queue.
  await eventually(async () => (await lag()).events === 0);
  await channel.bindQueue(queue, "imcloud.events", `${routingKeyOf(lobby.room_id, "")}#`);
  const before = (await lag()).deadLetters;

  for (const text of ["kept", "refused", "refused too"]) await alice.send(lobby.room_id, text);
  await using consumer = await consume("#");
  const other = await alice.post<{ room_id: string }>("createRoom", {});
  await consumer.until(() =>
    consumer.messages.some(({ content }) => content.toString().includes(other.room_id)),
  );
  await eventually(async () => (await lag()).events === 0);
  expect((await lag()).deadLetters - before).toBe(2);
  await connection.close();

  // What fits into no frame is refused before it leaves.
  const bus = new RabbitmqBus(configOf(broker));
  const headers = {
    event_id: "$e",
    room_id: "!r",
    event_type: "t",
    sender: "@a",
    seq: 1,
    server_name: "hs1",
  };
  const message = (routingKey: string) => ({ routingKey, headers, body: "{}", ts: 1 });
  const outcomes = await bus.publish([message("a"), message("x".repeat(300)), message("b")]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["confirmed", "refused", "confirmed"]);
  await bus.close();
}, 30_000);

test("a broker that refuses the exchange is asked again, and holds no connection of the tries before", async () => {
  // It is there, and of another type.
  const bus = new RabbitmqBus({ ...configOf(broker), exchange: "amq.direct" });
  const before = connectionsTo(broker.port);
  for (let round = 0; round < 3; round++) {
    const refused: unknown = await bus.publish([]).catch((error: unknown) => error);
    expect(String(refused)).toContain("PRECONDITION_FAILED");
  }
  // The goodbye of the last one is still on its way.
  const deadline = Date.now() + 5_000;
  while (connectionsTo(broker.port) > before && Date.now() < deadline) await Bun.sleep(10);
  expect(connectionsTo(broker.port)).toBeLessThanOrEqual(before);
  await bus.close();
}, 30_000);

/** Established ones, of this machine. Source: proc(5), /proc/net/tcp. */
function connectionsTo(port: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")} 01`;
  return readFileSync("/proc/net/tcp", "utf8").split(remote).length - 1;
}

test("the probe's message comes back, and a broker without the exchange does not give it back", async () => {
  await probeRabbitmq(configOf(broker), 10_000);
  const failed: unknown = await probeRabbitmq({ ...configOf(broker), exchange: "none" }, 10_000).catch(
    (error: unknown) => error,
  );
  expect(String(failed)).toContain("NOT_FOUND");
}, 30_000);

test("over TLS the broker is known by its address, and by its authority", async () => {
  const tls = { ...configOf(broker), port: broker.tlsPort, tls: { caFile: broker.caFile } };
  await probeRabbitmq(tls, 10_000);
  const folder = mkdtempSync(join(tmpdir(), "imcloud-foreign-"));
  try {
    const { caFile } = await issueCertificate(folder);
    const foreign: unknown = await probeRabbitmq({ ...tls, tls: { caFile } }, 10_000).catch(
      (error: unknown) => error,
    );
    expect(String(foreign)).toMatch(/certificate|verify/i);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a routing key fits into AMQP, and is cut between characters", () => {
  const key = routingKeyOf("!room:hs1", "é".repeat(200));
  expect(Buffer.byteLength(key)).toBeLessThanOrEqual(217);
  expect(key.isWellFormed()).toBe(true);
  expect(key).toMatch(/^[0-9a-f]{16}\.é{100}$/);
});

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
