/**
 * Random days: people make rooms, come and go, talk, take back, read; the server restarts. Whatever the order, each
 * client that follows by increments ends with what one sees that begins anew, by `/sync` and by sliding sync.
 *
 * With IMCLOUD_FAULT=long, forty times as many.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ClassicClient, SlidingClient, World, type Place, type View } from "./world.js";

const PEOPLE = 4;
const isLong = process.env["IMCLOUD_FAULT"] === "long";
const RUNS = isLong ? 1_000 : 25;
const at = encodeURIComponent;
let txns = 0;

type Model = Record<string, never>;
interface Step {
  readonly name: string;
  readonly who: number;
  readonly where: number;
}
type Action = (world: World, who: number, place: Place, step: Step) => Promise<void>;

/** In rooms that the person is in, unless the name says otherwise. */
const ACTIONS: Readonly<Record<string, Action>> = {
  async send(world, who, place) {
    place.messages.push({ id: await world.person(who).send(place.roomId, `${++txns}`), sender: who });
  },

  /** All who are in the room talk at once. */
  async burst(world, _who, place) {
    const said = await Promise.all(
      [...place.members].map(async (sender) => ({
        sender,
        id: await world.person(sender).send(place.roomId, `${++txns}`),
      })),
    );
    const order = (await world.truth(place)).map(({ event_id: id }) => id);
    place.messages.push(...said.sort((one, other) => order.indexOf(one.id) - order.indexOf(other.id)));
  },

  async leave(world, who, place) {
    if (who === place.owner) return;
    await world.person(who).post(`rooms/${at(place.roomId)}/leave`, {});
    place.members.delete(who);
  },

  async redact(world, who, place, { where }) {
    const own = place.messages.filter(({ sender }) => sender === who);
    const target = own[where % Math.max(1, own.length)];
    if (target === undefined) return;
    await world.person(who).call("PUT", `rooms/${at(place.roomId)}/redact/${at(target.id)}/${++txns}`, {});
  },

  async read(world, who, place, { where }) {
    const message = place.messages[where % Math.max(1, place.messages.length)];
    if (message === undefined) return;
    await world.person(who).post(`rooms/${at(place.roomId)}/receipt/m.read/${at(message.id)}`, {});
    const ids = place.messages.map(({ id }) => id);
    const before = ids.indexOf(place.readUpTo.get(who) ?? "");
    if (ids.indexOf(message.id) > before) place.readUpTo.set(who, message.id);
  },

  async rename(world, _who, place) {
    const path = `rooms/${at(place.roomId)}/state/m.room.name`;
    await world.person(place.owner).call("PUT", path, { name: `${++txns}` });
  },
};

class Act implements fc.AsyncCommand<Model, World> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  check(): boolean {
    return true;
  }

  async run(_model: Model, world: World): Promise<void> {
    const { name, where } = this.#step;
    const who = this.#step.who % PEOPLE;
    const person = world.person(who);
    if (name === "create") {
      const { room_id: roomId } = await person.post<{ room_id: string }>("createRoom", {
        preset: "public_chat",
      });
      world.places.push({ roomId, owner: who, members: new Set([who]), messages: [], readUpTo: new Map() });
    } else if (name === "restart") await world.restart();
    else if (name === "sync") await world.classic[who]?.sync(person);
    else if (name === "slide") await world.sliding[who]?.sync(person);
    else if (name === "join") {
      const outside = world.places.filter(({ members }) => !members.has(who));
      const place = outside[where % Math.max(1, outside.length)];
      if (place === undefined) return;
      await person.post(`join/${at(place.roomId)}`, {});
      place.members.add(who);
    } else {
      const inside = world.places.filter(({ members }) => members.has(who));
      const place = inside[where % Math.max(1, inside.length)];
      if (place !== undefined) await ACTIONS[name]?.(world, who, place, this.#step);
    }
  }

  toString(): string {
    return JSON.stringify(this.#step);
  }
}

/** Each client catches up, and is compared with a new one, with the room's own order, and with the model's counts. */
async function assertConverged(world: World): Promise<void> {
  for (const who of world.people.keys()) {
    const person = world.person(who);
    const [classic, sliding] = [world.classic[who], world.sliding[who]];
    if (classic === undefined || sliding === undefined) throw new Error("nobody is there");
    await classic.sync(person);
    sliding.last = 99;
    await sliding.sync(person);
    const anew = new ClassicClient(1_000);
    await anew.sync(person);
    const slidAnew = new SlidingClient("anew", 99, 1_000);
    await slidAnew.sync(person);
    const inside = world.places.filter(({ members }) => members.has(who));
    const ids = inside.map(({ roomId }) => roomId).sort();
    for (const client of [classic, sliding, anew, slidAnew])
      expect([...client.rooms.keys()].sort()).toEqual(ids);
    for (const place of inside) {
      const truth = (await world.truth(place)).map(({ event_id: id }) => id);
      const views = [classic, sliding, anew, slidAnew].map(({ rooms }) => rooms.get(place.roomId) as View);
      for (const view of views) {
        // No gap that is not told of, nothing twice, nothing out of order, and nothing is missing at the end.
        expect(view.timeline.length).toBeGreaterThan(0);
        expect(view.timeline).toEqual(truth.slice(-view.timeline.length));
        expect([...view.state].sort()).toEqual([...(views[2]?.state ?? [])].sort());
        expect(view.joined).toBe(place.members.size);
        expect(view.unread).toBe(await unreadOf(world, place, who));
      }
    }
  }
}

/** Messages of others that were not taken back, behind what the person has read and behind their last coming. */
async function unreadOf(world: World, place: Place, who: number): Promise<number> {
  const truth = await world.truth(place);
  const read = place.readUpTo.get(who);
  const { userId } = world.person(who);
  const from = Math.max(
    truth.findLastIndex(({ type, state_key: key }) => type === "m.room.member" && key === userId),
    truth.findIndex(({ event_id: id }) => id === read),
  );
  return truth
    .slice(from + 1)
    .filter(
      ({ type, sender, content }) =>
        type === "m.room.message" && sender !== userId && content["body"] !== undefined,
    ).length;
}

const weighted = (...weights: readonly (readonly [string, number])[]) =>
  fc.oneof(...weights.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })));
const steps = fc
  .record({
    name: weighted(
      ["create", 2],
      ["join", 4],
      ["leave", 2],
      ["send", 8],
      ["burst", 2],
      ["redact", 2],
      ["read", 3],
      ["rename", 2],
      ["sync", 4],
      ["slide", 4],
      ["restart", 1],
    ),
    who: fc.nat(PEOPLE - 1),
    where: fc.nat(20),
  })
  .map((step) => new Act(step));

test("what was read before it was ever counted is not counted afterwards", async () => {
  const world = await World.open(PEOPLE);
  try {
    const run = (name: string, who: number) => new Act({ name, who, where: 0 }).run({}, world);
    await run("create", 1);
    await run("join", 2);
    await run("sync", 1);
    await run("send", 2);
    await run("read", 1);
    await run("send", 2);
    await assertConverged(world);
    expect([...(world.classic[1]?.rooms.values() ?? [])].map(({ unread }) => unread)).toEqual([1]);
  } finally {
    await world.close();
  }
});

test("what was read before a restart is told after it", async () => {
  const world = await World.open(PEOPLE);
  try {
    const run = async (name: string, who: number) => new Act({ name, who, where: 0 }).run({}, world);
    await run("create", 0);
    await run("join", 2);
    await run("send", 0);
    await run("sync", 2);
    expect([...(world.classic[2]?.rooms.values() ?? [])].map(({ unread }) => unread)).toEqual([1]);
    await run("read", 2);
    await run("restart", 0);
    await assertConverged(world);
  } finally {
    await world.close();
  }
});

test(
  "whatever happens, who follows by increments sees what who begins anew sees",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands([steps], { maxCommands: 80, size: "max" }), async (commands) => {
        const world = await World.open(PEOPLE);
        try {
          await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
          await assertConverged(world);
        } finally {
          await world.close();
        }
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: isLong ? 1_200_000 : 25_000, markInterruptAsFailure: false },
    );
  },
  isLong ? 1_300_000 : 60_000,
);
