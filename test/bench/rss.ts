/**
 * Memory after an hour's worth of use, as fast as the server takes it, against Synapse under the same use.
 */
import { join } from "node:path";
import pLimit from "p-limit";
import { packageRoot } from "../../src/shared/package-root.js";
import { generate } from "./generator.js";
import { residentKib } from "./machine.js";
import { compared, measured, percentile, type Bench } from "./metric.js";
import { callServer, register, startServerProcess } from "./server-process.js";
import { startSynapse } from "./synapse.js";
import { sized } from "./trial.js";

const HOUR = join(packageRoot(), "test", "bench", "rss", "hour.mjs");
const PEOPLE = 40;
const ROOMS = 30;
const MEMBERS = 8;
const EVENTS = sized(20_000, 500);
const FILE_BYTES = 5_000_000;
const FILES = sized(100, 5);
const SLIDING_CLIENTS = 3;
const EVERY_MS = 500;
const AT_ONCE = 8;
/** Of the last half: how much is looked at at each end. */
const END = 0.2;

export const rss: Bench = {
  name: "rss",
  summary: `memory while ${PEOPLE} people send ${EVENTS} events and ${(FILES * FILE_BYTES) / 1e6} MB of files in ${ROOMS} rooms, against Synapse`,

  async run(report, say) {
    const ours = await (async () => {
      await using server = await startServerProcess();
      return await anHour(server.url, server.port, server.process.pid, "imcloud", say);
    })();
    const heading = { bench: "rss", unit: "MB" };
    report(measured({ ...heading, metric: "memory at most", goal: { atMost: 120 } }, [Math.max(...ours)]));
    report(measured({ ...heading, metric: "memory at the end" }, ours.slice(-1)));
    const half = ours.slice(Math.floor(ours.length / 2));
    const part = Math.max(1, Math.floor(half.length * END));
    const flat = {
      value: percentile(half.slice(-part), 0.5),
      baseline: percentile(half.slice(0, part), 0.5),
    };
    const metric = "memory in the last half, its end / its beginning";
    report(compared({ ...heading, metric, goal: { atMost: 1.05 } }, [flat]));

    await using synapse = await startSynapse(say);
    const theirs = await anHour(synapse.url, synapse.port, synapse.process.pid, synapse.name, say);
    const pair = { value: Math.max(...ours), baseline: Math.max(...theirs) };
    const name = `memory at most / ${synapse.name}`;
    report(compared({ ...heading, metric: name, goal: { atMost: 0.2 } }, [pair]));
  },
};

/** What the process had in memory at regular times during the use, in MB. */
async function anHour(
  url: string,
  port: number,
  pid: number | undefined,
  name: string,
  say: (line: string) => void,
): Promise<readonly number[]> {
  say(`${PEOPLE} people come to ${name}`);
  const people = await gather(url);
  const samples: number[] = [];
  const sample = async () => samples.push(((await residentKib(pid)) * 1_024) / 1e6);
  const plan = {
    port,
    events: EVENTS,
    fileBytes: FILE_BYTES,
    files: FILES,
    sliding: SLIDING_CLIENTS,
    people,
  };
  const began = performance.now();
  const timer = setInterval(() => void sample(), EVERY_MS);
  try {
    const { told } = await generate<{ readonly told: number }>(HOUR, plan);
    say(`done in ${Math.round((performance.now() - began) / 1000)} s; syncs told of news ${told} times`);
  } finally {
    clearInterval(timer);
  }
  await sample();
  return samples;
}

/** Everybody in some of the rooms. */
async function gather(url: string): Promise<readonly { readonly token: string; readonly rooms: string[] }[]> {
  const limit = pLimit(AT_ONCE);
  const people = await Promise.all(
    Array.from({ length: PEOPLE }, (_, index) =>
      limit(async () => ({
        token: (await register(url, `person${index}`)).token,
        rooms: [] as string[],
      })),
    ),
  );
  await Promise.all(
    Array.from({ length: ROOMS }, (_, room) =>
      limit(async () => {
        const members = Array.from(
          { length: MEMBERS },
          (__, index) => people[(room * 4 + index * 5) % PEOPLE],
        );
        const [creator, ...others] = members.filter((member) => member !== undefined);
        const options = { preset: "public_chat", name: `room ${room}` };
        const made = await callServer(url, "POST", "createRoom", creator?.token, options);
        const roomId = String(made["room_id"]);
        creator?.rooms.push(roomId);
        for (const other of others) {
          await callServer(url, "POST", `join/${encodeURIComponent(roomId)}`, other.token, {});
          other.rooms.push(roomId);
        }
      }),
    ),
  );
  return people;
}
