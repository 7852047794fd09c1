/**
 * Answers `!order 42` in a room of the cloud with what the shop knows of order 42.
 *
 * It hears of messages from RabbitMQ and answers through the API, as a bot account. A message counts as taken when it
 * is answered: whatever fails ends the program, and RabbitMQ gives it the message again when it is back. A message
 * that comes twice is answered once: the newest ones are remembered here, and the answer goes under a transaction id
 * made of the event's id, which the server takes once, whoever has forgotten what.
 *
 * Settings: see README.md beside this folder. NODE_EXTRA_CA_CERTS names the cloud's authority.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import amqp from "amqplib";

const EXCHANGE = "imcloud.events";
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const REMEMBERED = 10_000;

const { SERVER_URL, BOT_USER, BOT_TOKEN_FILE, AMQP_URL, AMQP_PASSWORD_FILE, ROOM_ID, ORDERS_FILE } =
  process.env;
const secret = (file) => readFileSync(file, "utf8").trim();
const token = secret(BOT_TOKEN_FILE);
const orders = new Map(Object.entries(JSON.parse(readFileSync(ORDERS_FILE, "utf8"))));

/** The server will never take it: the bot is not in the room, for instance. */
class Refused extends Error {}

async function call(method, path, body) {
  const answer = await fetch(`${SERVER_URL}/_matrix/client/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (answer.ok) return;
  // A wrong token (401) is for the operator, and too many requests (429) will pass.
  const isFinal = answer.status >= 400 && answer.status < 500 && ![401, 429].includes(answer.status);
  throw isFinal ? new Refused(text) : new Error(`the server answers ${answer.status}: ${text}`);
}

async function handle({ type, state_key: stateKey, sender, content, event_id: eventId, room_id: roomId }) {
  const room = encodeURIComponent(roomId);
  if (type === "m.room.member" && stateKey === BOT_USER && content.membership === "invite") {
    await call("POST", `/rooms/${room}/join`, {});
    console.log(`joined ${roomId}`);
  }
  // Bots say `m.notice`, and answer none: so two of them never talk for ever.
  if (type !== "m.room.message" || sender === BOT_USER || content.msgtype !== "m.text") return;
  const number = /^!order (\d{1,12})$/.exec(String(content.body).trim())?.[1];
  if (number === undefined) return;
  await call("PUT", `/rooms/${room}/send/m.room.message/${encodeURIComponent(`order-${eventId}`)}`, {
    msgtype: "m.notice",
    body: `Order ${number}: ${orders.get(number) ?? "there is no such order"}`,
    "m.relates_to": { "m.in_reply_to": { event_id: eventId } },
  });
  console.log(`answered ${eventId}`);
}

/** The newest ids, oldest first. What has effects of its own keeps them in its database, as order_bot.py does. */
const done = new Set();

async function hear(event) {
  if (done.has(event.event_id)) return;
  try {
    await handle(event);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.error(`${event.event_id}: ${error.message}`);
  }
  done.add(event.event_id);
  if (done.size > REMEMBERED) done.delete(done.values().next().value);
}

/** Whoever runs it starts it again: systemd, with `Restart=on-failure`. */
function giveUp(error) {
  console.error(`order-bot: ${error.cause?.message ?? error.message}`);
  process.exit(1);
}

async function main() {
  const url = new URL(AMQP_URL);
  url.password = encodeURIComponent(secret(AMQP_PASSWORD_FILE));
  const connection = await amqp.connect(url.href);
  connection.on("error", giveUp);
  connection.on("close", () => giveUp(new Error("the broker has hung up")));
  const channel = await connection.createChannel();
  channel.on("error", giveUp);

  // It waits while the program is away, and goes when nobody has come for a week: a board's disk is small.
  const queue = `${url.username}.orders`;
  await channel.assertQueue(queue, { durable: true, arguments: { "x-expires": WEEK_MS } });
  const hash = (room) => createHash("sha256").update(room).digest("hex").slice(0, 16);
  await channel.bindQueue(queue, EXCHANGE, ROOM_ID === undefined ? "#" : `${hash(ROOM_ID)}.#`);
  await channel.prefetch(10);
  // One after the other: a room's events stay in order.
  let last = Promise.resolve();
  await channel.consume(queue, (message) => {
    if (message === null) return giveUp(new Error("the queue is gone"));
    last = last
      .then(() => hear(JSON.parse(message.content.toString())))
      .then(() => channel.ack(message))
      .catch(giveUp);
  });
  console.log("listening");
}

main().catch(giveUp);
