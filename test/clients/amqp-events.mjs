/**
 * Listens to the cloud's events on its broker, as a program of the operator's would, and prints one JSON line for
 * each. The first line, `listening`, says that none is missed from now on.
 *
 * usage: AMQP_PASSWORD=... node amqp-events.mjs   (ends with SIGTERM)
 * On the broker's own board it is the server's account; with AMQP_HOST, AMQP_PORT, AMQP_USER and AMQP_CA (a file) a
 * reader's, over TLS from elsewhere.
 */
import { readFileSync } from "node:fs";
import amqp from "amqplib";

const { AMQP_HOST, AMQP_PORT, AMQP_USER, AMQP_CA, AMQP_PASSWORD } = process.env;
const user = AMQP_USER ?? "imcloud";
const connection = await amqp.connect(
  {
    protocol: AMQP_CA === undefined ? "amqp" : "amqps",
    hostname: AMQP_HOST ?? "127.0.0.1",
    port: Number(AMQP_PORT ?? 5672),
    vhost: "imcloud",
    username: AMQP_USER ?? "imcloud-server",
    password: AMQP_PASSWORD,
  },
  AMQP_CA === undefined ? {} : { ca: [readFileSync(AMQP_CA)] },
);
const channel = await connection.createChannel();
await channel.checkExchange("imcloud.events");
const { queue } = await channel.assertQueue(`${user}.test-listener`, { exclusive: true });
await channel.bindQueue(queue, "imcloud.events", "#");
await channel.consume(queue, (message) => {
  const { fields, properties, content } = message;
  process.stdout.write(
    `${JSON.stringify({ key: fields.routingKey, headers: properties.headers, event: JSON.parse(content.toString()) })}\n`,
  );
  channel.ack(message);
});
process.stdout.write("listening\n");
process.once("SIGTERM", () => void connection.close());
