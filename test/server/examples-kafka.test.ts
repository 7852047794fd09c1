/** The order bot of docs/examples on a real Kafka, with a login and TLS. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Registrations } from "./bridge.js";
import {
  endsForTheOperator,
  EXAMPLES,
  isAnswerTo,
  prepareExamples,
  PROGRAMS,
  registrationOf,
} from "./examples.js";
import { startKafka, type TestKafka } from "./kafka.js";
import { Listener } from "./listener.js";
import { register, startTestServer, type Person, type TestServer } from "./test-server.js";

const TOPIC = "imcloud.events";
const NAME = "shop";

const folder = mkdtempSync(join(tmpdir(), "imcloud-examples-"));
const registrations = new Registrations();
let kafka: TestKafka;
let server: TestServer;
let ann: Person;

beforeAll(async () => {
  await prepareExamples();
  kafka = await startKafka();
  await kafka.createTopic(TOPIC, 3);
  server = await startTestServer({
    bus: { kind: "kafka", topic: TOPIC, ...kafka.secured },
    appServices: { files: [registrations.write(NAME, registrationOf(NAME))] },
  });
  ann = await register(server, "ann");
}, 180_000);

afterAll(async () => {
  await server.stop();
  await kafka.dispose();
  registrations[Symbol.dispose]();
  rmSync(folder, { recursive: true });
}, 30_000);

test("answers each question once, and what was asked while it was away", async () => {
  const token = join(folder, "token");
  const wrongToken = join(folder, "wrong");
  writeFileSync(token, registrationOf(NAME).as_token, { mode: 0o600 });
  writeFileSync(wrongToken, "nobody's");
  const settings = {
    SERVER_URL: server.url,
    CA_FILE: kafka.secured.tls.caFile,
    KAFKA_BROKERS: kafka.secured.brokers.join(","),
    KAFKA_USER: kafka.secured.user,
    KAFKA_PASSWORD_FILE: kafka.secured.passwordFile,
    KAFKA_MECHANISM: "SCRAM-SHA-512",
    ORDERS_FILE: join(EXAMPLES, "orders.json"),
    BOT_USER: `@${NAME}:hs1`,
    BOT_TOKEN_FILE: token,
  };
  const { room_id: roomId } = await ann.post<{ room_id: string }>("createRoom", { name: "Shop" });
  const room = await Listener.in(ann, roomId);
  let bot = await PROGRAMS["KafkaOrderBot.java"](settings);
  await bot.said("listening");
  await ann.post(`rooms/${encodeURIComponent(roomId)}/invite`, { user_id: settings.BOT_USER });
  await bot.said(`joined ${roomId}`);
  const first = await ann.send(roomId, "!order 42");
  const answer = await room.hears(isAnswerTo(first));
  expect(answer.content["body"]).toBe("Order 42: packed, leaves on Monday");
  await bot.stop("SIGKILL");

  // What cannot be answered is not committed, and comes again.
  const meanwhile = await ann.send(roomId, "!order 41");
  await endsForTheOperator(await PROGRAMS["KafkaOrderBot.java"]({ ...settings, BOT_TOKEN_FILE: wrongToken }));
  bot = await PROGRAMS["KafkaOrderBot.java"]({ ...settings, ROOM_ID: roomId });
  await room.hears(isAnswerTo(meanwhile));
  const last = await ann.send(roomId, "!order 7");
  await room.hears(isAnswerTo(last));
  for (const question of [first, meanwhile, last])
    expect(room.events.filter(isAnswerTo(question))).toHaveLength(1);
  await bot.stop();
}, 120_000);
