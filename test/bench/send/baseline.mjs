/**
 * The floor: the least that a durable message costs on this runtime and this disk.
 *
 * Reads the body, inserts it into SQLite (WAL, synchronous=FULL) in a transaction shared with whatever came in
 * the same turn, answers when it is committed. No routes, no accounts, no rules.
 *
 * usage: bun baseline.mjs DATABASE; prints the port
 */
import { Database } from "bun:sqlite";

const database = new Database(process.argv[2], { create: true });
database.run("PRAGMA journal_mode = WAL");
database.run("PRAGMA synchronous = FULL");
database.run("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
const insert = database.query("INSERT INTO messages (body) VALUES (?)");

let waiting = [];

function commit() {
  const group = waiting;
  waiting = [];
  database.run("BEGIN");
  for (const { body } of group) insert.run(body);
  database.run("COMMIT");
  for (const { resolve } of group)
    resolve(new Response("{}", { headers: { "content-type": "application/json" } }));
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const body = await request.text();
    return new Promise((resolve) => {
      waiting.push({ body, resolve });
      if (waiting.length === 1) setImmediate(commit);
    });
  },
});
console.log(JSON.stringify({ port: server.port }));
