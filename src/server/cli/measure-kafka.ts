/**
 * Kafka's pace: records of an event's size through a topic of their own, as many at a time as the outbox has under
 * way, batch after batch, and as safe as the events' own topic makes them.
 */
import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { clientOptions, explain, hangUp, type KafkaConfig } from "../bus/kafka/client.js";
import type { BrokerPace } from "./measure-rabbitmq.js";
import { timesOf } from "./times.js";

const MEASURE_MS = 4_000;
const UNDER_WAY = 64;
const MESSAGE_BYTES = 512;
const FETCH_BYTES = 1_048_576;
/** A new topic has no leader for a moment; the library asks again this often, a fifth of a second apart. */
const RETRIES = 25;
const PREFIX = "imcloud.measure-";

/** @throws Error when the cluster cannot be reached, stops answering, or does not let the user make a topic */
export async function measureKafka(config: KafkaConfig): Promise<BrokerPace> {
  const options = { ...clientOptions(config), retries: RETRIES };
  const admin = new Admin(options);
  const producer = new Producer<Buffer, Buffer>({ ...options, idempotent: true });
  // The group is a name that the library wants, and that nobody joins.
  const consumer = new Consumer({ ...options, groupId: "imcloud-measure" });
  const topic = `${PREFIX}${randomUUID()}`;
  try {
    await removeTopics(admin);
    await admin.createTopics({ topics: [topic], partitions: 1, ...(await asSafeAs(admin, config.topic)) });
    const startedAt = performance.now();
    const times = await passRecords(producer, consumer, topic);
    const seconds = (performance.now() - startedAt) / 1000;
    return { ...timesOf(times), perSecond: Math.round(times.length / seconds) };
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  } finally {
    await removeTopics(admin).catch(() => undefined); // the next one does
    // This one takes no `force`.
    const { connections } = admin;
    await hangUp({ connections, close: () => admin.close() });
    await Promise.all([hangUp(producer), hangUp(consumer)]);
  }
}

/** Also what an earlier one left that was killed. */
async function removeTopics(admin: Admin): Promise<void> {
  const topics = (await admin.listTopics()).filter((name) => name.startsWith(PREFIX));
  if (topics.length > 0) await admin.deleteTopics({ topics });
}

/** What playbooks/kafka.yaml gives the events' topic: alone, every batch on the disk; else on two boards. */
async function asSafeAs(admin: Admin, topic: string) {
  const { topics } = await admin.metadata({ topics: [topic] });
  const replicas = topics.get(topic)?.partitions[0]?.replicas.length ?? 1;
  const [name, value] = replicas === 1 ? ["flush.messages", "1"] : ["min.insync.replicas", "2"];
  return { replicas, configs: [{ name, value }] };
}

/** @returns for each record that came, the milliseconds from its publication to its arrival */
async function passRecords(
  producer: Producer<Buffer, Buffer>,
  consumer: Consumer,
  topic: string,
): Promise<readonly number[]> {
  const times: number[] = [];
  const value = Buffer.alloc(MESSAGE_BYTES);
  const messages = Array.from({ length: UNDER_WAY }, () => ({ topic, partition: 0, value }));
  consumer.topics.track(topic);
  let next = 0n;
  for (const end = performance.now() + MEASURE_MS; performance.now() < end;) {
    const sentAt = performance.now();
    await producer.send({ messages });
    const until = next + BigInt(UNDER_WAY);
    while (next < until) {
      const came = await fetchFrom(consumer, topic, next);
      for (; next < came; next += 1n) times.push(performance.now() - sentAt);
    }
  }
  return times;
}

/** @returns the offset after the last record that there was from `offset` on */
async function fetchFrom(consumer: Consumer, topic: string, offset: bigint): Promise<bigint> {
  const { topics } = await consumer.metadata({ topics: [topic] });
  const known = topics.get(topic);
  const leader = known?.partitions[0];
  if (known === undefined || leader === undefined) throw new Error(`the topic \`${topic}\` has no partition`);
  const { responses } = await consumer.fetch({
    node: leader.leader,
    maxWaitTime: 1_000,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    topics: [
      {
        topicId: known.id,
        partitions: [
          {
            partition: 0,
            fetchOffset: offset,
            currentLeaderEpoch: leader.leaderEpoch,
            lastFetchedEpoch: -1,
            partitionMaxBytes: FETCH_BYTES,
          },
        ],
      },
    ],
  });
  const batches = responses.flatMap(({ partitions }) => partitions.flatMap(({ records }) => records ?? []));
  return batches.reduce((last, { firstOffset, lastOffsetDelta }) => {
    const after = firstOffset + BigInt(lastOffsetDelta) + 1n;
    return after > last ? after : last;
  }, offset);
}
