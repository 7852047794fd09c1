/**
 * A round trip through the broker: a queue of its own, a message to it, the message back.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "amqplib";
import type { ServerConfig } from "../../shared/server-config.js";
import { readSecretFile } from "../runtime/secret-file.js";

/** @throws Error when the message is not back in time */
export async function probeBroker(
  bus: Extract<ServerConfig["bus"], { kind: "rabbitmq" }>,
  timeoutMs: number,
): Promise<void> {
  const { host, port, vhost, user, passwordFile, exchange, tls } = bus;
  const connection = await connect(
    {
      protocol: tls ? "amqps" : "amqp",
      hostname: host,
      port,
      vhost,
      username: user,
      password: readSecretFile(passwordFile),
    },
    { timeout: timeoutMs, ...(tls !== undefined && { ca: [readFileSync(tls.caFile)], servername: host }) },
  );
  try {
    const channel = await connection.createConfirmChannel();
    await channel.checkExchange(exchange);
    // The broker removes it with the connection, however that ends.
    const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true });
    const nonce = randomUUID();
    const back = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the message did not come back within ${timeoutMs} ms`)),
        timeoutMs,
      );
      channel
        .consume(
          queue,
          (message) => {
            if (message?.content.toString() !== nonce) return;
            clearTimeout(timer);
            resolve();
          },
          { noAck: true },
        )
        .catch(reject);
    });
    channel.sendToQueue(queue, Buffer.from(nonce));
    await channel.waitForConfirms();
    await back;
  } finally {
    await connection.close();
  }
}
