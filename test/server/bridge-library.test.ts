/** A bridge that is built on a library of others: mautrix, in Python. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Registrations } from "./bridge.js";
import { freePort } from "./listening.js";
import { preparePython, PYTHON_MS, startPython } from "./python.js";
import { refusal, register, startTestServer, type Person, type TestServer } from "./test-server.js";

const at = encodeURIComponent;
const registrations = new Registrations();
let server: TestServer;
let alice: Person;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  const file = registrations.write("echo", {
    id: "echo",
    url: `http://127.0.0.1:${port}`,
    as_token: "as token of echo",
    hs_token: "hs token of echo",
    sender_localpart: "echobot",
    namespaces: {
      users: [{ exclusive: true, regex: "@echo_.*:hs1" }],
      aliases: [{ exclusive: true, regex: "#echo_.*:hs1" }],
    },
    "de.sorunome.msc2409.push_ephemeral": true,
    receive_ephemeral: true,
  });
  await preparePython();
  server = await startTestServer({ appServices: { files: [file] } });
  alice = await register(server, "alice");
}, PYTHON_MS);
afterAll(async () => {
  await server.stop();
  registrations[Symbol.dispose]();
});

interface Timeline {
  readonly next_batch: string;
  readonly rooms?: {
    readonly join?: Record<
      string,
      {
        timeline: {
          events: { sender: string; content: Record<string, unknown>; origin_server_ts: number }[];
        };
      }
    >;
  };
}

test("makes whom somebody looks for, hears and answers, and knows what was before", async () => {
  const bridge = await startPython("bridge.py", {
    SERVER_URL: server.url,
    SERVER_NAME: "hs1",
    LISTEN_PORT: String(port),
    STATE_FILE: join(registrations.folder, "state.json"),
  });
  expect(JSON.parse(await bridge.said("pinged"))).toEqual({ pinged: true });

  // A user and a room that are there only because somebody asks.
  const { room_id: room } = await alice.post<{ room_id: string }>("createRoom", {
    invite: ["@echo_one:hs1"],
    is_direct: true,
  });
  expect(await alice.get(`profile/${at("@echo_one:hs1")}`)).toMatchObject({ displayname: "Echo" });
  const joined = await alice.post<{ room_id: string }>(`join/${at("#echo_hall:hs1")}`, {});
  expect(await alice.get(`rooms/${at(joined.room_id)}/state/m.room.name`)).toEqual({ name: "echo_hall" });
  expect((await refusal(register(server, "echo_two"))).code).toBe("M_EXCLUSIVE");
  expect(bridge.lines).toContain('{"made": "@echo_one:hs1"}');
  expect(bridge.lines).toContain('{"made": "#echo_hall:hs1"}');

  // It has joined before it answers.
  await bridge.said('"is_now": "join", "was": "invite"');
  await alice.call("PUT", `rooms/${at(room)}/typing/${at(alice.userId)}`, { typing: true, timeout: 5_000 });
  await bridge.said(`{"typing": ["${alice.userId}"]}`);
  const sent = await alice.send(room, "hello");
  const asked = await alice.get<{ origin_server_ts: number }>(`rooms/${at(room)}/event/${at(sent)}`);
  let since = "";
  let answer;
  while (answer === undefined) {
    const news = await alice.get<Timeline>(`sync?timeout=10000${since === "" ? "" : `&since=${since}`}`);
    since = news.next_batch;
    const events = news.rooms?.join?.[room]?.timeline.events ?? [];
    answer = events.find(({ content }) => content["body"] === "HELLO");
  }
  expect(answer).toMatchObject({ sender: "@echo_one:hs1", origin_server_ts: asked.origin_server_ts });
  await bridge.said('{"read_by": ["@echo_one:hs1"]}');

  await alice.send(room, "good night");
  await bridge.ended;
}, 30_000);
