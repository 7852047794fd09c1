/**
 * One person says something, and everybody else in the room has a sync waiting for it.
 *
 * Prints how long each message took until the last one had it, from the moment it was sent, and where the others'
 * syncs have come to.
 *
 * usage: bun load.mjs < PLAN; PLAN is JSON: {port, messages, sender: {token, path}, receivers: [{token, since}]};
 * prints {lastMs, receivers}
 */
import { performance } from "node:perf_hooks";
import { openConnection } from "../client/connection.mjs";

/** As clients do: without it, Synapse sends each of them all members. */
const FILTER = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }));
const WAIT_MS = 60_000;
/** Everybody's request is written; that the server has read them all cannot be seen from here. */
const SETTLE_MS = 250;
const LATEST_MS = 120_000;

const { port, messages, sender, receivers } = JSON.parse(await Bun.stdin.text());
let isOver = false;
let marker = "";
let arrived = 0;
let allArrived = () => {};
let lastAt = 0;
let waiting = 0;
let allWaiting = () => {};

const speaker = await openConnection({ port });
const connections = await Promise.all(receivers.map(() => openConnection({ port })));
await Promise.all(receivers.map((receiver, index) => sync(connections[index], receiver, 0)));
const everybody = within(new Promise((resolve) => (allWaiting = resolve)));
const listening = receivers.map((receiver, index) => listen(connections[index], receiver));
await everybody;

const lastMs = [];
for (let number = 0; number < messages; number += 1) {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  marker = `message ${process.pid}-${number} of the fan-out`;
  arrived = 0;
  const arrivals = new Promise((resolve) => (allArrived = resolve));
  const again = new Promise((resolve) => (allWaiting = resolve));
  const start = performance.now();
  const body = { msgtype: "m.text", body: marker };
  const { status, text } = await speaker.ask(
    "PUT",
    `${sender.path}${process.pid}-${number}`,
    sender.token,
    body,
  );
  if (status !== 200) throw new Error(`a message was refused: ${status} ${text}`);
  await within(arrivals);
  lastMs.push(lastAt - start);
  await within(again);
}
isOver = true;
for (const connection of connections) connection.close();
speaker.close();
console.log(JSON.stringify({ lastMs, receivers: receivers.map(({ token, since }) => ({ token, since })) }));
void listening;

async function listen(connection, receiver) {
  while (!isOver) {
    const answer = sync(connection, receiver, WAIT_MS);
    waiting += 1;
    if (waiting === receivers.length) allWaiting();
    const text = await answer;
    waiting -= 1;
    if (marker === "" || !text.includes(marker)) continue;
    arrived += 1;
    if (arrived < receivers.length) continue;
    lastAt = performance.now();
    allArrived();
  }
}

async function sync(connection, receiver, timeout) {
  const since = receiver.since === "" ? "" : `&since=${receiver.since}`;
  const path = `/_matrix/client/v3/sync?filter=${FILTER}&timeout=${timeout}${since}`;
  const { status, text } = await connection.ask("GET", path, receiver.token);
  if (status !== 200) throw new Error(`a sync was refused: ${status} ${text}`);
  receiver.since = JSON.parse(text).next_batch;
  return text;
}

/** @throws Error when it takes too long */
function within(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not everybody within ${LATEST_MS} ms`)), LATEST_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
