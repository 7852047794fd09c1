/**
 * The bus on Kafka: the room is the key, so a room's events are in one partition, in order.
 *
 * The producer is idempotent and waits for all replicas in sync; one batch is under way at a time. After any
 * loss the producer is thrown away with its connections, and the next one starts at the oldest event without an
 * answer: if the broker still writes what the old one had sent, that only repeats events, in their order.
 *
 * A message that the broker refuses takes its whole batch with it. Halves of the batch are tried until the
 * refused ones stand alone: those are refused for good.
 *
 * Records carry the time of their publication, the event's own time is in the body: Kafka deletes by the
 * record's time (an outage's events would be deleted on arrival), and refuses what lies ahead of its clock.
 * Source: Kafka documentation, "Message Delivery Semantics", `log.retention.ms`,
 * `log.message.timestamp.after.max.ms`; KIP-98, "Idempotent Producer Guarantees".
 */
import { findErrorBy, Producer, stringSerializers, type MessageToProduce } from "@platformatic/kafka";
import { within } from "../../runtime/within.js";
import { BusDownError, type Bus, type BusMessage, type Publication } from "../bus.js";
import { batchesOf, type Entry } from "./batches.js";
import { clientOptions, explain, hangUp, type KafkaConfig } from "./client.js";

type EventProducer = Producer<string, string, string, string>;

/** A cluster that takes no batch for so long, with the library's own tries, counts as lost. */
const CONFIRM_TIMEOUT_MS = 30_000;

/** What a broker says of a message that it will never take. Source: Kafka protocol guide, "Error Codes". */
const REFUSALS = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD"] as const;

export class KafkaBus implements Bus {
  readonly name = "kafka";
  readonly #config: KafkaConfig;
  #producer: EventProducer | undefined;
  #trouble: string | undefined = "not connected yet";
  #isClosed = false;

  constructor(config: KafkaConfig) {
    this.#config = config;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  async publish(messages: readonly BusMessage[]): Promise<readonly Publication[]> {
    if (this.#isClosed) throw new BusDownError("the bus is closed");
    try {
      const producer = (this.#producer ??= openProducer(this.#config));
      const partitions = await answered(this.#partitions(producer));
      const outcomes: Publication[] = [];
      for (const { partition, entries } of batchesOf(messages, partitions)) {
        await this.#send(producer, partition, entries, outcomes);
      }
      this.#trouble = undefined;
      return outcomes;
    } catch (error) {
      this.#trouble = explain(error);
      await this.#hangUp();
      throw new BusDownError(`Kafka takes nothing: ${this.#trouble}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#hangUp();
  }

  async #partitions(producer: EventProducer): Promise<number> {
    const { topic } = this.#config;
    const { topics } = await producer.metadata({ topics: [topic] });
    const partitions = topics.get(topic)?.partitionsCount ?? 0;
    if (partitions === 0) throw new Error(`the topic \`${topic}\` has no partition`);
    return partitions;
  }

  async #send(
    producer: EventProducer,
    partition: number,
    entries: readonly Entry[],
    outcomes: Publication[],
  ): Promise<void> {
    try {
      const { topic } = this.#config;
      await answered(
        producer.send({ messages: entries.map(({ message }) => toRecord(message, topic, partition)) }),
      );
      for (const { index } of entries) outcomes[index] = { kind: "confirmed" };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const [first] = entries;
      if (first !== undefined && entries.length === 1) {
        outcomes[first.index] = { kind: "refused", reason: explain(error) };
        return;
      }
      const middle = Math.ceil(entries.length / 2);
      await this.#send(producer, partition, entries.slice(0, middle), outcomes);
      await this.#send(producer, partition, entries.slice(middle), outcomes);
    }
  }

  async #hangUp(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer !== undefined) await hangUp(producer);
  }
}

function openProducer(config: KafkaConfig): EventProducer {
  return new Producer({ ...clientOptions(config), idempotent: true, serializers: stringSerializers });
}

function toRecord(
  { headers, body }: BusMessage,
  topic: string,
  partition: number,
): MessageToProduce<string, string, string, string> {
  const { seq, ...texts } = headers;
  return { topic, partition, key: headers.room_id, value: body, headers: { ...texts, seq: String(seq) } };
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Error && REFUSALS.some((id) => findErrorBy(error, "apiId", id) !== null);

const answered = <T>(work: Promise<T>): Promise<T> => within(CONFIRM_TIMEOUT_MS, "no answer", work);
