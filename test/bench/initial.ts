/**
 * What a first sync costs of somebody in many rooms, classic and sliding, against Synapse.
 *
 * Each is that of a new device: Synapse answers one that asks again from memory, and no client does that.
 */
import { compared, inTurns, measured, PAIRS, timed, type Bench } from "./metric.js";
import { callServer, logIn, register, startServerProcess } from "./server-process.js";
import { startSynapse } from "./synapse.js";
import { enterRooms, SLIDING, slidingBody } from "./syncing.js";
import { sized } from "./trial.js";

const ROOMS = sized(500, 30);
/** Rooms on the first screen. */
const SHOWN = 20;

interface Place {
  readonly url: string;
  readonly rooms: number;
}

export const initial: Bench = {
  name: "initial",
  summary: `the first sync of a user in ${ROOMS} rooms, classic and sliding, against Synapse`,

  async run(report, say) {
    await using server = await startServerProcess();
    await using synapse = await startSynapse(say);
    for (const { url, name } of [{ url: server.url, name: "imcloud" }, synapse]) {
      say(`a user enters ${ROOMS} rooms of ${name}'s`);
      await enterRooms(url, "reader", await register(url, "writer"), ROOMS);
    }
    const sliding = (last: number) => (place: Place, token: string) => firstSliding(place, token, last);
    const kinds = [
      [`sliding, ${SHOWN} rooms shown`, sliding(SHOWN - 1), 100],
      ["sliding, all rooms shown", sliding(ROOMS - 1), undefined],
      ["/sync", firstSync, undefined],
    ] as const;
    for (const [kind, sync, goalMs] of kinds) {
      const on = (url: string) => () => asNewDevice(url, (token) => sync({ url, rooms: ROOMS }, token));
      const cold = { value: await on(server.url)(), baseline: await on(synapse.url)() };
      const pairs = await inTurns(PAIRS, on(server.url), on(synapse.url));
      const heading = { bench: "initial", unit: "ms" };
      if (goalMs !== undefined) {
        const values = pairs.map(({ value }) => value);
        report(measured({ ...heading, metric: kind, goal: { atMost: goalMs } }, values));
      }
      const metric = `${kind} / ${synapse.name}`;
      report(compared({ ...heading, metric, goal: { atMost: 0.1 } }, pairs));
      report(compared({ ...heading, metric: `${metric}, the first time` }, [cold]));
    }
  },
};

/** Logs in anew, and says how long the sync takes that follows, in milliseconds. */
async function asNewDevice(url: string, sync: (token: string) => Promise<void>): Promise<number> {
  const { token } = await logIn(url, "reader");
  const took = await timed(() => sync(token));
  await callServer(url, "POST", "logout", token);
  return took;
}

async function firstSync({ url, rooms }: Place, token: string): Promise<void> {
  const { rooms: sections } = await callServer(url, "GET", "sync", token);
  const { join } = sections as { readonly join?: object };
  assertRooms(Object.keys(join ?? {}).length, rooms);
}

async function firstSliding({ url, rooms }: Place, token: string, last: number): Promise<void> {
  const answer = await callServer(url, "POST", SLIDING, token, slidingBody(last));
  assertRooms(Object.keys(answer["rooms"] as object).length, Math.min(last + 1, rooms));
}

function assertRooms(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} rooms instead of ${expected}`);
}
