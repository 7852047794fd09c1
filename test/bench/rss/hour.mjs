/**
 * What a family or a class does in an hour, as fast as the server takes it: everybody has a sync waiting, some talk, send
 * files and fetch them, read, and search.
 *
 * usage: bun hour.mjs < PLAN; PLAN is JSON: {port, events, fileBytes, files, sliding, people: [{token, rooms: [roomId]}]};
 * the first `sliding` people have a client with sliding sync; prints {told}: syncs that told of something
 */
import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { openConnection } from "../client/connection.mjs";
import { sentence } from "../fill/sentences.js";

const API = "/_matrix/client/v3";
const SLIDING = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
const FILTER = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }));
const WAIT_MS = 30_000;
const TALKING_AT_ONCE = 8;
/** Events for each of these. */
const [PER_RECEIPT, PER_SEARCH] = [5, 50];

const { port, events, fileBytes, files, sliding, people } = JSON.parse(await Bun.stdin.text());
let isOver = false;
let told = 0;
let said = 0;
let sentFiles = 0;

const listening = await Promise.all(people.map(listener));
const loops = listening.map((loop) => loop());
await Promise.all(Array.from({ length: TALKING_AT_ONCE }, talk));
isOver = true;
console.log(JSON.stringify({ told }));
process.exit(0);
void loops;

async function talk() {
  const connection = await openConnection({ port });
  while (said < events) {
    const number = said++;
    const person = people[number % people.length];
    const roomId = person.rooms[Math.floor(number / people.length) % person.rooms.length];
    const room = `${API}/rooms/${encodeURIComponent(roomId)}`;
    const content = { msgtype: "m.text", body: sentence(number) };
    const sent = await asked(connection, "PUT", `${room}/send/m.room.message/${number}`, person, content);
    if (number % PER_RECEIPT === 0)
      await asked(
        connection,
        "POST",
        `${room}/receipt/m.read/${encodeURIComponent(sent.event_id)}`,
        person,
        {},
      );
    if (number % PER_SEARCH === 0) await search(connection, person, number);
    if (sentFiles < Math.floor((number * files) / events)) await shareFile(connection, person, sentFiles++);
  }
  connection.close();
}

async function search(connection, person, number) {
  const term = sentence(number).split(" ")[0];
  const body = { search_categories: { room_events: { search_term: term } } };
  await asked(connection, "POST", `${API}/search`, person, body);
}

/** Up, and down again by the next one. */
async function shareFile(connection, person, number) {
  const file = randomFillSync(Buffer.alloc(fileBytes));
  const { content_uri: uri } = await asked(connection, "POST", "/_matrix/media/v3/upload", person, file);
  const other = people[(number + 1) % people.length];
  const path = `/_matrix/client/v1/media/download/${uri.slice("mxc://".length)}`;
  const { status } = await connection.ask("GET", path, other.token);
  if (status !== 200) throw new Error(`${path}: ${status}`);
}

/** Connected and told of everything so far; what it returns goes on from there. */
async function listener(person, index) {
  const connection = await openConnection({ port });
  const sync = index < sliding ? slidingSync(connection, person) : classicSync(connection, person);
  await sync();
  return async () => {
    while (!isOver) if (await sync()) told += 1;
  };
}

function classicSync(connection, person) {
  let since = "";
  return async () => {
    const from = since === "" ? "" : `&since=${since}&timeout=${WAIT_MS}`;
    const answer = await asked(connection, "GET", `${API}/sync?filter=${FILTER}${from}`, person);
    since = answer.next_batch;
    return answer.rooms?.join !== undefined;
  };
}

function slidingSync(connection, person) {
  let pos = "";
  const required = [
    ["m.room.name", ""],
    ["m.room.member", "$LAZY"],
  ];
  const body = {
    lists: { all: { ranges: [[0, 19]], required_state: required, timeline_limit: 20 } },
    extensions: { to_device: { enabled: true }, e2ee: { enabled: true }, receipts: { enabled: true } },
  };
  return async () => {
    const path = `${SLIDING}?timeout=${WAIT_MS}${pos === "" ? "" : `&pos=${pos}`}`;
    const answer = await asked(connection, "POST", path, person, body);
    pos = answer.pos;
    return Object.keys(answer.rooms ?? {}).length > 0;
  };
}

async function asked(connection, method, path, { token }, body) {
  const { status, text } = await connection.ask(method, path, token, body);
  if (status !== 200) throw new Error(`${method} ${path.split("?")[0]}: ${status} ${text}`);
  return JSON.parse(text);
}
