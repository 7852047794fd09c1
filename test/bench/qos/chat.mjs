/**
 * A few people who chat over TLS at the pace of people, beside a download that takes what the line has.
 *
 * usage: node chat.mjs < PLAN; PLAN is JSON: {host, port, ca, seconds, everyMs, senders: [{token, path}], bulk: {port, flows} | null}
 * Prints {sent, p50Ms, p99Ms, bulkKbit}.
 */
import { connect } from "node:net";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

const { host, port, ca, seconds, everyMs, senders, bulk } = JSON.parse(await text(process.stdin));
/** Until the modem's buffer is full. */
const WARM_UP_MS = 4_000;

let bulkBytes = 0;
const flows = Array.from({ length: bulk?.flows ?? 0 }, () => {
  const socket = connect({ host, port: bulk.port });
  socket.on("data", ({ length }) => (bulkBytes += length));
  socket.on("error", (error) => {
    throw error;
  });
  return socket;
});
const agent = new Agent({ ca, keepAlive: true });
await Promise.all(senders.map(sendOnce)); // connections are open before anything is measured
if (bulk !== null) await delay(WARM_UP_MS);

const startedAt = performance.now();
const bytesBefore = bulkBytes;
const latencies = [];
await Promise.all(senders.map(chat));
const tookMs = performance.now() - startedAt;
latencies.sort((one, other) => one - other);
const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
console.log(
  JSON.stringify({
    sent: latencies.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    bulkKbit: Math.round(((bulkBytes - bytesBefore) * 8) / tookMs),
  }),
);
for (const flow of flows) flow.destroy();
agent.destroy();

async function chat(sender, index) {
  // Not all at the same moment.
  await delay((everyMs * index) / senders.length);
  const endAt = startedAt + seconds * 1000;
  while (performance.now() < endAt) {
    const since = performance.now();
    await sendOnce(sender);
    const took = performance.now() - since;
    latencies.push(took);
    await delay(Math.max(0, everyMs - took));
  }
}

function sendOnce({ token, path }) {
  const body = JSON.stringify({ msgtype: "m.text", body: "Is anybody there?" });
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host, port, agent, method: "PUT", path: `${path}${process.pid}-${Math.random()}` },
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "content-length": body.length,
        },
      },
      (response) => {
        response.resume();
        response.on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`answer ${response.statusCode}`)),
        );
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}
