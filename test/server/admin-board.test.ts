/** How the server and its board do: what is measured, remembered and made of it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Log } from "../../src/server/runtime/log.js";
import { readBoard } from "../../src/server/runtime/board.js";
import { findingsOf, type Looked } from "../../src/server/service/board-health.js";
import { Figures, quantile, type FigureName } from "../../src/server/service/figures.js";
import { startServer } from "../../src/server/server.js";
import { operatorOf, refusal, register, roomOf, startTestServer, type TestServer } from "./test-server.js";

interface FiguresAnswer {
  readonly interval_ms: number;
  readonly at: readonly number[];
  readonly figures: Record<FigureName, readonly (number | null)[]>;
  readonly now: { readonly at: number; readonly figures: Record<FigureName, number | null> };
}

let server: TestServer;
let admin: ReturnType<typeof operatorOf>;
beforeAll(async () => {
  server = await startTestServer();
  admin = operatorOf(server);
});
afterAll(() => server.stop());

test("a sample has what people did since the one before, and what the board is at", async () => {
  const ann = await register(server, "ann");
  const room = await roomOf(ann);
  for (let n = 0; n < 5; n += 1) await ann.send(room, `message ${n}`);
  const since = Date.now() - 1;
  await server.running.services.watch.take(Date.now());

  const answer = await admin.get<FiguresAnswer>(`/figures?since=${since}`);
  expect(answer.interval_ms).toBe(60_000);
  expect(answer.at).toHaveLength(1);
  const [events, requests, p50, p99] = (["events", "requests", "latency_p50", "latency_p99"] as const).map(
    (name) => answer.figures[name][0] ?? -1,
  );
  expect(events).toBeGreaterThan(5);
  expect(requests).toBeGreaterThan(5);
  expect(p50).toBeGreaterThan(0);
  expect(p99).toBeGreaterThanOrEqual(p50 ?? 0);
  const { now } = answer;
  expect(now.figures.memory).toBeGreaterThan(1_000_000);
  expect(now.figures.board_memory).toBeGreaterThan(now.figures.board_memory_available ?? Infinity);
  expect(now.figures.disk_free).toBeGreaterThan(0);
  // Events that do not leave the process have no broker, which is not a broker that is down.
  expect([now.figures.broker_up, now.figures.outbox_lag]).toEqual([null, null]);
  expect((await admin.get<FiguresAnswer>(`/figures?since=${answer.at[0] ?? 0}`)).at).toEqual([]);
});

test("health has the server's own findings, and nothing that the board has not", async () => {
  const { findings } = await admin.get<{ findings: { check: string; verdict: string }[] }>("/health");
  const checks = new Set(findings.map(({ check }) => check));
  for (const check of ["store", "disk-space", "memory", "load", "clock"]) expect(checks).toContain(check);
  expect(findings.find(({ check }) => check === "store")).toMatchObject({ verdict: "ok" });
  expect(checks).not.toContain("broker");
});

test("settings say what accounts may and how long things stay, and no secret", async () => {
  expect(await admin.get<object>("/settings")).toEqual({
    server_name: "hs1",
    address: "http://127.0.0.1:8008/",
    entrance: "http://127.0.0.1:8008/",
    registration: "open",
    password_minimum: 1,
    user_media_bytes: 1_073_741_824,
    upload_bytes: 52_428_800,
    notices_user_id: "@notices:hs1",
    retention: { enabled: false },
  });
});

test("none of it is for others", async () => {
  const ben = await register(server, "ben");
  for (const path of ["figures", "health", "settings"]) {
    const { status, code } = await refusal(ben.get(`/_imcloud/admin/v1/${path}`));
    expect([path, status, code]).toEqual([path, 403, "M_FORBIDDEN"]);
  }
});

test("an account is made with a display name, once and again", async () => {
  const make = (name: string) =>
    admin.call<{ outcome: string }>("PUT", "/users/carol", { password: "one", display_name: name });
  expect(await make("Carol")).toMatchObject({ outcome: "created" });
  expect(await make("Carol")).toMatchObject({ outcome: "unchanged" });
  expect(await make("Carol C.")).toMatchObject({ outcome: "changed" });
  expect(await admin.get<object>("/users/carol")).toMatchObject({ display_name: "Carol C." });
});

test("a restart keeps the figures, and a file that is none is no reason not to start", async () => {
  const first = await startTestServer();
  const { config } = first.running.services;
  await first.running.services.watch.take(Date.now());
  const { at } = first.running.services.watch.figures.since(0);
  await first.running.stop();
  const second = await startServer(config, new Log("error"));
  expect(second.services.watch.figures.since(0).at).toEqual(at);
  await second.stop();

  writeFileSync(join(first.folder, "figures.json"), "{");
  const lines: string[] = [];
  const third = await startServer(config, new Log("warn", (line) => lines.push(line)));
  expect(third.services.watch.figures.since(0).at).toEqual([]);
  expect(lines.join("")).toContain("the figures of before are lost");
  await third.stop();
  rmSync(first.folder, { recursive: true });
});

test("the ring keeps a day, and begins anew when the clock was set back", () => {
  const ring = new Figures();
  for (let minute = 1; minute <= 1_500; minute += 1) ring.add(minute * 60_000, { events: minute });
  const all = ring.since(0);
  expect([all.at.length, all.at[0], all.at.at(-1)]).toEqual([1_440, 61 * 60_000, 1_500 * 60_000]);
  expect([all.figures.events[0], all.figures.temperature[0]]).toEqual([61, null]);
  ring.add(1, { events: 7 });
  expect(ring.since(0).figures.events).toEqual([7]);
});

test("a quantile is that of the requests in between", () => {
  const bounds = [0.01, 0.1, 1];
  const before = { bounds, counts: [100, 0, 0, 0] };
  expect(quantile(0.5, before, before)).toBeUndefined();
  expect(quantile(0.5, before, { bounds, counts: [100, 10, 0, 0] })).toBeCloseTo(0.055);
  expect(quantile(0.99, before, { bounds, counts: [190, 0, 10, 0] })).toBeCloseTo(0.91);
  expect(quantile(0.99, before, { bounds, counts: [100, 0, 0, 3] })).toBe(1);
});

/** A board of files. */
function board(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "imcloud-board-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

const PI = {
  "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
  "proc/meminfo": "MemTotal:        3884048 kB\nMemFree:  1 kB\nMemAvailable:     250000 kB\n",
  "proc/loadavg": "0.20 0.51 0.60 1/180 2222\n",
  "sys/class/thermal/thermal_zone0/temp": "81250\n",
  "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
  "run/systemd/timesync/synchronized": "",
};

const LOOKED: Omit<Looked, "board"> = {
  config: { store: { kind: "sqlite", path: "/x", synchronous: "full" }, listeners: [], acme: undefined },
  storeTrouble: undefined,
  bus: undefined,
};

const verdicts = (looked: Looked) =>
  Object.fromEntries(
    findingsOf(looked, new Date()).map(({ check, verdict, measured }) => [check, [verdict, measured]]),
  );

test("a board in trouble is read from its files, and judged as `imcloud health` does", () => {
  using pi = board(PI);
  const figures = readBoard("/", pi.root);
  expect(figures).toMatchObject({
    memoryBytes: 3_884_048 * 1_024,
    load: 0.51,
    temperatureC: 81.25,
    power: { isPi: true, flags: 0x50005 },
    isClockSynchronized: true,
  });
  expect(verdicts({ ...LOOKED, board: figures })).toMatchObject({
    memory: ["warning", "94 %"],
    temperature: ["critical", "81 °C"],
    power: ["critical", "0x50005"],
    throttling: ["critical", "0x50005"],
    clock: ["ok", undefined],
    store: ["ok", undefined],
  });
});

test("what a board does not tell is unknown, and never well", () => {
  using pi = board({ "proc/device-tree/model": "Raspberry Pi 5\0" });
  const figures = readBoard(join(pi.root, "nowhere"), pi.root);
  expect(figures.diskFreeBytes).toBeUndefined();
  expect(new Set(Object.values(verdicts({ ...LOOKED, board: figures })).map(([verdict]) => verdict))).toEqual(
    new Set(["ok", "unknown"]),
  );
  expect(Object.entries(verdicts({ ...LOOKED, board: figures })).filter(([, [it]]) => it === "ok")).toEqual([
    ["store", ["ok", undefined]],
  ]);
});

test("a broker that is away, a backlog and dead letters are told", () => {
  using pi = board(PI);
  const figures = readBoard("/", pi.root);
  const withBus = (trouble: string | undefined, events: number, deadLetters: number) =>
    verdicts({ ...LOOKED, board: figures, bus: { trouble, outbox: { events, deadLetters } } });
  expect(withBus(undefined, 3, 0)).toMatchObject({ broker: ["ok", undefined], outbox: ["ok", "3 events"] });
  expect(withBus("refused", 2_000, 0)).toMatchObject({
    broker: ["critical", undefined],
    outbox: ["warning", "2000 events"],
  });
  expect(withBus(undefined, 0, 2)).toMatchObject({ outbox: ["warning", "2 events"] });
});

test("a container has its machine's clock and no sensors of its own", () => {
  using container = board({ ...PI, "run/systemd/container": "systemd-nspawn" });
  const found = verdicts({ ...LOOKED, board: readBoard("/", container.root) });
  expect(found["clock"]).toEqual(["ok", undefined]);
  expect(Object.keys(found)).not.toContain("temperature");
  expect(Object.keys(found)).not.toContain("power");
});
