/** How the outbox waits for a broker that is not there. */
import { expect, test } from "bun:test";
import { BusDownError, type Bus } from "../../src/server/bus/bus.js";
import { Log } from "../../src/server/runtime/log.js";
import { OutboxDrainer } from "../../src/server/workers/outbox-drainer.js";
import { register, startTestServer } from "./test-server.js";

test("waits grow with each loss in a row, and start anew after a success", async () => {
  const server = await startTestServer();
  const { store } = server.running.services;
  const alice = await register(server, "alice");

  let losses = 3;
  const bus: Bus = {
    name: "a test's",
    trouble: undefined,
    publish: (messages) => {
      if (losses-- > 0) return Promise.reject(new BusDownError("gone"));
      return Promise.resolve(messages.map(() => ({ kind: "confirmed" })));
    },
    close: () => Promise.resolve(),
  };
  const waits: number[] = [];
  const log = new Log("warn", (line) => waits.push((JSON.parse(line) as { retryMs: number }).retryMs));
  const drained = async () => {
    while ((await store.outbox.lag(bus.name)).events > 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const drainer = new OutboxDrainer(store, bus, log, "hs1");
  const { room_id: roomId } = await alice.post<{ room_id: string }>("createRoom", {});
  drainer.start();
  await drained();
  losses = 1;
  await alice.send(roomId, "again");
  await drained();
  await drainer.stop();
  await server.stop();

  expect(waits).toEqual([250, 500, 1_000, 250]);
}, 20_000);
