/**
 * The databases that the store runs on, and events to put into them.
 */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventDraft } from "../../src/server/core/event.js";
import { sealEvent } from "../../src/server/core/event-hash.js";
import { roomVersion } from "../../src/server/core/room-versions.js";
import type { NewEvent } from "../../src/server/store/append.js";
import { openStore, type Store } from "../../src/server/store/store.js";
import { ServerConfig, type ServerConfigInput } from "../../src/shared/server-config.js";
import { hasPostgres, startPostgres, type TestCluster } from "./postgres.js";

type Place = ServerConfigInput["store"];
type Open = (place?: Place) => Promise<Store & AsyncDisposable>;

const BASE = {
  serverName: "hs1",
  listeners: [{ address: "127.0.0.1", port: 0 }],
  publicBaseUrl: "http://127.0.0.1",
} as const;

export function configOf(store: Place, serverName = "hs1"): ServerConfig {
  return ServerConfig.parse({ ...BASE, serverName, store });
}

const version = roomVersion("11");

/** Events that only need to be events. */
export function events(roomId: string, firstSeq: number, drafts: readonly Partial<EventDraft>[]): NewEvent[] {
  return drafts.map((draft, index) =>
    sealEvent(
      version,
      { type: "m.room.message", sender: "@alice:hs1", content: { body: `${firstSeq + index}` }, ...draft },
      { roomId, seq: firstSeq + index, ts: 1_700_000_000_000, prevEvents: [], authEvents: [] },
    ),
  );
}

export const member = (userId: string, membership: string): Partial<EventDraft> => ({
  type: "m.room.member",
  stateKey: userId,
  content: { membership },
});

export async function makeRoom(store: Store, roomId: string): Promise<void> {
  const create: Partial<EventDraft> = {
    type: "m.room.create",
    stateKey: "",
    content: { room_version: "11" },
  };
  const made = await store.events.append({
    roomId,
    expectedHead: 0,
    version: "11",
    events: events(roomId, 1, [create, member("@alice:hs1", "join")]),
  });
  expect(made).toHaveProperty("positions");
}

/**
 * Makes the tests for each database, in a place that goes with the file's last test.
 *
 * @param define its second argument is a new, empty place
 * @returns what makes such places, by the database's name
 */
export function onEachDatabase(
  define: (open: Open, newPlace: () => Place) => void,
): Readonly<Record<"sqlite" | "postgres", () => Place>> {
  let cluster: TestCluster | undefined;
  const folder = mkdtempSync(join(tmpdir(), "imcloud-store-"));
  let files = 0;
  beforeAll(() => {
    if (hasPostgres) cluster = startPostgres();
  });
  afterAll(() => {
    cluster?.stop();
    rmSync(folder, { recursive: true });
  });

  const places = {
    sqlite: (): Place => ({ kind: "sqlite", path: join(folder, `${++files}.sqlite`) }),
    postgres: (): Place => {
      if (cluster === undefined)
        throw new Error("PostgreSQL is not installed: scripts/test-server.sh installs it");
      return cluster.newStore();
    },
  };
  for (const [name, newPlace] of Object.entries(places))
    describe(name, () => {
      define(async (place = newPlace()) => {
        const store = await openStore(configOf(place));
        return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
      }, newPlace);
    });
  return places;
}
