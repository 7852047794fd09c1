/**
 * What the server has acknowledged is on the disk, survives its death, and reaches the broker.
 *
 * A killed process loses nothing that the kernel holds, so kills say nothing of fsync: that is what strace is
 * for, with a positive control. The short form kills three times; IMCLOUD_FAULT=long two hundred times.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "amqplib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callServer, ended, register, startServerProcess, type Account } from "../bench/server-process.js";
import { startRabbitmq, type TestBroker } from "../server/rabbitmq.js";
import { judgeTrace } from "./server-trace.js";
import { startMixedLoad } from "./mixed-load.js";
import { ALL_THERE, judge, readMessages, startTraffic, type Call } from "./traffic.js";

const KILLS = process.env["IMCLOUD_FAULT"] === "long" ? 200 : 3;
const SENDERS = 8;
const at = encodeURIComponent;

describe("an event is on the disk before its sender knows", () => {
  async function trace(synchronous: "full" | "off") {
    const folder = await mkdtemp(join(tmpdir(), "imcloud-trace-"));
    const output = join(folder, "trace");
    const calls = "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,send,sendto,sendmsg";
    const server = await startServerProcess(
      { store: { kind: "sqlite", path: join(folder, "db.sqlite"), synchronous } },
      ["strace", "-D", "-f", "-y", "-s", "2048", "-e", calls, "-o", output],
    );
    try {
      const { token } = await register(server.url, "ann");
      const { room_id: roomId } = await callServer(server.url, "POST", "createRoom", token, {});
      const { event_id: eventId } = await callServer(
        server.url,
        "PUT",
        `rooms/${at(String(roomId))}/send/m.room.message/1`,
        token,
        { body: "x" },
      );
      await server[Symbol.asyncDispose]();
      // With -D the server is our child and strace is not: its last line is what we wait for.
      const lines = async () => (await readFile(output, "utf8")).split("\n");
      while (
        !(await lines()).some(
          (line) => line.startsWith(`${server.process.pid} `) && line.includes("+++ exited"),
        )
      )
        await delay(20);
      return judgeTrace(await lines(), String(eventId));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  test("as it is delivered", async () => {
    expect(await trace("full")).toEqual({ answered: true, durable: true });
  });

  test("and the test would see it if it were not", async () => {
    expect(await trace("off")).toEqual({ answered: true, durable: false });
  });
});

describe(`${KILLS} kills under load`, () => {
  let folder: string;
  let broker: TestBroker;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "imcloud-kills-"));
    broker = await startRabbitmq();
  });
  afterAll(async () => {
    await broker.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  test("everything acknowledged is there, in order, once, and reached the broker", async () => {
    const start = () =>
      startServerProcess(
        {
          bus: {
            kind: "rabbitmq",
            host: "127.0.0.1",
            port: broker.port,
            user: broker.user,
            passwordFile: broker.passwordFile,
          },
        },
        [],
        folder,
      );
    let server = await start();
    const people = await Promise.all(
      Array.from({ length: SENDERS }, (_, index) => register(server.url, `sender${index}`)),
    );
    const [first] = people as [Account];
    const roomId = String(
      (await callServer(server.url, "POST", "createRoom", first.token, { preset: "public_chat" }))["room_id"],
    );
    for (const { token } of people.slice(1))
      await callServer(server.url, "POST", `rooms/${at(roomId)}/join`, token, {});
    await using heard = await listen(broker);

    const call: Call = (...words) => callServer(server.url, ...words);
    const others = await Promise.all(
      ["counting", "uploading", "sending", "receiving"].map((name) => register(server.url, name)),
    );
    const mixed = startMixedLoad(() => server.url, call, others as [Account, Account, Account, Account]);
    const traffic = startTraffic(call, people, roomId);
    for (let kill = 0; kill < KILLS; kill++) {
      await traffic.further(200);
      await ended(server.process, "SIGKILL");
      server = await start();
    }
    await traffic.stop();
    await mixed.stop();
    for (const times of Object.values(mixed.promises)) expect(times).toBeGreaterThan(KILLS);
    expect(await mixed.broken()).toEqual([]);

    const stored = await readMessages(call, first, roomId);
    expect(judge(traffic.acknowledged, stored)).toEqual(ALL_THERE);

    const wanted = stored.map(({ id }) => id);
    const deadline = Date.now() + 60_000;
    while (!wanted.every((id) => heard.ids.has(id)) && Date.now() < deadline) await delay(50);
    // In the room's order, once repetitions are dropped: a set remembers what came first.
    expect([...heard.ids].filter((id) => wanted.includes(id))).toEqual(wanted);
    await server[Symbol.asyncDispose]();
  });
});

/** Collects the ids of all events that come over the broker, in the order of their first coming. */
async function listen({ port, user, passwordFile }: TestBroker) {
  const password = (await readFile(passwordFile, "utf8")).trimEnd();
  const connection = await connect({ hostname: "127.0.0.1", port, username: user, password });
  const channel = await connection.createChannel();
  await channel.assertExchange("imcloud.events", "topic", { durable: true });
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, "imcloud.events", "#");
  const ids = new Set<string>();
  await channel.consume(
    queue,
    (message) => message !== null && ids.add(String(message.properties.messageId)),
    { noAck: true },
  );
  return { ids, [Symbol.asyncDispose]: () => connection.close() };
}
