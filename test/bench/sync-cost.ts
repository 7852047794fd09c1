/**
 * What an incremental sync costs by the number of rooms that its user is in, when one thing is new.
 */
import { timed, compared, type Bench, type Metric, type Pair } from "./metric.js";
import { callServer, register, startServerProcess, type Account } from "./server-process.js";
import { enterRooms, SLIDING, slidingBody, write } from "./syncing.js";

const FEW = 10;
const ROOMS = [100, 1_000];
const TURNS = 40;
/** The first turns are not counted: code is compiled, caches fill. */
const WARM_UP = 10;
interface Reader {
  readonly token: string;
  readonly rooms: readonly string[];
  since: string;
  pos: string;
}

export const syncCost: Bench = {
  name: "sync-cost",
  summary: `an incremental sync with one new event, of a user in ${ROOMS.join(", ")} rooms and in ${FEW}`,

  async run(report, say) {
    await using server = await startServerProcess();
    const { url } = server;
    const writer = await register(url, "writer");
    const readers = new Map<number, Reader>();
    for (const count of [FEW, ...ROOMS]) {
      say(`a user enters ${count} rooms`);
      readers.set(count, await enter(url, `reader${count}`, writer, count));
    }
    const took = { sync: new Map<number, number[]>(), sliding: new Map<number, number[]>() };
    say(`${TURNS} turns`);
    for (let turn = -WARM_UP; turn < TURNS; turn += 1) {
      for (const [count, reader] of readers) {
        await write(url, writer, reader.rooms[Math.abs(turn * 7) % count] ?? "", `${turn}-${count}`);
        const sync = await timed(async () => {
          const answer = await callServer(url, "GET", `sync?since=${reader.since}`, reader.token);
          reader.since = String(answer["next_batch"]);
          assertOne(answer["rooms"], "join");
        });
        const sliding = await timed(async () => {
          const body = slidingBody(count);
          const answer = await callServer(url, "POST", `${SLIDING}?pos=${reader.pos}`, reader.token, body);
          reader.pos = String(answer["pos"]);
          assertOne(answer, "rooms");
        });
        if (turn < 0) continue;
        took.sync.set(count, [...(took.sync.get(count) ?? []), sync]);
        took.sliding.set(count, [...(took.sliding.get(count) ?? []), sliding]);
      }
    }
    for (const [kind, times] of Object.entries(took))
      for (const count of ROOMS) report(growth(kind, count, times.get(count) ?? [], times.get(FEW) ?? []));
  },
};

/** In `count` rooms, and synced both ways. */
async function enter(url: string, name: string, writer: Account, count: number): Promise<Reader> {
  const { token, rooms } = await enterRooms(url, name, writer, count);
  const { next_batch: since } = await callServer(url, "GET", "sync", token);
  const { pos } = await callServer(url, "POST", SLIDING, token, slidingBody(count));
  return { token, rooms, since: String(since), pos: String(pos) };
}

/** @throws Error unless exactly one room is told of */
function assertOne(answer: unknown, section: string): void {
  const rooms = (answer as Record<string, object> | undefined)?.[section] ?? {};
  if (Object.keys(rooms).length !== 1) throw new Error(`not one room: ${JSON.stringify(answer)}`);
}

/** The pairs are sorted, so that a turn that something disturbed is compared with its like. */
function growth(kind: string, count: number, many: readonly number[], few: readonly number[]): Metric {
  const sorted = (times: readonly number[]) => times.toSorted((one, other) => one - other);
  const quarter = Math.floor(TURNS / 4);
  const baselines = sorted(few).slice(quarter, -quarter);
  const pairs = sorted(many)
    .slice(quarter, -quarter)
    .map((value, index): Pair => ({ value, baseline: baselines[index] ?? value }));
  const metric = `${kind === "sync" ? "/sync" : "sliding"}, ${count} rooms / ${FEW}`;
  return compared({ bench: "sync-cost", metric, unit: "ms", goal: { atMost: 1.5 } }, pairs);
}
