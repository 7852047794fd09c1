/**
 * `npm run bench -- NAME...`: measures, and prints one JSON line per metric on stdout.
 *
 * `load` is the machine's load average of a minute when the bench began; with `IMCLOUD_BENCH_TRIAL=yes` the newer benches
 * run at a fraction of their size, and nothing is decided.
 *
 * Exit code: 0 all goals hold or nothing was decided, 1 one does not hold, 64 no such bench.
 */
import { loadavg } from "node:os";
import { bmap } from "./bmap.js";
import { cardFromCache } from "./card-from-cache.js";
import { cold, db } from "./db.js";
import { first } from "./first.js";
import { echo } from "./echo.js";
import { fleet } from "./fleet.js";
import { idle, idle10k } from "./idle.js";
import { initial } from "./initial.js";
import { kafkaSmall } from "./kafka-small.js";
import { memory } from "./memory.js";
import type { Bench } from "./metric.js";
import { noopFull } from "./noop-full.js";
import { noopWide } from "./noop-wide.js";
import { noop } from "./noop.js";
import { page } from "./page.js";
import { qos } from "./qos.js";
import { rabbitSmall } from "./rabbit-small.js";
import { rss } from "./rss.js";
import { send } from "./send.js";
import { ssd } from "./ssd.js";
import { start } from "./start.js";
import { timeline } from "./timeline.js";
import { users4000 } from "./users4000.js";
import { syncCost } from "./sync-cost.js";
import { syncFanout } from "./sync-fanout.js";
import { isTrial } from "./trial.js";
import { write } from "./write.js";
import { writeN } from "./write-n.js";

const BENCHES: readonly Bench[] = [
  start,
  noop,
  noopWide,
  noopFull,
  first,
  fleet,
  send,
  idle,
  idle10k,
  syncCost,
  syncFanout,
  users4000,
  rss,
  cold,
  db,
  initial,
  ssd,
  qos,
  rabbitSmall,
  kafkaSmall,
  write,
  writeN,
  bmap,
  memory,
  cardFromCache,
  page,
  timeline,
  echo,
];

const names = process.argv.slice(2);
const chosen = names.flatMap((name) => BENCHES.find((bench) => bench.name === name) ?? []);
if (names.length === 0 || chosen.length < names.length) {
  const rows = BENCHES.map(({ name, summary }) => `  ${name.padEnd(16)}${summary}`);
  process.stderr.write(`usage: npm run bench -- NAME...\n\n${rows.join("\n")}\n`);
  process.exitCode = 64;
} else {
  for (const bench of chosen) {
    // Of the machine, before the bench adds its own: what else ran on it.
    const load = Number(loadavg()[0]?.toFixed(2));
    await bench.run(
      (measured) => {
        const metric = isTrial ? { ...measured, holds: null } : measured;
        process.stdout.write(`${JSON.stringify({ ...metric, load })}\n`);
        if (metric.holds === false) process.exitCode = 1;
      },
      (line) => process.stderr.write(`${bench.name}: ${line}\n`),
    );
  }
}
