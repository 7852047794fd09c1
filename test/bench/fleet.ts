/**
 * What a fleet costs the operator's machine: memory, and time per board.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { virtualBoards, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { operator, type Operator } from "../e2e/operator.js";
import { compared, inTurns, measured, PAIRS, type Bench } from "./metric.js";
import { settle } from "./settled.js";

const BOARDS = 20;
const PLAYBOOK = join(packageRoot(), "test", "bench", "noop", "imcloud.yaml");
const SAMPLE_MS = 20;

export const fleet: Bench = {
  name: "fleet",
  summary: `nothing to change on ${BOARDS} boards: the controller's memory, and the time per board`,

  async run(report, say) {
    const names = Array.from({ length: BOARDS }, (_, index) => `fleet${index + 1}`);
    await using boards = await virtualBoards(names);
    await using many = await home(boards);
    await using one = await home(boards.slice(0, 1));
    say(`applying once to ${BOARDS} boards`);
    await settle(many);
    await settle(one);

    const peaksMb: number[] = [];
    const perBoard = async () => {
      const { durationMs, peakMb } = await watchedApply(many);
      peaksMb.push(peakMb);
      return durationMs / BOARDS;
    };
    const pairs = await inTurns(PAIRS, perBoard, async () => (await watchedApply(one)).durationMs);
    const heading = { bench: "fleet", unit: "ms", goal: { atMost: 1 } };
    report(compared({ ...heading, metric: `time per board, ${BOARDS} boards / 1 board` }, pairs));
    report(
      measured(
        { bench: "fleet", metric: "controller's peak memory", unit: "MB", goal: { atMost: 200 } },
        peaksMb,
      ),
    );
  },
};

async function home(boards: readonly VirtualBoard[]): Promise<Operator> {
  const files = { "playbooks/noop.yaml": await readFile(PLAYBOOK, "utf8") };
  return operator({ boards, playbooks: ["noop"], files });
}

/** Runs a no-op and asks the kernel, while it runs, for the most memory that it ever had. */
async function watchedApply(
  home: Operator,
): Promise<{ readonly durationMs: number; readonly peakMb: number }> {
  const start = performance.now();
  const running = home.start("apply", "--yes", "--json");
  let ended = false;
  const result = running.finally(() => (ended = true));
  let peakKb = 0;
  while (!ended) {
    // Gone between two looks: the last figure is the peak so far.
    const status = await readFile(`/proc/${running.pid}/status`, "utf8").catch(() => "");
    peakKb = Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? peakKb);
    await delay(SAMPLE_MS);
  }
  const { exitCode, stderr } = await result;
  if (exitCode !== 0) throw new Error(`apply ended with ${exitCode}\n${stderr}`);
  return { durationMs: performance.now() - start, peakMb: peakKb / 1024 };
}
