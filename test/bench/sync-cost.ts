/**
 * What an incremental sync costs by the number of rooms that its user is in, when one thing is new; and what a first sync
 * costs of somebody in many rooms.
 */
import { measured, timed, compared, type Bench, type Metric, type Pair } from "./metric.js";
import { callServer, register, startServerProcess, type Account } from "./server-process.js";

const FEW = 10;
const ROOMS = [100, 1_000];
const TURNS = 40;
/** The first turns are not counted: code is compiled, caches fill. */
const WARM_UP = 10;
const INITIAL_ROOMS = 500;
const INITIAL_TURNS = 12;
/** Requests at a time while rooms are made. */
const AT_ONCE = 16;
const SLIDING = "../unstable/org.matrix.simplified_msc3575/sync";

/** As Element X asks. */
const STATE = [
  ...["name", "encryption", "topic", "avatar", "canonical_alias", "power_levels", "join_rules", "tombstone"],
  ...["create", "history_visibility"],
].map((name) => [`m.room.${name}`, ""]);
const REQUIRED = [
  ...STATE,
  ["m.room.member", "$LAZY"],
  ["m.room.member", "$ME"],
  ["m.space.parent", "*"],
  ["m.space.child", "*"],
  ["org.matrix.msc3401.call.member", "*"],
];
const EXTENSIONS = Object.fromEntries(
  ["account_data", "receipts", "typing", "to_device", "e2ee"].map((name) => [name, { enabled: true }]),
);
const slidingBody = (last: number) => ({
  lists: { all_rooms: { ranges: [[0, last]], required_state: REQUIRED, timeline_limit: 1 } },
  extensions: EXTENSIONS,
});

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

export const initial: Bench = {
  name: "initial",
  summary: `the first sync of a user in ${INITIAL_ROOMS} rooms, classic and sliding`,

  async run(report, say) {
    await using server = await startServerProcess();
    const { url } = server;
    const writer = await register(url, "writer");
    say(`a user enters ${INITIAL_ROOMS} rooms`);
    const { token } = await join(url, "reader", writer, INITIAL_ROOMS);
    const sliding = (last: number) => () => callServer(url, "POST", SLIDING, token, slidingBody(last));
    const kinds: readonly [string, { atMost: number } | undefined, () => Promise<unknown>][] = [
      ["sliding, 20 rooms shown", { atMost: 100 }, sliding(19)],
      ["sliding, all rooms shown", undefined, sliding(INITIAL_ROOMS)],
      ["/sync", undefined, () => callServer(url, "GET", "sync", token)],
    ];
    for (const [metric, goal, ask] of kinds) {
      const times: number[] = [];
      for (let turn = 0; turn < INITIAL_TURNS; turn += 1) times.push(await timed(ask));
      const heading = { bench: "initial", unit: "ms", ...(goal !== undefined && { goal }) };
      report(measured({ ...heading, metric: `${metric}, the first time` }, times.slice(0, 1)));
      report(measured({ ...heading, metric }, times.slice(2)));
    }
  },
};

/** In `count` rooms, and synced both ways. */
async function enter(url: string, name: string, writer: Account, count: number): Promise<Reader> {
  const { token, rooms } = await join(url, name, writer, count);
  const { next_batch: since } = await callServer(url, "GET", "sync", token);
  const { pos } = await callServer(url, "POST", SLIDING, token, slidingBody(count));
  return { token, rooms, since: String(since), pos: String(pos) };
}

/** In `count` rooms of the writer's, each with a few messages. */
async function join(
  url: string,
  name: string,
  writer: Account,
  count: number,
): Promise<Pick<Reader, "token" | "rooms">> {
  const { token } = await register(url, name);
  const rooms: string[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, part) => {
      for (let index = part; index < count; index += AT_ONCE) {
        const options = { preset: "public_chat", name: `room ${index}` };
        const { room_id: made } = await callServer(url, "POST", "createRoom", writer.token, options);
        const roomId = String(made);
        await callServer(url, "POST", `join/${encodeURIComponent(roomId)}`, token, {});
        for (const text of ["one", "two", "three"]) await write(url, writer, roomId, `${name}-${text}`);
        rooms.push(roomId);
      }
    }),
  );
  return { token, rooms };
}

async function write(url: string, { token }: Account, roomId: string, txn: string): Promise<void> {
  const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${encodeURIComponent(`${roomId}${txn}`)}`;
  await callServer(url, "PUT", path, token, { msgtype: "m.text", body: txn });
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
