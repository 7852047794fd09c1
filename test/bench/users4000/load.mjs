/**
 * People who log in over TLS, one after the other at fixed times, whether or not those before them have been answered;
 * who then have a sync waiting each, and say one thing a minute.
 *
 * Every time is from the moment at which it was to begin: what the generator is late counts as well.
 *
 * usage: bun load.mjs < PLAN; PLAN is JSON: {port, password, everyMs, minutes, users: [{name, path}]}; prints
 * {loginMs, sendMs, heard, failures: [text]}
 */
import { performance } from "node:perf_hooks";
import { openConnection } from "../client/connection.mjs";

const FILTER = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }));
const WAIT_MS = 60_000;
const MINUTE_MS = 60_000;
/** First syncs at a time. */
const AT_ONCE = 20;

const { port, password, everyMs, minutes, users } = JSON.parse(await Bun.stdin.text());
const [loginMs, sendMs, failures] = [[], [], []];
let heard = 0;
let isOver = false;

await atTimes(users, everyMs, logIn, loginMs);
const people = users.filter(({ token }) => token !== undefined);
let next = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < people.length) await beginToListen(people[next++]);
  }),
);
const turns = Array.from({ length: minutes }, (_, minute) =>
  people.map((person) => ({ person, minute })),
).flat();
await atTimes(turns, MINUTE_MS / people.length, say, sendMs);
isOver = true;
for (const { speaks, listens } of people) {
  speaks.close();
  listens?.close();
}
console.log(JSON.stringify({ loginMs, sendMs, heard, failures }));

/** Begins with each at its time, and resolves when all are done. */
async function atTimes(items, intervalMs, begin, tookMs) {
  const start = performance.now();
  const begun = [];
  for (const [index, item] of items.entries()) {
    const due = start + index * intervalMs;
    const early = due - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    begun.push(
      begin(item).then(
        () => tookMs.push(performance.now() - due),
        (error) => failures.push(error.message),
      ),
    );
  }
  await Promise.all(begun);
}

async function logIn(user) {
  const speaks = await openConnection({ port, tls: true });
  const identifier = { type: "m.id.user", user: user.name };
  const body = { type: "m.login.password", identifier, password };
  const { access_token: token } = await asked(speaks, "POST", "/_matrix/client/v3/login", undefined, body);
  Object.assign(user, { speaks, token });
}

async function say({ person: { speaks, token, path }, minute }) {
  const body = { msgtype: "m.text", body: `what there is to say in minute ${minute}` };
  await asked(speaks, "PUT", `${path}${minute}`, token, body);
}

async function beginToListen(person) {
  try {
    person.listens = await openConnection({ port, tls: true });
    person.since = (await sync(person, 0)).next_batch;
  } catch (error) {
    failures.push(error.message);
    return;
  }
  listen(person).catch((error) => {
    if (!isOver) failures.push(error.message);
  });
}

async function listen(person) {
  while (!isOver) {
    const { next_batch: since, rooms } = await sync(person, WAIT_MS);
    person.since = since;
    if (rooms?.join !== undefined) heard += 1;
  }
}

function sync({ listens, token, since }, timeout) {
  const from = since === undefined ? "" : `&since=${since}`;
  return asked(listens, "GET", `/_matrix/client/v3/sync?filter=${FILTER}&timeout=${timeout}${from}`, token);
}

async function asked(connection, method, path, token, body) {
  const { status, text } = await connection.ask(method, path, token, body);
  if (status !== 200) throw new Error(`${method} ${path.split("?")[0]}: ${status} ${text}`);
  return JSON.parse(text);
}
