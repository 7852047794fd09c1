/**
 * Opens connections on each of which a sync waits, and keeps them until its standard input ends.
 *
 * usage: bun wait.mjs PLAN; PLAN is JSON: {port, tls, count, people: [{token, since}]}
 */
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";

/** Handshakes at once: a phone has its own processor, these share one. */
const AT_ONCE = 50;

const { port, tls, count, people } = JSON.parse(process.argv[2]);
let opened = 0;
let again = 0;

await Promise.all(Array.from({ length: AT_ONCE }, openSome));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
if (again > 0) console.error(`${again} connections were reset while all of them came, and opened again`);

async function openSome() {
  while (opened < count) {
    const person = people[opened % people.length];
    opened += 1;
    await open(person).catch(async (error) => {
      // As a phone would, where so many come at once; again and again, it is a fault.
      if (error.code !== "ECONNRESET" || ++again > count / 100) throw error;
      await open(person);
    });
  }
}

function open({ token, since }) {
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
      : connectPlain({ port, host: "127.0.0.1" });
    socket.on("error", reject);
    socket.on("data", (data) => reject(new Error(`an answer came: ${data.toString().slice(0, 200)}`)));
    socket.on(tls ? "secureConnect" : "connect", () => {
      socket.write(
        `GET /_matrix/client/v3/sync?timeout=600000&since=${since} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`,
        () => resolve(),
      );
    });
  });
}
