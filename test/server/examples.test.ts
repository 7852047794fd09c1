/**
 * The programs of docs/examples against the real server and a real RabbitMQ, over TLS, as their README starts them:
 * they answer what they are asked, once, and miss nothing while they are away.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type ChannelModel, type ConfirmChannel, type ConsumeMessage } from "amqplib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { routingKeyOf } from "../../src/server/bus/bus.js";
import { readSecretFile } from "../../src/server/runtime/secret-file.js";
import { Registrations } from "./bridge.js";
import { issueCertificate } from "./certificate.js";
import {
  endsForTheOperator,
  EXAMPLES,
  isAnswerTo,
  prepareExamples,
  PROGRAMS,
  registrationOf,
} from "./examples.js";
import { Listener } from "./listener.js";
import { PYTHON_MS } from "./python.js";
import { hasRabbitmq, startRabbitmq, type TestBroker } from "./rabbitmq.js";
import { callApi, register, startTestServer, type Person, type TestServer } from "./test-server.js";

const BOTS = ["order_bot.py", "order-bot.mjs", "RabbitmqOrderBot.java"] as const;
const CHATS = ["chat.py", "chat.mjs", "Chat.java"] as const;
const EXCHANGE = "imcloud.events";

const folder = mkdtempSync(join(tmpdir(), "imcloud-examples-"));
const at = (name: string) => join(folder, name);
const nameOf = (program: string) => program.replace(/\W/g, "-").toLowerCase();
const registrations = new Registrations();

let broker: TestBroker;
let server: TestServer;
let ann: Person;
let settings: Readonly<Record<string, string>>;
let connection: ChannelModel;
let channel: ConfirmChannel;

beforeAll(async () => {
  if (!hasRabbitmq) throw new Error("RabbitMQ is not installed: scripts/test-server.sh installs it");
  await prepareExamples();
  broker = await startRabbitmq(BOTS.map(nameOf));
  mkdirSync(at("server"));
  const certificate = await issueCertificate(at("server"));
  const tls = { certFile: certificate.chainAndKeyFile, keyFile: certificate.chainAndKeyFile };
  server = await startTestServer({
    listeners: [
      { address: "127.0.0.1", port: 0 },
      { address: "127.0.0.1", port: 0, tls },
    ],
    bus: {
      ...{ kind: "rabbitmq", host: "127.0.0.1", port: broker.port, user: broker.user, vhost: "/" },
      ...{ passwordFile: broker.passwordFile, exchange: EXCHANGE },
    },
    appServices: { files: BOTS.map(nameOf).map((name) => registrations.write(name, registrationOf(name))) },
  });
  // The test's own broker and server have an authority each; a cloud has one for both.
  writeFileSync(at("ca.pem"), [broker.caFile, certificate.caFile].map((file) => readFileSync(file)).join(""));
  settings = {
    SERVER_URL: `https://127.0.0.1:${server.running.ports[1] ?? 0}`,
    CA_FILE: at("ca.pem"),
    AMQP_PASSWORD_FILE: broker.passwordFile,
    ORDERS_FILE: join(EXAMPLES, "orders.json"),
  };
  ann = await register(server, "ann");
  connection = await connect({
    ...{ hostname: "127.0.0.1", port: broker.port },
    ...{ username: broker.user, password: readSecretFile(broker.passwordFile) },
  });
  channel = await connection.createConfirmChannel();
  await channel.assertExchange(EXCHANGE, "topic", { durable: true });
}, PYTHON_MS);

afterAll(async () => {
  await connection.close();
  await server.stop();
  await broker.dispose();
  registrations[Symbol.dispose]();
  rmSync(folder, { recursive: true });
}, 30_000);

/** All that the broker gives out of a room from now on. */
async function roomOnBroker(roomId: string): Promise<ConsumeMessage[]> {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, EXCHANGE, `${routingKeyOf(roomId, "")}#`);
  const messages: ConsumeMessage[] = [];
  await channel.consume(queue, (message) => message !== null && messages.push(message), { noAck: true });
  return messages;
}

async function publishAgain({ fields, properties, content }: ConsumeMessage): Promise<void> {
  channel.publish(EXCHANGE, fields.routingKey, content, { headers: properties.headers, persistent: true });
  await channel.waitForConfirms();
}

describe.each(BOTS)("%s", (program) => {
  test("answers each question once, whatever comes twice, and what was asked while it was away", async () => {
    const name = nameOf(program);
    writeFileSync(at(`${name}.token`), `${registrationOf(name).as_token}\n`, { mode: 0o600 });
    const mine = {
      ...settings,
      BOT_USER: `@${name}:hs1`,
      BOT_TOKEN_FILE: at(`${name}.token`),
      AMQP_URL: `amqps://${name}@127.0.0.1:${broker.tlsPort}/%2F`,
      DONE_FILE: at(`${name}.sqlite`),
    };
    const { room_id: roomId } = await ann.post<{ room_id: string }>("createRoom", { name: "Shop" });
    const { room_id: elsewhere } = await ann.post<{ room_id: string }>("createRoom", {});
    const messages = await roomOnBroker(roomId);
    const room = await Listener.in(ann, roomId);
    const ofRoom = program === "order_bot.py" ? { ROOM_ID: roomId } : undefined;

    let bot = await PROGRAMS[program]({ ...mine, ...ofRoom });
    await bot.said("listening");
    await ann.post(`rooms/${encodeURIComponent(roomId)}/invite`, { user_id: mine.BOT_USER });
    await bot.said(`joined ${roomId}`);

    // Where it is not, it cannot answer; that ends nothing.
    await ann.send(elsewhere, "!order 42");
    await ann.send(roomId, "!order, please");
    const first = await ann.send(roomId, "!order 42");
    expect((await room.hears(isAnswerTo(first))).content).toMatchObject({
      msgtype: "m.notice",
      body: "Order 42: packed, leaves on Monday",
    });
    const unknown = await ann.send(roomId, " !order 7 ");
    expect((await room.hears(isAnswerTo(unknown))).content["body"]).toBe("Order 7: there is no such order");

    // The broker may give a message twice, to the same process or to the one after it.
    const again = messages.find(({ properties }) => properties.messageId === first) as ConsumeMessage;
    await publishAgain(again);
    const second = await ann.send(roomId, "!order 41");
    await room.hears(isAnswerTo(second));
    await bot.stop("SIGKILL");
    await publishAgain(again);
    const meanwhile = await ann.send(roomId, "!order 41");
    // What cannot be answered is not taken, and comes again.
    writeFileSync(at("wrong.token"), "nobody's token\n");
    const failing = await PROGRAMS[program]({ ...mine, ...ofRoom, BOT_TOKEN_FILE: at("wrong.token") });
    await endsForTheOperator(failing);
    bot = await PROGRAMS[program]({ ...mine, ...ofRoom });
    await room.hears(isAnswerTo(meanwhile));
    // The one with a database knows by itself; the others ask, and the server knows.
    await bot.said(`answered ${meanwhile}`);
    expect(bot.lines.includes(`answered ${first}`)).toBe(program !== "order_bot.py");
    for (const question of [first, unknown, second, meanwhile])
      expect(room.events.filter(isAnswerTo(question))).toHaveLength(1);
    expect(room.events.filter(({ sender }) => sender === mine.BOT_USER)).toHaveLength(5);
    await bot.stop();
    expectSchema(messages);
  }, 120_000);
});

function expectSchema(messages: readonly ConsumeMessage[]): void {
  const schema = JSON.parse(readFileSync(join(EXAMPLES, "..", "event.schema.json"), "utf8")) as {
    $defs: { headers: object };
  };
  const ajv = new Ajv2020();
  expect(messages.length).toBeGreaterThan(5);
  for (const { content, properties } of messages) {
    expect(ajv.validate(schema, JSON.parse(content.toString())), ajv.errorsText()).toBe(true);
    expect(ajv.validate(schema.$defs.headers, properties.headers), ajv.errorsText()).toBe(true);
  }
}

describe.each(CHATS)("%s", (program) => {
  test("logs in, joins, sends what is typed, prints what is said, and leaves no session behind", async () => {
    const name = nameOf(program);
    await register(server, name);
    writeFileSync(at(`${name}.password`), `${name}'s password\n`, { mode: 0o600 });
    const alias = `#${name}:hs1`;
    const { room_id: roomId } = await ann.post<{ room_id: string }>("createRoom", {
      ...{ preset: "public_chat", room_alias_name: name },
    });
    await ann.send(roomId, "before");
    const room = await Listener.in(ann, roomId);
    const chat = await PROGRAMS[program]({
      ...settings,
      ...{ CHAT_USER: `@${name}:hs1`, CHAT_PASSWORD_FILE: at(`${name}.password`), ROOM: alias },
    });
    await chat.said(`in ${roomId}`);
    await ann.send(roomId, "welcome");
    await chat.said("@ann:hs1: welcome");
    chat.type("hello, all");
    const said = await room.hears(
      ({ sender, type }) => sender === `@${name}:hs1` && type === "m.room.message",
    );
    expect(said.content).toMatchObject({ msgtype: "m.text", body: "hello, all" });
    await chat.said(`@${name}:hs1: hello, all`);
    chat.endInput();
    await chat.ended;
    expect(chat.lines.filter((line) => line.includes("before"))).toEqual([]);

    const login = { type: "m.login.password", user: name, password: `${name}'s password` };
    const { access_token: token } = await callApi<{ access_token: string }>(
      server.url,
      "POST",
      "login",
      login,
    );
    const { devices } = await callApi<{ devices: { display_name?: string }[] }>(
      server.url,
      "GET",
      "devices",
      undefined,
      token,
    );
    expect(devices.map(({ display_name: display }) => display)).not.toContain(program);
  }, 30_000);
});
