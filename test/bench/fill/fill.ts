/**
 * Fills a database as use would, without HTTP: accounts, rooms, and what was said in them, through the server's own
 * rules and its own append, and into the index of words.
 *
 * usage: bun fill.ts < PLAN; the plan and what is printed are in plan.ts
 */
import { text } from "node:stream/consumers";
import { ServerConfig } from "../../../src/shared/server-config.js";
import type { EventDraft } from "../../../src/server/core/event.js";
import { roomVersion } from "../../../src/server/core/room-versions.js";
import { PasswordHasher } from "../../../src/server/runtime/password.js";
import { firstEvents } from "../../../src/server/service/create-room.js";
import { Rooms } from "../../../src/server/service/rooms.js";
import { openStore } from "../../../src/server/store/store.js";
import type { Filled, FillPlan } from "./plan.js";
import { sentence } from "./sentences.js";

/** Events of one append. */
const TOGETHER = 200;
/** Times that the index of words takes in two batches of events. */
const INDEXED_TOGETHER = 128;
const INDEX_BATCH = 1_024;
/** Rooms that are filled at a time, so that the writer never waits. */
const AT_ONCE = 8;

const plan = JSON.parse(await text(process.stdin)) as FillPlan;
const config = ServerConfig.parse(plan.config);
const store = await openStore(config);
const rooms = new Rooms(store, config.serverName, plan.rooms.length + AT_ONCE);
const idOf = (user: string) => `@${user}:${config.serverName}`;

const hash = await new PasswordHasher(config.passwordHash).hash(plan.password);
await Promise.all(plan.users.map((user) => store.accounts.create(idOf(user), hash, false)));

const roomIds: string[] = [];
const version = roomVersion(config.defaultRoomVersion);
let started = 0;
let said = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let number = started++; number < plan.rooms.length; number = started++) await fillRoom(number);
  }),
);
await indexWords();
const events = await store.events.position();
await store.close();
process.stdout.write(JSON.stringify({ roomIds, events } satisfies Filled));

/** Many batches share a commit: words belong anywhere in the index, and each commit writes the pages that it touched. */
async function indexWords(): Promise<void> {
  const left = await store.events.position();
  for (let done = 0; done < left; done += INDEXED_TOGETHER * INDEX_BATCH)
    await Promise.all(Array.from({ length: INDEXED_TOGETHER }, () => store.search.indexSome()));
  await store.search.index();
}

async function fillRoom(number: number): Promise<void> {
  const { members, messages } = plan.rooms[number] ?? { members: [], messages: 0 };
  const [creator = "", ...others] = members.map(idOf);
  const drafts = firstEvents({
    ...{ creator, version, preset: "public_chat", name: `room ${number}` },
    ...{ creationContent: {}, initialState: [], powerLevels: {}, invite: [], isDirect: false },
    profiles: new Map(),
  });
  const roomId = await rooms.create(version, drafts);
  roomIds[number] = roomId;
  if (others.length > 0) await rooms.sendAll(roomId, () => others.map(joining));
  const people = [creator, ...others];
  for (let done = 0; done < messages; done += TOGETHER) {
    const some = Array.from({ length: Math.min(TOGETHER, messages - done) }, (_, index) =>
      message(people[(done + index) % people.length] ?? creator),
    );
    await rooms.sendAll(roomId, () => some);
  }
}

function joining(userId: string): EventDraft {
  return { type: "m.room.member", stateKey: userId, sender: userId, content: { membership: "join" } };
}

function message(sender: string): EventDraft {
  return { type: "m.room.message", sender, content: { msgtype: "m.text", body: sentence(said++) } };
}
