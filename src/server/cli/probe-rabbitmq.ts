/**
 * A round trip through RabbitMQ: a queue of its own, a message to it, the message back.
 */
import { randomUUID } from "node:crypto";
import { connect, type ChannelModel } from "amqplib";
import type { ServerConfig } from "../../shared/server-config.js";
import { tlsOptions } from "../bus/rabbitmq/tls.js";
import { readSecretFile } from "../runtime/secret-file.js";
import { within } from "../runtime/within.js";

export type RabbitmqConfig = Extract<ServerConfig["bus"], { kind: "rabbitmq" }>;

/** @throws Error when the message is not back in time */
export async function probeRabbitmq(bus: RabbitmqConfig, timeoutMs: number): Promise<void> {
  await withConnection(bus, timeoutMs, (connection) =>
    within(timeoutMs, "the message did not come back", roundTrip(connection, bus.exchange)),
  );
}

/**
 * Does something over a connection of its own, and closes it whatever comes.
 *
 * @param timeoutMs for the login, and for the goodbye
 * @throws Error what `work` throws, or that the broker cannot be reached or hung up
 */
export async function withConnection<Result>(
  bus: RabbitmqConfig,
  timeoutMs: number,
  work: (connection: ChannelModel) => Promise<Result>,
): Promise<Result> {
  const { host, port, vhost, user, passwordFile, tls } = bus;
  const connection = await connect(
    {
      protocol: tls ? "amqps" : "amqp",
      hostname: host,
      port,
      vhost,
      username: user,
      password: readSecretFile(passwordFile),
    },
    { timeout: timeoutMs, ...tlsOptions(bus) },
  );
  const failed = failureOf(connection);
  try {
    return await Promise.race([failed, work(connection)]);
  } finally {
    await hangUp(connection, timeoutMs);
  }
}

/** A broker that does not answer the goodbye must not keep the program, nor hide what went wrong before. */
async function hangUp(connection: ChannelModel, timeoutMs: number): Promise<void> {
  try {
    await within(timeoutMs, "the connection was not closed", connection.close());
  } catch {
    // Closed already, or silent: either way there is nobody left to say goodbye to.
  }
}

async function roundTrip(connection: ChannelModel, exchange: string): Promise<void> {
  const channel = await connection.createConfirmChannel();
  const refused = failureOf(channel);
  const back = (async () => {
    await channel.checkExchange(exchange);
    // The broker removes it with the connection, however that ends.
    const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true });
    const nonce = randomUUID();
    await new Promise<void>((resolve, reject) => {
      channel
        .consume(queue, (message) => message?.content.toString() === nonce && resolve(), { noAck: true })
        .then(() => channel.sendToQueue(queue, Buffer.from(nonce)), reject);
    });
  })();
  // Whoever loses the race may still fail, and everything worth telling has been told.
  back.catch(() => undefined);
  await Promise.race([refused, back]);
}

/** A channel that the broker closes says so by an event, and its pending calls never end. */
function failureOf(emitter: {
  once(event: "error", listener: (error: Error) => void): unknown;
}): Promise<never> {
  const failed = new Promise<never>((_, reject) => emitter.once("error", reject));
  failed.catch(() => undefined);
  return failed;
}
