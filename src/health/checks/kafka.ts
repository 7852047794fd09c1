/**
 * Kafka, asked the cheap way: by its service, its port and its folder. Its own programs start a JVM, which takes a
 * board five to ten seconds; that events come through is what the IM server's probe shows.
 */
import { sh } from "../../board/script.js";
import { fail, fieldsOf, ok, percent, unknown, warn, type HealthCheck } from "../check.js";
import { portCheck, serviceCheck } from "./service-state.js";

const UNIT = "kafka.service";
const SETTINGS = "/etc/kafka/server.properties";

export const kafkaService = serviceCheck(
  { id: "kafka-service", title: "Kafka service", playbook: "kafka" },
  UNIT,
);

export const kafkaPort = portCheck(
  { id: "kafka-port", title: "Kafka port", playbook: "kafka" },
  9_092,
  kafkaService.id,
  `see \`imcloud exec -- journalctl -u ${UNIT} -n 50\`; after a power cut it reads its files first`,
);

/** Its playbook takes a fifth at most; what is above half somebody has asked for, or forgotten. */
const LARGE = 0.5;

export const kafkaLog: HealthCheck = {
  id: "kafka-log",
  title: "Kafka's log",
  playbook: "kafka",
  after: ["disk-space"],
  unit: "bytes",
  probe: () => sh`
data=$(sed -n 's/^log\.dirs=//p' ${SETTINGS})
[ -n "$data" ] || exit 1
printf 'data=%s\n' "$data"
[ ! -s "$data/meta.properties" ] || echo formatted=yes
printf 'usedKb=%s\n' "$(du -sk "$data" | cut -f 1)"
df -P -k "$data" | awk 'NR == 2 { print "diskKb=" $2 }'`,
  judge({ stdout, exitCode }) {
    const fields = fieldsOf(stdout);
    const data = fields.get("data");
    if (exitCode !== 0 && data === undefined)
      return unknown("its settings name no folder", { hint: `run \`imcloud apply\`: it writes ${SETTINGS}` });
    if (fields.get("formatted") === undefined)
      return fail("its storage is not there", {
        measured: data ?? "",
        hint: "see whether its disk is mounted: `imcloud exec -- findmnt`; if it never was there, run `imcloud apply`",
      });
    const [usedKb, diskKb] = [Number(fields.get("usedKb") || NaN), Number(fields.get("diskKb") || NaN)];
    if (Number.isNaN(usedKb) || Number.isNaN(diskKb))
      return unknown("nobody tells how large it is", {
        hint: `see \`imcloud exec -- du -sh ${data ?? ""}\``,
      });
    const figure = {
      measured: `${Math.round(usedKb / 1024)} MiB`,
      value: usedKb * 1024,
      threshold: `${percent(LARGE)} of the disk`,
    };
    if (usedKb >= LARGE * diskKb)
      return warn(`takes ${percent(usedKb / diskKb)} of the disk`, {
        ...figure,
        hint: "let topics keep less (`retention.bytes`), or put `kafka_data` on a larger disk",
      });
    return ok("keeps within its part of the disk", figure);
  },
};
