/**
 * A run that is cut off anywhere ends, with one more run, in the state that an undisturbed one gives.
 *
 * The short form takes a few moments of each kind; IMCLOUD_FAULT=long takes all of them. Moments inside steps
 * come from a seed that a failing run prints.
 */
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { Transport } from "../../src/board/transport.js";
import { applyBoard, planBoard } from "../../src/engine/apply.js";
import type { BoardResult, RunObserver } from "../../src/engine/types.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { Secret } from "../../src/shared/secret.js";
import { connect } from "../e2e/connect.js";
import { settledFiles, wishes } from "../e2e/wishes.js";

const long = process.env["IMCLOUD_FAULT"] === "long";
const seed = Number(process.env["IMCLOUD_SEED"] ?? 20_260_711);

const UNIT = (setting: string) =>
  `[Service]\nExecStart=/bin/sh -c 'cp /etc/imtest/conf /run/imtest-loaded; exec sleep infinity'\nEnvironment=SETTING=${setting}\n[Install]\nWantedBy=multi-user.target\n`;

const ITEMS = wishes([
  ["user", { name: "imtest", home: "/var/lib/imtest" }],
  ["directory", { path: "/var/lib/imtest", owner: "imtest", group: "imtest", mode: "0750" }],
  ["file", { path: "/etc/imtest/conf", content: "new = true\n", notifies: ["imtest.service"] }],
  ["file", { path: "/etc/imtest/secret", content: new Secret("hush"), mode: "0600" }],
  ["line", { path: "/etc/hosts", line: "192.0.2.7 elsewhere" }],
  ["sysctl", { key: "net.ipv4.tcp_fin_timeout", value: "42" }],
  [
    "command",
    { name: "slow mark", unless: "test -e /etc/imtest/mark", run: "sleep 0.4; touch /etc/imtest/mark" },
  ],
  [
    "file",
    { path: "/etc/systemd/system/imtest.service", content: UNIT("one"), notifies: ["imtest.service"] },
  ],
  ["service", { unit: "imtest.service" }],
]);
const resolve = () => Promise.resolve(ITEMS);
const MARKERS = ITEMS.length * 2;

let undisturbed: readonly string[] = [];
beforeAll(async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  expect((await applyBoard({ transport, resolve })).outcome).toBe("changed");
  undisturbed = settledFiles(await board.manifest());
  await transport.close();
});

/** Runs until `moment`, does `harm`, and returns once the run or the connection has ended. */
async function cutOff(
  board: VirtualBoard,
  moment: Moment,
  harm: (transport: Transport) => Promise<void>,
): Promise<void> {
  const transport = await connect(board);
  let markers = 0;
  let done: Promise<void> | undefined;
  const strike = () => (done ??= harm(transport));
  const mark = () => {
    markers += 1;
    if (moment.kind === "marker" && markers === moment.number) void strike();
  };
  const observer: RunObserver = { stepStarted: mark, stepEnded: mark };
  if (moment.kind === "time") void delay(moment.afterMs).then(strike);
  // The connection may be lost, the run may be interrupted, or the harm may come too late: all are the point.
  const ended: BoardResult | Error = await applyBoard({ transport, resolve, observer }).catch(
    (error: Error) => error,
  );
  await done;
  await transport.close();
  expect(ended).toBeDefined();
}

/** One more run, and nothing is missing, nothing is owed, nothing is left to do. */
async function heals(board: VirtualBoard): Promise<void> {
  await board.untilReady();
  const transport = await connect(board);
  const after = await applyBoard({ transport, resolve });
  expect(after.error).toBeUndefined();
  expect(settledFiles(await board.manifest())).toEqual(undisturbed);
  expect(
    await board.sh("cat /run/imtest-loaded; ls /var/lib/imcloud/pending; systemctl is-active imtest"),
  ).toBe("new = true\nactive");
  expect((await applyBoard({ transport, resolve })).outcome).toBe("unchanged");
  await transport.close();
}

type Moment =
  { readonly kind: "marker"; readonly number: number } | { readonly kind: "time"; readonly afterMs: number };

const cutLink = (transport: Transport) => transport.close();
const killRun = (board: VirtualBoard) => async () => {
  await board.sh("systemctl kill -s KILL 'imcloud-run-*.service' || true");
};
const cutPower = (board: VirtualBoard) => async (transport: Transport) => {
  await board.cutPower();
  await transport.close();
  await board.restorePower();
};

describe("at a marker of the journal", () => {
  const numbers = Array.from({ length: MARKERS }, (_, index) => index + 1);
  const some = long ? numbers : [1, 6, MARKERS - 1];
  test.each(some)("the link is cut after marker %i", async (number) => {
    await using board = await virtualBoard("kitchen");
    await cutOff(board, { kind: "marker", number }, cutLink);
    await heals(board);
  });
  test.each(some)("the run is killed after marker %i", async (number) => {
    await using board = await virtualBoard("kitchen");
    await cutOff(board, { kind: "marker", number }, killRun(board));
    await heals(board);
  });
});

describe(`at moments from seed ${seed}`, () => {
  const moments = seededMoments(long ? 30 : 3, 1_500);
  test.each(moments)("%s ms in, the board loses its power", async (afterMs) => {
    await using board = await virtualBoard("kitchen");
    await cutOff(board, { kind: "time", afterMs }, cutPower(board));
    await heals(board);
  });
});

test("killed between a configuration's replacement and the restart: the next run restarts the service", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  await applyBoard({ transport, resolve });
  await board.sh("echo 'new = false' > /etc/imtest/conf; systemctl restart imtest");
  await board.sh("until [ \"$(cat /run/imtest-loaded)\" = 'new = false' ]; do sleep 0.05; done");

  const observer: RunObserver = {
    stepEnded: ({ title }) => {
      if (title === "update file:/etc/imtest/conf") void killRun(board)();
    },
  };
  const slowRestart = wishes([
    ["file", { path: "/etc/imtest/conf", content: "new = true\n", notifies: ["imtest.service"] }],
    [
      "command",
      { name: "pause", unless: "test -e /run/paused", run: "touch /run/paused; timeout 120 sleep infinity" },
    ],
    ["service", { unit: "imtest.service" }],
  ]);
  const killed = await applyBoard({ transport, resolve: () => Promise.resolve(slowRestart), observer });
  expect(killed.error?.code).toBe("engine.interrupted");
  expect(await board.sh("cat /etc/imtest/conf /run/imtest-loaded")).toBe("new = true\nnew = false");
  await transport.close();
  await heals(board);
});

test("a restart that is owed comes, also when no playbook speaks of the unit or the unit is gone", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  await applyBoard({ transport, resolve });
  const conf = [
    "file",
    { path: "/etc/imtest/conf", content: "newer\n", notifies: ["imtest.service"] },
  ] as const;
  const untilKilled = wishes([
    conf,
    ["file", { path: "/etc/imtest/gone", content: "x", notifies: ["gone.service"] }],
    ["command", { name: "die", unless: "false", run: "systemctl kill -s KILL 'imcloud-run-*.service'" }],
  ]);
  const killed = await applyBoard({ transport, resolve: () => Promise.resolve(untilKilled) });
  expect(killed.error?.code).toBe("engine.interrupted");
  expect(await board.sh("cat /etc/imtest/conf /run/imtest-loaded")).toBe("newer\nnew = true");

  const later = () => Promise.resolve(wishes([conf]));
  const plan = await planBoard({ transport, resolve: later });
  expect(plan.changes.map(({ id }) => id)).toEqual(["restart:gone.service", "restart:imtest.service"]);
  const healed = await applyBoard({ transport, resolve: later });
  expect(healed.error).toBeUndefined();
  await board.sh('until [ "$(cat /run/imtest-loaded)" = newer ]; do sleep 0.05; done');
  expect((await planBoard({ transport, resolve: later })).changes).toEqual([]);

  // A unit that may be stopped is not started for a file's sake, and owes nothing.
  await board.sh("systemctl stop imtest; echo old > /etc/imtest/conf");
  const idle = wishes([conf, ["service", { unit: "imtest.service", running: "any" }]]);
  expect((await applyBoard({ transport, resolve: () => Promise.resolve(idle) })).error).toBeUndefined();
  expect(await board.sh("systemctl is-active imtest || true; ls /var/lib/imcloud/pending")).toBe("inactive");
  await transport.close();
});

test("killed inside dpkg: the next run finishes the package", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  const wanted = wishes([["package", { names: ["erlang-base"] }]]);
  let struck: Promise<void> | undefined;
  const observer: RunObserver = {
    output: (line) => {
      if (line.startsWith("Unpacking")) struck ??= killRun(board)();
    },
  };
  const killed = await applyBoard({ transport, resolve: () => Promise.resolve(wanted), observer });
  await struck;
  expect(killed.error?.code).toBe("engine.interrupted");
  const healed = await applyBoard({ transport, resolve: () => Promise.resolve(wanted) });
  expect(healed.error).toBeUndefined();
  expect(await board.sh("dpkg --audit; dpkg-query -W -f '${db:Status-Status}' erlang-base")).toBe(
    "installed",
  );
  await transport.close();
});

test("cut in the middle of the payload: nothing runs", async () => {
  await using board = await virtualBoard("kitchen");
  const transport = await connect(board);
  const big = wishes([
    ["file", { path: "/etc/imtest/before", content: "x" }],
    ["file", { path: "/etc/imtest/big", content: "0123456789abcdef".repeat(2_000_000) }],
  ]);
  const running = applyBoard({
    transport,
    resolve: () => Promise.resolve(big),
    observer: { planned: () => void delay(20).then(() => board.cutLink()) },
  });
  const waited = await Promise.race([
    running.catch((error: Error) => error),
    delay(1_000).then(() => "still sending"),
  ]);
  expect(waited).toBe("still sending");
  expect(
    await board.sh("ls /etc/imtest 2>/dev/null || true; ls /var/lib/imcloud/runs 2>/dev/null || true"),
  ).toBe("");
  await board.restoreLink();
  await running;
  await transport.close();
});

test("rebooted in the middle of a run: the next run says so and goes on", async () => {
  await using board = await virtualBoard("kitchen");
  await cutOff(board, { kind: "marker", number: 13 }, async (transport) => {
    await board.reboot();
    await transport.close();
  });
  await heals(board);
});

/** The same moments for the same seed. Source of the generator: "mulberry32", public domain. */
function seededMoments(count: number, belowMs: number): readonly number[] {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return Array.from({ length: count }, () => Math.round(next() * belowMs));
}
