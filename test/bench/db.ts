/**
 * A database of millions of events: whether the server starts at once with it, is as quick as with an empty one, and how
 * much of the disk each event takes, against Synapse.
 */
import pLimit from "p-limit";
import { execa } from "execa";
import { join } from "node:path";
import { bytesOf, EVENTS, filledFolder, membersOf, personOf, type FilledFolder } from "./filled.js";
import { compared, inTurns, measured, PAIRS, percentile, timed, type Bench, type Metric } from "./metric.js";
import { load, sendPath, type Sender } from "./senders.js";
import {
  BUN,
  callServer,
  logIn,
  register,
  startServerProcess,
  type ServerProcess,
} from "./server-process.js";
import { startSynapse } from "./synapse.js";
import { SLIDING, slidingBody, write } from "./syncing.js";
import { sized } from "./trial.js";

const SENDERS = 64;
const SECONDS = sized(4, 1);
/** Incremental syncs of which one figure is the median. */
const SYNCS = 20;
const WARM_UP = 10;
const AT_ONCE = 16;
const SYNAPSE_EVENTS = sized(50_000, 500);
const SYNAPSE_ROOMS = 8;

type Report = (metric: Metric) => void;
type Say = (line: string) => void;

export const cold: Bench = {
  name: "cold",
  summary: `from the start to the first answer, with ${EVENTS} events`,

  async run(report, say) {
    say(`filling a database with ${EVENTS} events`);
    await using full = await filledFolder(EVENTS);
    await measureStart(full, report);
  },
};

export const db: Bench = {
  name: "db",
  summary: `with ${EVENTS} events: \`cold\`, sends and syncs against an empty database, bytes on the disk against Synapse`,

  async run(report, say) {
    say("filling a database with rooms in which nothing was said");
    await using empty = await filledFolder(0);
    say(`filling a database with ${EVENTS} events`);
    await using full = await filledFolder(EVENTS);
    await measureStart(full, report);
    await measureUse(full, empty, report, say);
    await measureBytes((full.bytes - empty.bytes) / (full.events - empty.events), report, say);
  },
};

/** The database is not in memory: the board was off. */
async function measureStart({ folder }: FilledFolder, report: Report): Promise<void> {
  const [answers, syncs]: [number[], number[]] = [[], []];
  for (let start = 0; start < PAIRS; start += 1) {
    // Takes the file out of the page cache. Source: coreutils manual, "dd invocation", flag `nocache`.
    await execa("dd", [`if=${join(folder, "imcloud.sqlite")}`, "iflag=nocache", "count=0"]);
    const began = performance.now();
    await using server = await startServerProcess({}, [], folder);
    await callServer(server.url, "GET", `profile/${encodeURIComponent("@person0:hs1")}`);
    answers.push(performance.now() - began);
    const { token } = await logIn(server.url, personOf(start));
    syncs.push(await timed(() => callServer(server.url, "GET", "sync", token)));
  }
  const heading = { bench: "cold", unit: "ms" };
  report(measured({ ...heading, metric: "start to first answer", goal: { atMost: 1_000 } }, answers));
  report(measured({ ...heading, metric: "a first sync after the start" }, syncs));
}

async function measureUse(full: FilledFolder, empty: FilledFolder, report: Report, say: Say): Promise<void> {
  await using fullServer = await startServerProcess({}, [], full.folder);
  await using emptyServer = await startServerProcess({}, [], empty.folder);
  say(`${SENDERS} people log in`);
  const [ours, theirs] = [await users(fullServer, full), await users(emptyServer, empty)];
  const compare = async (metric: string, measure: (users: Users) => Promise<number>) => {
    await measure(ours);
    await measure(theirs);
    const pairs = await inTurns(
      PAIRS,
      () => measure(ours),
      () => measure(theirs),
    );
    const name = `${metric}, ${EVENTS} events / none`;
    report(compared({ bench: "db", metric: name, unit: "ms", goal: { atMost: 1.5 } }, pairs));
  };
  await compare("time for each durable message", async ({ port, senders }) => {
    return (SECONDS * 1_000) / (await load(port, senders, SECONDS, true)).sent;
  });
  for (const kind of ["/sync", "sliding"] as const)
    await compare(`${kind} with one new event`, (them) => incremental(them, kind));
  await compare("first /sync", ({ url, reader }) =>
    timed(() => callServer(url, "GET", "sync", reader.token)),
  );
}

interface Users {
  readonly url: string;
  readonly port: number;
  readonly senders: readonly Sender[];
  readonly reader: { readonly token: string };
  /** Somebody else, and the room where both are. */
  readonly writer: { readonly userId: string; readonly token: string };
  readonly roomId: string;
  /** Makes transaction ids new ones. */
  said: number;
}

/** Each sender in a room of its own; the reader is the first room's first member, its second one writes. */
async function users({ url, port }: ServerProcess, { roomIds }: FilledFolder): Promise<Users> {
  const limit = pLimit(AT_ONCE);
  const rooms = roomIds.slice(0, SENDERS);
  const senders = await Promise.all(
    rooms.map((roomId, room) =>
      limit(async () => ({
        token: (await logIn(url, membersOf(room)[0] ?? "")).token,
        path: sendPath(roomId),
      })),
    ),
  );
  const [reader = "", writer = ""] = membersOf(0);
  return {
    ...{ url, port, senders, roomId: roomIds[0] ?? "", said: 0 },
    reader: await logIn(url, reader),
    writer: await logIn(url, writer),
  };
}

/** The median of some syncs that tell of one new event each, in milliseconds. */
async function incremental(them: Users, kind: "/sync" | "sliding"): Promise<number> {
  const { url, reader, writer, roomId } = them;
  const ask = (from: string) =>
    kind === "/sync"
      ? callServer(url, "GET", `sync${from === "" ? "" : `?since=${from}`}`, reader.token)
      : callServer(
          url,
          "POST",
          `${SLIDING}${from === "" ? "" : `?pos=${from}`}`,
          reader.token,
          slidingBody(19),
        );
  const next = (answer: Record<string, unknown>) => String(answer[kind === "/sync" ? "next_batch" : "pos"]);
  let from = next(await ask(""));
  const times: number[] = [];
  for (let number = -WARM_UP; number < SYNCS; number += 1) {
    them.said += 1;
    await write(url, writer, roomId, `said ${them.said}`);
    const took = await timed(async () => {
      const answer = await ask(from);
      if (!JSON.stringify(answer).includes(`said ${them.said}"`)) throw new Error("a sync told of nothing");
      from = next(answer);
    });
    if (number >= 0) times.push(took);
  }
  return percentile(times, 0.5);
}

/** Of messages alone: what people and rooms take is there before. */
async function measureBytes(ours: number, report: Report, say: Say): Promise<void> {
  const before = await onSynapse(0, say);
  say(`${SYNAPSE_EVENTS} messages to Synapse`);
  const { bytes, sent } = await onSynapse(SYNAPSE_EVENTS, say);
  const metric = `each event on the disk, of ${EVENTS} / Synapse, of ${sent}`;
  const pair = { value: ours, baseline: (bytes - before.bytes) / sent };
  report(compared({ bench: "db", metric, unit: "bytes", goal: { atMost: 0.5 } }, [pair]));
}

/** What its database takes with so many messages, at least. */
async function onSynapse(messages: number, say: Say): Promise<{ bytes: number; sent: number }> {
  await using synapse = await startSynapse(say, false);
  const people = await Promise.all(
    Array.from({ length: SYNAPSE_ROOMS }, (_, index) => register(synapse.url, personOf(index))),
  );
  const senders = await Promise.all(
    people.map(async ({ token }) => {
      const made = await callServer(synapse.url, "POST", "createRoom", token, { preset: "public_chat" });
      return { token, path: sendPath(String(made["room_id"])) };
    }),
  );
  let sent = 0;
  while (sent < messages) sent += (await load(synapse.port, senders, SECONDS, true)).sent;
  await synapse.stop();
  // What stands in its journal alone, or twice, is not what it takes.
  const settle = `new (require("bun:sqlite").Database)(process.argv.at(-1)).run("PRAGMA wal_checkpoint(TRUNCATE)")`;
  await execa(BUN, ["-e", settle, synapse.databasePath]);
  return { bytes: await bytesOf(synapse.databasePath), sent };
}
