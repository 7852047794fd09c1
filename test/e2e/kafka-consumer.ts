/** Kafka's own consumer, on a board. */
import type { VirtualBoard } from "../../src/lab/virtual-board.js";

const PATIENCE_MS = 90_000;

export interface KafkaRecord {
  /** The room. */
  readonly key: string;
  readonly event: { readonly event_id: string; readonly type: string };
}

/** @returns everything in the topic, as the consumer prints it: key, tab, value */
async function recordsOn(board: VirtualBoard): Promise<readonly KafkaRecord[]> {
  const printed = await board.sh(
    "imcloud-kafka consume --bootstrap-server localhost:9092 --topic imcloud.events --from-beginning " +
      "--formatter-property print.key=true --timeout-ms 4000 2> /dev/null",
  );
  return printed.split("\n").flatMap((row) => {
    const [key = "", value = ""] = row.split("\t");
    return value.startsWith("{") ? [{ key, event: JSON.parse(value) as KafkaRecord["event"] }] : [];
  });
}

/** Reads again and again until all are there. @param ids of events @throws Error after a minute and a half */
export async function untilRead(
  board: VirtualBoard,
  ids: readonly string[],
): Promise<readonly KafkaRecord[]> {
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    const all = await recordsOn(board);
    const missing = ids.filter((id) => all.every(({ event }) => event.event_id !== id));
    if (missing.length === 0) return all;
    if (Date.now() > deadline) throw new Error(`${missing.length} events are not in the topic`);
  }
}
