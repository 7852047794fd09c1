/**
 * Accounts that useradd or userdel, killed between two of their files, left by half: the next run makes of them what an
 * undisturbed one makes, and taking them back takes all of it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyBoard } from "../../src/engine/apply.js";
import { runSteps } from "../../src/fleet/run-steps.js";
import { silent } from "../../src/fleet/progress.js";
import { revertAll } from "../../src/engine/revert.js";
import { probe } from "../../src/engine/probe.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { connect } from "./connect.js";
import { wishes } from "./wishes.js";

const items = wishes([["user", { name: "kept", home: "/var/lib/kept", groups: ["adm"] }]]);
const ACCOUNT_FILES =
  "cat /etc/passwd /etc/shadow /etc/group /etc/gshadow; ls /etc/passwd?* /etc/shadow?* /etc/group?* /etc/gshadow?* | grep -v -e '-$' || :";

let board: VirtualBoard;
let before = "";
let whole = "";
beforeAll(async () => {
  board = await virtualBoard("kitchen");
  before = await board.sh(ACCOUNT_FILES);
  expect(await apply()).toBe("changed");
  whole = await board.sh(ACCOUNT_FILES);
});
afterAll(() => board[Symbol.asyncDispose]());

async function apply(): Promise<string> {
  const transport = await connect(board);
  const { outcome, error } = await applyBoard({ transport, resolve: () => Promise.resolve(items) });
  await transport.close();
  expect(error?.details.found).toBeUndefined();
  return outcome;
}

async function destroy(): Promise<void> {
  const transport = await connect(board);
  const { state } = await probe(transport, []);
  const steps = revertAll(state.managed, { withData: true });
  const result = await runSteps("kitchen", transport, steps, silent.board("kitchen"), {});
  await transport.close();
  expect(result.error?.details.found).toBeUndefined();
}

const FILES = ["passwd", "shadow", "group", "gshadow"];
/** Every part but none and all: useradd begins with the first of the list, a power cut may keep any. */
const PARTS = Array.from({ length: 14 }, (_, bits) =>
  FILES.filter((_file, index) => ((bits + 1) & (1 << index)) !== 0),
);
/** What the account is left with when the rows of some files are gone. */
const leaveOnly = (rows: readonly string[]) =>
  FILES.filter((file) => !rows.includes(file))
    .map((file) => `sed -i '/^kept:/d' /etc/${file}`)
    .join("\n") || ":";
const LEFTOVERS =
  "cp /etc/gshadow /etc/gshadow+; for file in passwd group; do printf '1\\0' > /etc/$file.lock; done; printf '77\\0' > /etc/shadow.77";

test.each(PARTS.map((rows) => [rows.join(", "), rows] as const))(
  "with its rows in %s alone it becomes whole",
  async (_title, rows) => {
    await board.sh(`${leaveOnly(rows)}\n${LEFTOVERS}`);
    expect(await apply()).toBe("changed");
    expect(await board.sh(ACCOUNT_FILES)).toBe(whole);
    expect(await apply()).toBe("unchanged");
  },
);

// What a userdel leaves that is killed between two files; the last one only a power cut can leave.
test.each([[["shadow", "group", "gshadow"]], [["group", "gshadow"]], [["gshadow"]], [["passwd", "gshadow"]]])(
  "with its rows in %j alone it can be taken back",
  async (rows) => {
    await board.sh(`${leaveOnly(rows)}\n${LEFTOVERS}`);
    await destroy();
    expect(await board.sh(ACCOUNT_FILES)).toBe(before);
    expect(await apply()).toBe("changed");
  },
);

test("a whole account is left alone, but not what a killed program put beside its files", async () => {
  await board.sh(LEFTOVERS);
  expect(await apply()).toBe("changed");
  expect(await board.sh(ACCOUNT_FILES)).toBe(whole);
  expect(await apply()).toBe("unchanged");
});

test("files of a living program, and somebody's copies, are left alone", async () => {
  const copy = "cp /etc/passwd /etc/passwd.20240101";
  await board.sh(
    `${copy}; mkfifo /run/pause; cat > /run/edit; chmod 0755 /run/edit`,
    "#!/bin/sh\ncat /run/pause\n",
  );
  await board.sh(
    "systemd-run --quiet --unit=editing --setenv=EDITOR=/run/edit vipw; until [ -e /etc/passwd.lock ]; do :; done",
  );
  expect(await apply()).toBe("unchanged");
  expect(await board.sh("ls /etc/passwd.lock; echo > /run/pause; rm /run/pause")).toBe("/etc/passwd.lock");
  await board.sh("until [ ! -e /etc/passwd.lock ]; do :; done");
  expect(await apply()).toBe("unchanged");
  expect(await board.sh("cd /etc && ls passwd.*")).toBe("passwd.20240101");
  await board.sh("rm /etc/passwd.20240101");
});

test("a group that was there before is used, and outlives the account", async () => {
  await destroy();
  await board.sh("groupadd --system kept");
  expect(await apply()).toBe("changed");
  expect(await board.sh("id -gn kept")).toBe("kept");
  await destroy();
  expect(await board.sh("getent group kept gshadow; getent passwd kept || :")).toMatch(/^kept:x:\d+:$/);
});
