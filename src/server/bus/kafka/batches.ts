/**
 * Messages as they travel together: of one partition, in order, small enough for a broker's default limit.
 */
import type { BusMessage } from "../bus.js";
import { partitionOf } from "./client.js";

/** Kafka takes a batch of 1,048,588 bytes unless told otherwise (`message.max.bytes`). */
const BATCH_BYTES = 512 * 1024;
/** Lengths, offsets and the names of headers; more than they really take. */
const OVERHEAD_BYTES = 256;

/** A message, and its place among those that were handed over. */
export interface Entry {
  readonly index: number;
  readonly message: BusMessage;
}

export interface Batch {
  readonly partition: number;
  readonly entries: readonly Entry[];
}

/** @param partitions of the topic, 1 or more */
export function batchesOf(messages: readonly BusMessage[], partitions: number): readonly Batch[] {
  const open = new Map<number, { partition: number; entries: Entry[]; bytes: number }>();
  const batches: Batch[] = [];
  for (const [index, message] of messages.entries()) {
    const partition = partitionOf(message.headers.room_id, partitions);
    const bytes = sizeOf(message);
    const batch = open.get(partition);
    if (batch !== undefined && batch.bytes + bytes <= BATCH_BYTES) {
      batch.entries.push({ index, message });
      batch.bytes += bytes;
    } else {
      const started = { partition, entries: [{ index, message }], bytes };
      open.set(partition, started);
      batches.push(started);
    }
  }
  return batches;
}

function sizeOf({ headers, body }: BusMessage): number {
  const texts = [body, headers.room_id, ...Object.values(headers).map(String)];
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), OVERHEAD_BYTES);
}
