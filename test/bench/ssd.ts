/**
 * What it costs to move live data to an SSD: how long its service stands still, against the time of a plain copy.
 *
 * On an emulated aarch64 board: an SD card would be slower than its disk, so the pass that reads all of it would cost
 * both sides more. The plain copy is what somebody does by hand: stop, `cp -a`, `sync`, start; it proves nothing.
 */
import { emulatedBoard, type EmulatedBoard } from "../../src/lab/emulated-board.js";
import { operator } from "../e2e/operator.js";
import { moveBack } from "../fault/move-back.js";
import { writer } from "../fault/writer.js";
import { compared, inTurns, measured, type Bench } from "./metric.js";

const DATA_MIB = 512;
const PAIRS = 3;
const APPLY_MS = 900_000;

export const ssd: Bench = {
  name: "ssd",
  summary: `downtime of a service whose ${DATA_MIB} MiB move to an SSD, against a plain copy`,

  async run(report, say) {
    await using board = await emulatedBoard("attic", {
      ssd: { adapter: "usb-storage", sizeMb: 4 * DATA_MIB },
    });
    await using home = await operator({
      boards: [board],
      playbooks: ["ssd"],
      config: {
        cloud: { name: "test", broker: "none" },
        vars: { ssd: { move: [{ path: writer.folder, unit: writer.unit }] } },
      },
    });
    await board.sh("systemctl --quiet unmask fstrim.timer");
    await writer.install(board, DATA_MIB);
    const wrong: number[] = [];
    let moves = 0;
    const move = async () => {
      if (moves > 0) await moveBack(board, false);
      moves += 1;
      const { exitCode, stderr } = await home.imcloud("apply", "--yes", { deadlineMs: APPLY_MS });
      if (exitCode !== 0) throw new Error(stderr);
      const whole = (await writer.manifest(board)) === writer.original();
      wrong.push((await writer.wrongLines(board)) === "" && whole ? 0 : 1);
      const ms = await downtimeMs(board);
      say(`moved in ${Math.round(ms)} ms of downtime`);
      return ms;
    };
    const copy = async () => {
      await board.sh(`
        sync; echo 1 > /proc/sys/vm/drop_caches
        systemctl stop ${writer.unit}
        cp -a ${writer.folder} /srv/ssd/plain
        sync -f /srv/ssd
        systemctl start ${writer.unit}`);
      const ms = await downtimeMs(board);
      await board.sh("rm -r /srv/ssd/plain; sync -f /srv/ssd");
      say(`copied plainly in ${Math.round(ms)} ms`);
      return ms;
    };
    // The first one also installs packages and formats.
    await move();
    const fromCard = async () => {
      await moveBack(board, false);
      moves = 0;
      return copy();
    };
    const pairs = await inTurns(PAIRS, move, fromCard);
    const goal = { atMost: 1.3 };
    report(compared({ bench: "ssd", metric: "downtime of a move", unit: "ms", goal }, pairs));
    report(measured({ bench: "ssd", metric: "moves with a loss", unit: "1", goal: { atMost: 0 } }, wrong));
  },
};

/** How long the service was not active the last time, by systemd's own clock. */
async function downtimeMs(board: EmulatedBoard): Promise<number> {
  const show = await board.sh(
    `systemctl show --value -p ActiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic ${writer.unit}`,
  );
  const [one = NaN, other = NaN] = show.split("\n").map(Number);
  return Math.abs(one - other) / 1000;
}
