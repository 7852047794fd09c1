/**
 * Writes numbered messages into a durable queue, one after the other, as often as it takes until the broker has
 * confirmed each; prints every number that it has confirmed. With `read`, prints what is in the queue instead, and
 * leaves it there.
 *
 * usage: node amqp-writer.mjs QUEUE < USER_AND_PASSWORD   (two lines; ends with SIGTERM)
 *        node amqp-writer.mjs QUEUE read < USER_AND_PASSWORD
 */
import { Buffer } from "node:buffer";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import amqp from "amqplib";

const [queue, mode] = process.argv.slice(2);
const [username, password] = (await text(process.stdin)).split("\n");
const AGAIN_MS = 100;
/** As somebody would who has something to say. */
const PAUSE_MS = 5;

/** While the broker is away, connections are refused or end: that is what the writer is there for. */
async function connected(work) {
  const connection = await amqp.connect({ hostname: "127.0.0.1", username, password });
  let lost;
  const gone = new Promise((_, reject) => (lost = reject));
  gone.catch(() => undefined);
  connection.on("error", (error) => lost(error));
  connection.on("close", () => lost(new Error("closed")));
  const channel = await connection.createConfirmChannel();
  channel.on("error", (error) => lost(error));
  await channel.assertQueue(queue, { durable: true });
  await Promise.race([work(channel), gone]);
  await connection.close();
}

if (mode === "read") {
  await connected(async (channel) => {
    for (;;) {
      const message = await channel.get(queue);
      if (message === false) return;
      process.stdout.write(`${message.content.toString()}\n`);
    }
  });
} else {
  let isOver = false;
  process.once("SIGTERM", () => (isOver = true));
  let next = 1;
  while (!isOver)
    await connected(async (channel) => {
      while (!isOver) {
        channel.sendToQueue(queue, Buffer.from(String(next)), { persistent: true });
        await channel.waitForConfirms();
        process.stdout.write(`${next}\n`);
        next += 1;
        await delay(PAUSE_MS);
      }
    }).catch(() => delay(AGAIN_MS));
}
