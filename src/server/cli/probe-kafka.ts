/**
 * A round trip through Kafka: the event that the probe has sent, read back from the topic.
 *
 * It takes the way of every event, the outbox included, and leaves nothing behind: no record, no consumer group.
 */
import { Consumer } from "@platformatic/kafka";
import { clientOptions, explain, hangUp, partitionOf, type KafkaConfig } from "../bus/kafka/client.js";
import { within } from "../runtime/within.js";
import type { Sent } from "./probe-broker.js";

/** The clock of the board that publishes may be so much behind, in milliseconds. */
const CLOCK_MS = 10_000;
/** Longest wait of one request, in milliseconds. */
const FETCH_MS = 1_000;
const FETCH_BYTES = 1_048_576;

/**
 * @returns what a broker without power leaves: partitions of which fewer copies are kept up than there should be
 * @throws Error when the event is not in the topic in time, or the user may not read it
 */
export async function probeKafka(
  config: KafkaConfig,
  sent: Sent,
  timeoutMs: number,
): Promise<string | undefined> {
  // The group is a name that the library wants, and that nobody joins.
  const consumer = new Consumer({ ...clientOptions(config), groupId: "imcloud-probe" });
  try {
    await within(timeoutMs, "the event did not come back", readBack(consumer, config.topic, sent));
    return await missingCopies(consumer, config.topic);
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  } finally {
    await hangUp(consumer);
  }
}

async function missingCopies(consumer: Consumer, topic: string): Promise<string | undefined> {
  const { topics } = await consumer.metadata({ topics: [topic], forceUpdate: true });
  const partitions = topics.get(topic)?.partitions ?? [];
  const short = partitions.filter(({ isr, replicas }) => isr.length < replicas.length);
  if (short.length === 0) return undefined;
  return `${short.length} of ${partitions.length} partitions of \`${topic}\` have fewer copies than they should`;
}

async function readBack(consumer: Consumer, topic: string, { roomId, nonce, sentAt }: Sent): Promise<void> {
  consumer.topics.track(topic);
  const { topics } = await consumer.metadata({ topics: [topic] });
  const known = topics.get(topic);
  const partition = partitionOf(roomId, known?.partitionsCount ?? 0);
  const leader = known?.partitions[partition];
  if (known === undefined || leader === undefined) throw new Error(`the topic \`${topic}\` has no partition`);

  let next = await offsetAt(consumer, topic, partition, sentAt - CLOCK_MS);
  for (;;) {
    const wanted = {
      partition,
      fetchOffset: next,
      currentLeaderEpoch: leader.leaderEpoch,
      lastFetchedEpoch: -1,
      partitionMaxBytes: FETCH_BYTES,
    };
    const { responses } = await consumer.fetch({
      node: leader.leader,
      maxWaitTime: FETCH_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topicId: known.id, partitions: [wanted] }],
    });
    const batches = responses.flatMap(({ partitions }) => partitions.flatMap(({ records }) => records ?? []));
    for (const { records, firstOffset, lastOffsetDelta } of batches) {
      if (records.some(({ value }) => value?.includes(nonce))) return;
      next = firstOffset + BigInt(lastOffsetDelta) + 1n;
    }
  }
}

/** Of the first record since then; where the next one comes when there is none. */
async function offsetAt(consumer: Consumer, topic: string, partition: number, ms: number): Promise<bigint> {
  const ask = async (timestamp: bigint) => {
    const offsets = await consumer.listOffsets({
      topics: [topic],
      partitions: { [topic]: [partition] },
      timestamp,
    });
    return offsets.get(topic)?.[partition] ?? -1n;
  };
  const first = await ask(BigInt(ms));
  return first >= 0n ? first : ask(-1n);
}
