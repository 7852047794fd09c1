/**
 * RabbitMQ on a board with 1 GB: as its package comes, and as imcloud tunes it.
 *
 * The board is emulated, because a broker does not see a container's limit. Its CPU is a tenth of a Pi's: only the
 * ratios mean anything. Each broker is warmed up before it is measured, and
 * the package's comes first, on a board that has just been made.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { operator } from "../e2e/operator.js";
import { compared, measured, type Bench, type Pair } from "./metric.js";

const LOAD = join(packageRoot(), "test", "bench", "rabbit", "load.mjs");
const PORT = 5672;
const ACCOUNT = { username: "bench", password: "bench" };
const APPLY_MS = 1_800_000;
const ROUNDS = 3;
const ROUND_S = 30;
const IDLE_S = 60;
const FLOOD_S = 120;
/** As many as a program sends that knows no better; each is a photo's preview. */
const FLOOD = { seconds: FLOOD_S, bytes: 65_536, inFlight: 200, perSecond: 5 };
const CHAT = { seconds: ROUND_S, bytes: 1_000, inFlight: 20, perSecond: null };

interface Load {
  readonly perSecond: number;
  readonly p99Ms: number | null;
  readonly confirmed: number;
}

interface Figures {
  readonly perSecond: readonly number[];
  readonly idlePercent: number;
  readonly flood: { readonly confirmed: number; readonly survived: boolean; readonly freeMb: number };
}

export const rabbitSmall: Bench = {
  name: "rabbit-small",
  summary: "RabbitMQ on an emulated board of 1 GB: tuned, against its package's defaults",

  async run(report, say) {
    await using board = await emulatedBoard("small", { memoryMb: 1024, forwards: [PORT] });
    say("installing RabbitMQ as its package comes");
    await board.sh(
      `export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; apt-get -qq install --yes --no-install-recommends rabbitmq-server >/dev/null
       systemctl start rabbitmq-server`,
    );
    await withAccount(board);
    const plain = await figuresOf(board, (line) => say(`package: ${line}`));

    await using home = await operator({
      boards: [board],
      playbooks: ["tuning", "rabbitmq"],
      config: { cloud: { name: "test" }, vars: { amqp_address: "0.0.0.0" } },
    });
    say("applying `tuning` and `rabbitmq`");
    const { exitCode, stderr } = await home.imcloud("apply", "--yes", { deadlineMs: APPLY_MS });
    if (exitCode !== 0) throw new Error(stderr);
    await withAccount(board);
    const tuned = await figuresOf(board, (line) => say(`tuned: ${line}`));

    const heading = { bench: "rabbit-small" };
    const pairs = tuned.perSecond.map((value, index): Pair => ({
      value,
      baseline: plain.perSecond[index] ?? NaN,
    }));
    report(
      compared({ ...heading, metric: "publish, confirm, consume", unit: "1/s", goal: { atLeast: 1 } }, pairs),
    );
    report(
      compared({ ...heading, metric: "CPU while idle", unit: "%", goal: { atMost: 0.5 } }, [
        { value: tuned.idlePercent, baseline: plain.idlePercent },
      ]),
    );
    report(
      measured({ ...heading, metric: `alive after ${FLOOD_S} s of flood`, unit: "1", goal: { atLeast: 1 } }, [
        tuned.flood.survived ? 1 : 0,
      ]),
    );
    report(
      measured({ ...heading, metric: "the package's, alive after as much", unit: "1" }, [
        plain.flood.survived ? 1 : 0,
      ]),
    );
    report(
      compared({ ...heading, metric: "memory left to others at worst", unit: "MB" }, [
        { value: tuned.flood.freeMb, baseline: plain.flood.freeMb },
      ]),
    );
  },
};

/** An account for the load; `guest` is let in from the board itself at most. */
async function withAccount(board: EmulatedBoard): Promise<void> {
  await board.sh(
    `read -r user; read -r password
     rabbitmqctl -q await_startup --timeout 600
     rabbitmqctl -q list_users | grep -q "^$user[[:space:]]" || rabbitmqctl -q add_user "$user" "$password"
     rabbitmqctl -q set_permissions "$user" '.*' '.*' '.*'`,
    `${ACCOUNT.username}\n${ACCOUNT.password}\n`,
  );
}

async function figuresOf(board: EmulatedBoard, say: (line: string) => void): Promise<Figures> {
  const idlePercent = await idle(board);
  say(`${idlePercent.toFixed(2)} % of a CPU while idle`);
  await load(board, { ...CHAT, seconds: 10 }); // warm
  const perSecond: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const answer = await load(board, CHAT);
    say(JSON.stringify(answer));
    perSecond.push(answer.perSecond);
  }
  const before = await brokerPid(board);
  const watching = leastFree(board);
  const answer = await load(board, FLOOD);
  const freeMb = await watching;
  const flood = { confirmed: answer.confirmed, survived: (await brokerPid(board)) === before, freeMb };
  say(`flood: ${JSON.stringify({ ...answer, ...flood })}`);
  return { perSecond, idlePercent, flood };
}

async function load(board: EmulatedBoard, plan: object): Promise<Load> {
  const input = JSON.stringify({ host: board.address, ...ACCOUNT, ...plan });
  const { stdout } = await execa(process.execPath, [LOAD], { input });
  return JSON.parse(stdout) as Load;
}

const brokerPid = (board: EmulatedBoard) => board.sh("pgrep -o beam");

/** Of the broker's process, in percent of one CPU, once it has settled. */
async function idle(board: EmulatedBoard): Promise<number> {
  const ticks = async () => Number(await board.sh("awk '{ print $14 + $15 }' /proc/$(pgrep -o beam)/stat"));
  await delay(IDLE_S * 500);
  const [before, startedAt] = [await ticks(), performance.now()];
  await delay(IDLE_S * 1000);
  const [after, endedAt] = [await ticks(), performance.now()];
  // A tick is a hundredth of a second on every Debian: sysconf(_SC_CLK_TCK).
  return ((after - before) / 100 / ((endedAt - startedAt) / 1000)) * 100;
}

/** The least that the board had available during a flood, in MB. */
async function leastFree(board: EmulatedBoard): Promise<number> {
  const kib = await board.sh(
    `for second in $(seq ${FLOOD_S}); do awk '/^MemAvailable/ { print $2 }' /proc/meminfo; sleep 1; done | sort -n | head -n 1`,
  );
  return Number(kib) / 1024;
}
