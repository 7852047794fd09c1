/**
 * RabbitMQ's pace: durable messages of an event's size through a queue of their own, as many at a time as the
 * outbox has under way.
 */
import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { ConfirmChannel } from "amqplib";
import { withConnection, type RabbitmqConfig } from "./probe-rabbitmq.js";
import { timesOf, type Times } from "./times.js";

const TIMEOUT_MS = 30_000;
const MEASURE_MS = 4_000;
const UNDER_WAY = 64;
const MESSAGE_BYTES = 512;

export interface BrokerPace extends Times {
  readonly perSecond: number;
}

/** @throws Error when the broker cannot be reached, or stops answering */
export async function measureRabbitmq(bus: RabbitmqConfig): Promise<BrokerPace> {
  return withConnection(bus, TIMEOUT_MS, async (connection) => {
    const channel = await connection.createConfirmChannel();
    // The broker removes it with the connection. The name is one that the server's account may use.
    const { queue } = await channel.assertQueue(`imcloud.measure-${randomUUID()}`, { exclusive: true });
    const startedAt = performance.now();
    const times = await passMessages(channel, queue);
    const seconds = (performance.now() - startedAt) / 1000;
    return { ...timesOf(times), perSecond: Math.round(times.length / seconds) };
  });
}

/** @returns for each message that came, the milliseconds from its publication to its arrival */
async function passMessages(channel: ConfirmChannel, queue: string): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + MEASURE_MS;
  let waiting = 0;
  return new Promise((resolve, reject) => {
    const failure = (error: unknown) => reject(error instanceof Error ? error : new Error(String(error)));
    channel.once("error", failure);
    channel.once("close", () => failure(new Error("the broker closed the channel")));
    const settle = () => {
      if (waiting === 0 && performance.now() >= end) resolve(times);
    };
    const publish = () => {
      waiting += 2; // its arrival and its confirmation
      const body = Buffer.alloc(MESSAGE_BYTES);
      body.writeDoubleLE(performance.now());
      channel.sendToQueue(queue, body, { persistent: true }, (error: unknown) => {
        if (error !== null && error !== undefined) return failure(error);
        waiting -= 1;
        settle();
      });
    };
    channel
      .consume(queue, (message) => {
        if (message === null) return failure(new Error("the broker ended the consumer"));
        times.push(performance.now() - message.content.readDoubleLE());
        channel.ack(message);
        waiting -= 1;
        if (performance.now() < end) publish();
        else settle();
      })
      .then(() => {
        for (let index = 0; index < UNDER_WAY; index += 1) publish();
      }, failure);
  });
}
