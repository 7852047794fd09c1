/**
 * A topic of the board's Kafka, with its settings.
 *
 * Kafka's own programs start a JVM, which takes a board five to ten seconds, so the broker is not asked at every
 * run: what was last brought about is compared, and that the broker listens. The note of it lies beside the broker's
 * data, so a broker whose data is gone has no note either. Making a topic takes one JVM, changing one up to three.
 *
 * A topic keeps what it holds: partitions are added, never taken away, and `destroy` leaves the topic to its data.
 *
 * Source: Kafka documentation, "Topic Configs" and "Modifying topics".
 */
import { z } from "zod";
import { lines, nothing, sh, type Script } from "../board/script.js";
import { AbsolutePath } from "./fields.js";
import {
  absent,
  known,
  unknowable,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

const TOOL = "/usr/local/bin/imcloud-kafka";

/**
 * A board's broker comes up minutes after another's: each fetches its Java first. The broker that is asked counts only
 * those that have registered with the cluster, and refuses more copies than that.
 */
const BROKERS_WITHIN_S = 600;

const Setting = z
  .union([
    z.string().refine((text) => /^[^\s[\]]+$/.test(text), "no spaces or brackets"),
    z.number(),
    z.boolean(),
  ])
  .transform(String);

const Desired = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,249}$/, "letters, digits, `.`, `_` and `-`, at most 249")
    .refine((name) => name !== "." && name !== "..", "a name that is no folder's"),
  partitions: z.int().min(1).max(1_000).describe("can be raised later, then keys change their partition"),
  replication: z.int().min(1).max(3).default(1).describe("copies, when the topic is made; not changed later"),
  config: z
    .record(z.string().regex(/^[a-z][a-z.]*$/), Setting)
    .default({})
    .describe("settings of the topic"),
  port: z.int().min(1).max(65_535).default(9_092).describe("of the board's own broker, on loopback"),
  data: AbsolutePath.default("/var/lib/kafka").describe("where the broker's data is"),
});
type Desired = z.infer<typeof Desired>;

/** `name=value`, as the note has them. */
type Settings = readonly string[];

const noteOf = ({ data, name }: Desired) => `${data}/imcloud-topic-${name}`;

export const kafkaTopic: ResourceType<Desired, Settings> = {
  type: "kafka-topic",
  schema: Desired,
  key: ({ name }) => name,

  probe: (all) => sh`
[ -x ${TOOL} ] || echo missing
sed -n 's/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]*\) [0-9A-F]*:0000 0A .*/port \1/p' /proc/net/tcp /proc/net/tcp6 2>/dev/null
grep -sH = ${all.map(({ desired }) => noteOf(desired))}
:`,

  observe(output, all) {
    const rows = output.split("\n");
    return new Map(
      all.map(({ id, desired }): [ResourceId, Observation<Settings>] => {
        if (rows.includes("missing")) return [id, unknowable("Kafka is not installed yet")];
        if (!rows.includes(`port ${desired.port.toString(16).toUpperCase().padStart(4, "0")}`))
          return [id, unknowable(`Kafka does not listen on port ${desired.port}`)];
        const prefix = `${noteOf(desired)}:`;
        const settings = rows.flatMap((row) => (row.startsWith(prefix) ? [row.slice(prefix.length)] : []));
        return [id, settings.length === 0 ? absent : known(settings)];
      }),
    );
  },

  diff(desired, observed) {
    const settings = settingsOf(desired);
    const before = observed.kind === "absent" ? [] : observed.value;
    if (before.join("\n") === settings.join("\n")) return [];
    const note = noteOf(desired);
    return [
      {
        kind: observed.kind === "absent" ? "create" : "update",
        risk: "none",
        before: before.join("\n"),
        after: settings.join("\n"),
        apply: lines([
          makeOrChange(desired, before),
          sh`
printf '%s\n' ${settings} > ${`${note}.new`}
sync ${`${note}.new`}
mv -f ${`${note}.new`} ${note}`,
        ]),
        undo: sh`rm -f ${note}`,
        keptByRollback: true,
      },
    ];
  },
};

function settingsOf({ partitions, replication, config }: Desired): Settings {
  return [
    `partitions=${partitions}`,
    `replication=${replication}`,
    ...Object.entries(config)
      .map(([name, value]) => `${name}=${value}`)
      .toSorted(),
  ];
}

/** A topic that is there, from before a `destroy` or by somebody's hand, is changed to what is asked for. */
function makeOrChange(desired: Desired, before: Settings): Script {
  const { name, partitions, replication, config, port } = desired;
  const broker = `localhost:${port}`;
  const given = Object.entries(config);
  const set = given.map(([key, value]) => (value.includes(",") ? `${key}=[${value}]` : `${key}=${value}`));
  const gone = before
    .map((setting) => setting.slice(0, setting.indexOf("=")))
    .filter((key) => key !== "partitions" && key !== "replication" && !(key in config));
  const alter = sh`${TOOL} configs --bootstrap-server ${broker} --alter --entity-type topics --entity-name ${name}`;
  return sh`
until=$(( $(date +%s) + ${BROKERS_WITHIN_S} ))
until said=$(${TOOL} topics --bootstrap-server ${broker} --create --if-not-exists --topic ${name} \
  --partitions ${partitions} --replication-factor ${replication} ${given.flatMap(([key, value]) => ["--config", `${key}=${value}`])} 2>&1); do
  case $said in *InvalidReplicationFactor*) ;; *) printf '%s\n' "$said"; exit 1 ;; esac
  if [ "$(date +%s)" -ge "$until" ]; then
    printf '%s\n' "$said"
    echo ${`not all ${replication} brokers were there within ${BROKERS_WITHIN_S} s: start the others, and run the command again`}
    exit 1
  fi
  sleep 1
done
printf '%s\n' "$said"
case $said in *"Created topic"*) ;; *)
  has=$(${TOOL} topics --bootstrap-server ${broker} --describe --topic ${name} | sed -n 's/.*PartitionCount: *\([0-9]*\).*/\1/p')
  if [ "\${has:?Kafka does not tell how many partitions the topic has}" -gt ${partitions} ]; then
    echo ${`the topic ${name} has more partitions than ${partitions}, and Kafka takes none away:`} "$has"
    exit 1
  fi
  [ "$has" -eq ${partitions} ] ||
    ${TOOL} topics --bootstrap-server ${broker} --alter --topic ${name} --partitions ${partitions}
  ${set.length === 0 ? nothing : sh`${alter} --add-config ${set.join(",")}`}
  ${gone.length === 0 ? nothing : sh`${alter} --delete-config ${gone.join(",")}`}
esac`;
}
