/**
 * Kafka on boards with 1 and 2 GB: as its archive starts it, and as imcloud does.
 */
import { execa } from "execa";
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { sshArguments } from "../../src/lab/ssh.js";
import { kafkaRelease } from "../server/jars.js";
import { compared, inTurns, measured, type Bench, type Metric } from "./metric.js";
import { alone, leastAvailableMb, load, tune, type LoadPlan } from "./small/boards.js";
import { sized } from "./trial.js";

const VERSION = "4.3.1";
const PORT = 9092;
const SIZES_MB = [1024, 2048];
const PAIRS = sized(4, 2);
const START_S = 600;
const LOAD: LoadPlan = {
  ...{ broker: "kafka", seconds: sized(15, 5), bytes: 1_000, inFlight: 20, perSecond: null },
};
/** Java compiles what runs often, and an emulated CPU takes its time for that. */
const WARM: LoadPlan = { ...LOAD, seconds: sized(60, 5) };

/**
 * What `kafka-server-start.sh` and `config/server.properties` of the release come to, but for the log, which there goes to files too.
 *
 * Source: Kafka 4.3's bin/kafka-server-start.sh, bin/kafka-run-class.sh, config/server.properties.
 */
const DEFAULTS = {
  java: [
    ...["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"],
    ...[
      "-XX:InitiatingHeapOccupancyPercent=35",
      "-XX:+ExplicitGCInvokesConcurrent",
      "-Djava.awt.headless=true",
    ],
    "-Xlog:gc*:file=/opt/kafkaServer-gc.log:time,tags:filecount=10,filesize=100M",
    ...["", ".authenticate=false", ".ssl=false"].map((what) => `-Dcom.sun.management.jmxremote${what}`),
  ].join(" "),
  settings: `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`,
};

type Say = (line: string) => void;

export const kafkaSmall: Bench = {
  name: "kafka-small",
  summary: "Kafka on emulated boards of 1 and 2 GB: tuned, against its archive's settings",

  async run(report, say) {
    const release = await kafkaRelease(VERSION);
    for (const memoryMb of SIZES_MB)
      await compare(memoryMb, release, report, (line) => say(`${memoryMb} MB: ${line}`));
  },
};

async function compare(
  memoryMb: number,
  release: Awaited<ReturnType<typeof kafkaRelease>>,
  report: (metric: Metric) => void,
  say: Say,
) {
  const options = { memoryMb, forwards: [PORT], packages: ["openjdk-17-jre-headless"] };
  await using plain = await emulatedBoard("plain", options);
  await using tuned = await emulatedBoard("tuned", options);
  const onPlain = <T>(work: (board: EmulatedBoard) => Promise<T>) => alone(tuned, () => work(plain));
  const onTuned = <T>(work: (board: EmulatedBoard) => Promise<T>) => alone(plain, () => work(tuned));
  const heading = (metric: string, unit: string) => ({
    ...{ bench: "kafka-small", metric: `${memoryMb} MB: ${metric}`, unit },
  });

  await onTuned(async (board) => {
    say("applying `tuning` and `kafka`");
    await tune(board, {
      playbooks: ["tuning", "kafka"],
      config: {
        cloud: { name: "test", broker: "kafka" },
        kafka: release,
      },
    });
  });
  const isTunedUp = await onTuned(async (board) => isUp(board, "kafka.service", say));
  const isPlainUp = await onPlain(async (board) => startPlain(board, release.archive, say));
  report(measured({ ...heading("starts", "1"), goal: { atLeast: 1 } }, [Number(isTunedUp)]));
  report(measured(heading("the archive's settings start", "1"), [Number(isPlainUp)]));
  if (!isTunedUp) return;

  const rate = async (board: EmulatedBoard) => {
    const answer = await load(board, LOAD);
    say(JSON.stringify(answer));
    return answer.perSecond;
  };
  for (const onBoard of isPlainUp ? [onPlain, onTuned] : [onTuned]) {
    await onBoard(async (board) => {
      await openPort(board);
      await load(board, WARM);
    });
  }
  const rates = await inTurns(
    PAIRS,
    async () => onTuned(rate),
    async () => (isPlainUp ? onPlain(rate) : NaN),
  );
  const availableMb = async (board: EmulatedBoard) => {
    const [least] = await Promise.all([leastAvailableMb(board, LOAD.seconds), load(board, LOAD)]);
    return least;
  };
  const ours = await onTuned(availableMb);
  const published = heading("publish, acks=all, consume", "1/s");
  const left = heading("memory left to others under load", "MB");
  if (isPlainUp) {
    report(compared({ ...published, goal: { atLeast: 1 } }, rates));
    report(compared(left, [{ value: ours, baseline: await onPlain(availableMb) }]));
  } else {
    const values = rates.map(({ value }) => value);
    report(measured(published, values));
    report(measured(left, [ours]));
  }
}

/** Starts Kafka as its archive does: with its own script's options, and the settings that lie beside it. */
async function startPlain(board: EmulatedBoard, archive: string, say: Say): Promise<boolean> {
  await execa("ssh", [...sshArguments(board), "sudo tar -xz -C /opt"], { inputFile: archive });
  const java = "/usr/lib/jvm/java-17-openjdk-arm64/bin/java";
  const classPath = `-cp '/opt/kafka_2.13-${VERSION}/libs/*'`;
  await board.sh(
    `cat > /opt/server.properties
     ${java} -Xmx256M ${classPath} kafka.tools.StorageTool format --standalone --cluster-id=YmVuY2gtYmVuY2gtYmVuYw --config /opt/server.properties`,
    DEFAULTS.settings,
  );
  const command = `${java} ${DEFAULTS.java} ${classPath} kafka.Kafka /opt/server.properties`;
  await board.sh(`systemd-run --quiet --unit=plain ${command}`);
  return isUp(board, "plain.service", say);
}

/** Whether the unit accepts connections within the deadline; if not, why not is said. */
async function isUp(board: EmulatedBoard, unit: string, say: Say): Promise<boolean> {
  const said = await board.sh(
    `begin=$(cut -d . -f 1 /proc/uptime)
     until [ -n "$(ss -Hltn sport = :${PORT})" ]; do
       took=$(($(cut -d . -f 1 /proc/uptime) - begin))
       if [ $took -gt ${START_S} ] || ! systemctl -q is-active ${unit}; then
         journalctl -u ${unit} -o cat -n 12 --no-pager; dmesg | grep -i 'out of memory'
         echo "not up after $took s"; exit 0
       fi
       sleep 1
     done
     echo up after $(($(cut -d . -f 1 /proc/uptime) - begin)) s`,
  );
  say(`${unit}: ${said}`);
  return said.startsWith("up after");
}

/** Both brokers are for programs on the board alone, as they come. */
async function openPort(board: EmulatedBoard): Promise<void> {
  await board.sh(
    `echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
     nft -f -`,
    `table ip bench {
       chain in {
         type nat hook prerouting priority dstnat
         tcp dport ${PORT} dnat to 127.0.0.1
       }
     }`,
  );
}
