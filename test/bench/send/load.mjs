/**
 * Sends messages over keep-alive connections, one at a time on each, as fast as the answers come.
 *
 * Speaks HTTP by hand: a generator that costs as much as the server would measure itself.
 *
 * usage: bun load.mjs < PLAN; PLAN is JSON: {port, seconds, senders: [{token, path}], isVaried}; prints {sent, failed, p50Ms, p99Ms}
 */
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { sentence } from "../fill/sentences.js";

const bodyOf = (body) => JSON.stringify({ msgtype: "m.text", body });
const BODY = bodyOf("The quick brown fox jumps over the lazy dog, and nobody is surprised any more.");

const { port, seconds, senders, isVaried } = JSON.parse(await Bun.stdin.text());
const endAt = performance.now() + seconds * 1000;
const latencies = [];
let failed = 0;

await Promise.all(senders.map(send));
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
console.log(JSON.stringify({ sent: latencies.length, failed, p50Ms: at(0.5), p99Ms: at(0.99) }));

/** One connection until the time is over. The answers are small: each comes with its length in one piece or two. */
function send({ token, path }, sender) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let startedAt = 0;
    let number = 0;
    let received = "";
    const next = () => {
      if (performance.now() >= endAt) {
        socket.end();
        return resolve();
      }
      startedAt = performance.now();
      number += 1;
      const body = isVaried ? bodyOf(sentence(Math.floor(Math.random() * 2 ** 31))) : BODY;
      socket.write(
        `PUT ${path}${process.pid}-${sender}-${number} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n` +
          `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    };
    socket.on("connect", next);
    socket.on("error", reject);
    socket.on("data", (data) => {
      received += data.toString("latin1");
      const head = received.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < head + 4 + length) return;
      if (received.startsWith("HTTP/1.1 200")) latencies.push(performance.now() - startedAt);
      else failed += 1;
      received = "";
      next();
    });
  });
}
