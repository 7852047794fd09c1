/**
 * The law with all that comes with imcloud: every playbook that a virtual board can have, and nothing to change.
 *
 * Left out are `kafka`, which is RabbitMQ's alternative, and `ssd`, for want of a disk.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { operator, type Operator } from "../e2e/operator.js";
import { compared, inTurns, measured, PAIRS, timed, type Bench } from "./metric.js";
import { apply, settle } from "./settled.js";

const FULL = ["base", "tuning", "card", "rabbitmq", "imserver", "qos", "hardening"];
const PLAYBOOK = join(packageRoot(), "test", "bench", "noop", "imcloud.yaml");

export const noopFull: Bench = {
  name: "noop-full",
  summary: `nothing to change on one board: ${FULL.join(", ")}, against the ten resources of \`noop\``,

  async run(report, say) {
    await using board = await virtualBoard("full");
    await using full = await operator({
      boards: [board],
      playbooks: FULL,
      config: { vars: { qos: { uplink: "20mbit" } } },
    });
    say("applying all playbooks once");
    await settle(full);
    // The same board, so that what runs there disturbs both.
    await using small = await ten(board);
    await settle(small);
    const pairs = await inTurns(
      PAIRS * 2,
      () => timed(() => apply(full)),
      () => timed(() => apply(small)),
    );
    const heading = { bench: "noop-full", metric: "all playbooks / 10 resources" };
    report(compared({ ...heading, unit: "ms", goal: { atMost: 2 } }, pairs));
    const { execs, handshakes } = await costs(full);
    report(measured({ bench: "noop-full", metric: "execs", unit: "1", goal: { atMost: 2 } }, [execs]));
    report(
      measured({ bench: "noop-full", metric: "handshakes", unit: "1", goal: { atMost: 1 } }, [handshakes]),
    );
  },
};

async function ten(board: VirtualBoard): Promise<Operator> {
  const files = { "playbooks/noop.yaml": await readFile(PLAYBOOK, "utf8") };
  return operator({ boards: [board], playbooks: ["noop"], files });
}

async function costs(home: Operator) {
  const { json, stderr } = await home.imcloud("apply", "--yes", "--json");
  const { full } = (
    json as { boards: Record<string, { outcome: string; execs: number; handshakes: number }> }
  ).boards;
  if (full?.outcome !== "unchanged") throw new Error(`something was changed: ${full?.outcome}\n${stderr}`);
  return full;
}
