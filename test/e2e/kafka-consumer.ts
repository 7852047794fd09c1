/** Kafka's own consumer, on a board. */
import type { VirtualBoard } from "../../src/lab/virtual-board.js";

const PATIENCE_S = 90;

export interface KafkaRecord {
  /** The room. */
  readonly key: string;
  readonly event: { readonly event_id: string; readonly type: string };
}

/** Prints the topic's records until the events that are its arguments are among them, or the time is over. */
const READ_ALONG = String.raw`
  exec 3< <(exec timeout ${PATIENCE_S} imcloud-kafka consume --bootstrap-server localhost:9092 \
    --topic imcloud.events --from-beginning --formatter-property print.key=true)
  consumer=$!
  while [ $# != 0 ] && IFS= read -r row <&3; do
    printf '%s\n' "$row"
    for id; do
      shift
      case $row in *"\"event_id\":\"$id\""*) ;; *) set -- "$@" "$id" ;; esac
    done
  done
  kill "$consumer"
  [ $# = 0 ] || { echo "not in the topic: $*" >&2; exit 1; }`;

/**
 * Reads along with one consumer until all are there. How long a consumer takes to come in depends on the
 * machine; on a slow one, each of many that wait a few seconds may be too late.
 *
 * @param ids of events
 * @returns what was read on the way as the consumer prints it: key, tab, value; a room's in their order
 * @throws ImcloudError `lab.failed` after a minute and a half, with those that are missing and what Kafka said
 */
export async function untilRead(
  board: VirtualBoard,
  ids: readonly string[],
): Promise<readonly KafkaRecord[]> {
  const printed = await board.sh(`exec bash -s ${ids.map((id) => `'${id}'`).join(" ")}`, READ_ALONG);
  return printed.split("\n").flatMap((row) => {
    const [key = "", value = ""] = row.split("\t");
    return value.startsWith("{") ? [{ key, event: JSON.parse(value) as KafkaRecord["event"] }] : [];
  });
}
