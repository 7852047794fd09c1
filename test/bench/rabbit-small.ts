/**
 * RabbitMQ on a board with 1 GB: as its package comes, and as imcloud tunes it.
 */
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { compared, inTurns, measured, type Bench } from "./metric.js";
import { alone, cpuPercent, leastAvailableMb, load, tune, type LoadPlan } from "./small/boards.js";
import { sized } from "./trial.js";

const PORT = 5672;
/** Both boards': the broker on the frozen board has started under it, and goes by it. */
const NAME = "raspberrypi";
const ACCOUNT = { broker: "amqp", username: "bench", password: "bench" } as const;
const PAIRS = sized(5, 2);
const CHAT: LoadPlan = { ...ACCOUNT, seconds: sized(20, 5), bytes: 1_000, inFlight: 20, perSecond: null };
/** As many as a program sends that knows no better; each is a photo's preview. */
const FLOOD: LoadPlan = { ...ACCOUNT, seconds: sized(120, 10), bytes: 65_536, inFlight: 200, perSecond: 5 };
const IDLE_PAIRS = sized(3, 1);
const IDLE_S = sized(30, 5);

interface Flood {
  readonly confirmed: number;
  readonly survived: boolean;
  readonly availableMb: number;
}

export const rabbitSmall: Bench = {
  name: "rabbit-small",
  summary: "RabbitMQ on an emulated board of 1 GB: tuned, against its package's defaults",

  async run(report, say) {
    const options = { memoryMb: 1024, forwards: [PORT], packages: ["rabbitmq-server"] };
    await using plain = await emulatedBoard(NAME, options);
    await using tuned = await emulatedBoard(NAME, options);
    const onPlain = <T>(work: (board: EmulatedBoard) => Promise<T>) => alone(tuned, () => work(plain));
    const onTuned = <T>(work: (board: EmulatedBoard) => Promise<T>) => alone(plain, () => work(tuned));
    await onTuned(async (board) => {
      say("applying `tuning` and `rabbitmq`");
      await tune(board, {
        playbooks: ["tuning", "rabbitmq"],
        config: { cloud: { name: "test" }, vars: { amqp_address: "0.0.0.0" } },
      });
    });

    const heading = { bench: "rabbit-small" };
    const idle = async (board: EmulatedBoard) => cpuPercent(board, "beam", IDLE_S);
    const idling = await inTurns(
      IDLE_PAIRS,
      () => onTuned(idle),
      () => onPlain(idle),
    );
    report(compared({ ...heading, metric: "CPU while idle", unit: "%", goal: { atMost: 0.5 } }, idling));

    for (const onBoard of [onPlain, onTuned]) {
      await onBoard(async (board) => {
        await addAccount(board);
        await load(board, CHAT); // warm
      });
    }
    const chat = async (board: EmulatedBoard) => {
      const answer = await load(board, CHAT);
      say(JSON.stringify(answer));
      return answer.perSecond;
    };
    const rates = await inTurns(
      PAIRS,
      () => onTuned(chat),
      () => onPlain(chat),
    );
    report(
      compared({ ...heading, metric: "publish, confirm, consume", unit: "1/s", goal: { atLeast: 1 } }, rates),
    );

    const [ours, theirs] = [await onTuned(flood), await onPlain(flood)];
    say(`flood, tuned: ${JSON.stringify(ours)}; package: ${JSON.stringify(theirs)}`);
    const alive = { ...heading, unit: "1" };
    report(
      measured({ ...alive, metric: `alive after ${FLOOD.seconds} s of flood`, goal: { atLeast: 1 } }, [
        Number(ours.survived),
      ]),
    );
    report(measured({ ...alive, metric: "the package's, alive after as much" }, [Number(theirs.survived)]));
    report(
      compared({ ...heading, metric: "memory left to others at worst", unit: "MB" }, [
        { value: ours.availableMb, baseline: theirs.availableMb },
      ]),
    );
  },
};

/** An account for the load; `guest` is let in from the board itself at most. */
async function addAccount(board: EmulatedBoard): Promise<void> {
  await board.sh(
    `read -r user; read -r password
     rabbitmqctl -q await_startup --timeout 600
     rabbitmqctl -q add_user "$user" "$password"
     rabbitmqctl -q set_permissions "$user" '.*' '.*' '.*'`,
    `${ACCOUNT.username}\n${ACCOUNT.password}\n`,
  );
}

async function flood(board: EmulatedBoard): Promise<Flood> {
  const pid = async () => board.sh("pgrep -o beam");
  const before = await pid();
  const [answer, availableMb] = await Promise.all([
    load(board, FLOOD),
    leastAvailableMb(board, FLOOD.seconds),
  ]);
  // The same process, and one that still passes on what it gets.
  const after = await load(board, CHAT);
  const survived = (await pid()) === before && after.received > 0;
  return { confirmed: answer.confirmed, survived, availableMb };
}
