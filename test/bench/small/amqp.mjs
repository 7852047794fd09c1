/**
 * RabbitMQ under load.mjs: a durable queue, persistent messages, confirms.
 */
import amqp from "amqplib";

const QUEUE = "bench";

export async function connect({ host, username, password, perSecond }) {
  const open = () => amqp.connect({ hostname: host, username, password, heartbeat: 60 });
  const [publishing, consuming] = [await open(), await open()];
  const out = await publishing.createConfirmChannel();
  const back = await consuming.createChannel();
  await out.assertQueue(QUEUE, { durable: true });
  await out.purgeQueue(QUEUE);
  await back.prefetch(perSecond === null ? 100 : 1);
  return {
    publish: (content) =>
      new Promise((resolve) =>
        out.sendToQueue(QUEUE, content, { persistent: true }, (error) => resolve(error === null)),
      ),
    consume: (take) =>
      back.consume(QUEUE, async (message) => {
        if (message === null) return;
        await take(message.content);
        back.ack(message);
      }),
  };
}
