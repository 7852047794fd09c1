/**
 * A program that publishes to a broker and one that consumes, in one process.
 *
 * usage: node load.mjs < PLAN; PLAN is JSON: {broker, host, username, password, seconds, bytes, inFlight, perSecond}.
 * `broker` is `amqp` or `kafka`, whose files are beside this one. The publisher keeps `inFlight` messages unconfirmed;
 * the consumer takes `perSecond` of them, or all when it is null.
 * Prints {perSecond, p99Ms, confirmed, refused, received, longestPauseMs}: messages confirmed and received, each second;
 * from handing one over to its arrival; the longest time without a confirmation.
 */
import { Buffer } from "node:buffer";
import { performance } from "node:perf_hooks";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

const plan = JSON.parse(await text(process.stdin));
const { connect } = await import(`./${plan.broker}.mjs`);
const { publish, consume } = await connect(plan);

const latencies = [];
const startedAt = performance.now();
const endAt = startedAt + plan.seconds * 1000;
let [confirmed, refused, received, longestPauseMs, confirmedAt] = [0, 0, 0, 0, startedAt];

await consume(async (message) => {
  latencies.push(performance.now() - message.readDoubleBE());
  received += 1;
  if (plan.perSecond !== null) await delay(1000 / plan.perSecond);
});

const content = Buffer.alloc(plan.bytes, "x");
// A broker that blocks the publisher confirms nothing: the end must not wait for it.
const publishers = Array.from({ length: plan.inFlight }, async () => {
  while (performance.now() < endAt) {
    const message = Buffer.from(content);
    message.writeDoubleBE(performance.now());
    const isTaken = await publish(message);
    const now = performance.now();
    longestPauseMs = Math.max(longestPauseMs, now - confirmedAt);
    confirmedAt = now;
    if (isTaken) confirmed += 1;
    else refused += 1;
  }
});
await Promise.race([Promise.all(publishers), delay(plan.seconds * 1000)]);
const tookS = (performance.now() - startedAt) / 1000;
longestPauseMs = Math.max(longestPauseMs, performance.now() - confirmedAt);
latencies.sort((one, other) => one - other);
process.stdout.write(
  `${JSON.stringify({
    perSecond: Math.min(confirmed, received) / tookS,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? null,
    ...{ confirmed, refused, received, longestPauseMs },
  })}\n`,
);
process.exit(0);
