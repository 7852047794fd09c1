/**
 * The whole command line, struck from outside; then the same command once more, and the board is as if nothing had
 * happened. (`interruptions.test.ts` does the same to the engine, marker by marker.)
 */
import { beforeAll, expect, test } from "vitest";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { operator } from "../e2e/operator.js";
import { boardState } from "./board-state.js";
import {
  applyAgain,
  applyInterrupted,
  INTERRUPTIONS,
  seededMoments,
  type Interruption,
  type Moment,
} from "./interruption.js";

const long = process.env["IMCLOUD_FAULT"] === "long";
const seed = Number(process.env["IMCLOUD_SEED"] ?? 20_261_123);

const playbook = `
- package: { names: [tree] }
- user: { name: kept, home: /var/lib/kept }
- directory: { path: /var/lib/kept, owner: kept, group: kept, mode: "0750" }
- file: { path: /etc/kept.conf, content: "new = true\\n", notifies: [kept.service] }
- line: { path: /etc/hosts, line: "192.0.2.7 elsewhere" }
- sysctl: { key: net.ipv4.tcp_fin_timeout, value: 42 }
- file:
    path: /etc/systemd/system/kept.service
    content: "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"
    notifies: [kept.service]
- service: { unit: kept.service }
`;
/** Two for each of the eight tasks. */
const MARKERS = 16;
const RUN_MS = 3_000;

let undisturbed = "";
beforeAll(async () => {
  await using board = await virtualBoard("kitchen");
  await using home = await operator({ boards: [board], playbook });
  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, run.stderr).toMatchObject({ exitCode: 0 });
  undisturbed = await boardState(board);
});

const kinds: readonly Interruption[] = Object.values(INTERRUPTIONS);
const markers = long ? Array.from({ length: MARKERS }, (_, index) => index + 1) : [3];
const moments: readonly Moment[] = [
  ...markers.map((count): Moment => ({ kind: "marker", count })),
  ...seededMoments(long ? 30 : 1, RUN_MS, seed),
];
// The short form takes one moment for each kind, in turns.
const cases = kinds.flatMap((kind, index) =>
  moments
    .filter((_moment, turn) => long || turn % 2 === index % 2)
    .map((moment) => [kind.name, JSON.stringify(moment), kind, moment] as const),
);

test.each(cases)(`%s at %s (seed ${seed})`, async (_name, _when, interruption, moment) => {
  await using board = await virtualBoard("kitchen");
  await using home = await operator({ boards: [board], playbook });

  await applyInterrupted(home, board, interruption, moment);

  const again = await applyAgain(home);
  expect(again, again.stderr).toMatchObject({ exitCode: 0 });
  expect(await boardState(board)).toBe(undisturbed);
  expect(await board.sh("systemctl is-active kept.service")).toBe("active");
  const settled = await home.imcloud("plan", "--json");
  expect(settled, settled.stdout).toMatchObject({ exitCode: 0 });
});
