/**
 * Listens to the cloud's events on its broker, as a program of the operator's would, and prints one JSON line for
 * each. The first line, `listening`, says that none is missed from now on.
 *
 * usage: AMQP_PASSWORD=... node amqp-events.mjs   (ends with SIGTERM)
 */
import amqp from "amqplib";

const connection = await amqp.connect({
  hostname: "127.0.0.1",
  port: 5672,
  vhost: "imcloud",
  username: "imcloud-server",
  password: process.env.AMQP_PASSWORD,
});
const channel = await connection.createChannel();
await channel.assertExchange("imcloud.events", "topic", { durable: true });
const { queue } = await channel.assertQueue("imcloud.test-listener", { exclusive: true });
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
