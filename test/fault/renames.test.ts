/**
 * The engine's renames and the disk: a power cut leaves the old content or the new, whole, and a ledger that knows.
 *
 * A virtual board's page cache outlives its power, so this looks at system calls; the judgement's own tests show that
 * it would see a sync that is missing, too late, or that had not ended.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { operator } from "../e2e/operator.js";
import { traceOf } from "../e2e/trace.js";
import { judgeRename } from "./rename-trace.js";

const DURABLE = { renamed: true, contentFirst: true, nameAfter: true };
const CALLS = ["fsync", "fdatasync", "rename", "renameat", "renameat2"];

test("a file and its line in the ledger are on the disk under their names", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-renames-"));
  try {
    await using board = await virtualBoard("kitchen");
    const playbook = `- file: { path: /etc/kept.conf, content: "new = true\\n" }`;
    await using home = await operator({ boards: [board], playbook });
    await using tracing = await traceOf(board, join(folder, "trace"), CALLS);
    expect(await home.imcloud("apply", "--yes")).toMatchObject({ exitCode: 0 });
    const trace = (await tracing.end()).split("\n");

    expect(judgeRename(trace, "/etc/kept.conf")).toEqual(DURABLE);
    const entry = await board.sh("ls /var/lib/imcloud/managed/*/entry");
    expect(judgeRename(trace, entry)).toEqual(DURABLE);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const SYNC = "fsync(3</etc/.new>) = 0";
const RENAME = 'renameat2(AT_FDCWD</>, "/etc/.new", AT_FDCWD</>, "/etc/x", 0) = 0';
const FOLDER = "fsync(3</etc>) = 0";
const lines = (...calls: string[]) => calls.map((call) => `7 ${call}`);

test.each<[string, readonly string[], object]>([
  ["as it should be", lines(SYNC, RENAME, FOLDER), DURABLE],
  ["no sync of the content", lines(RENAME, FOLDER), { ...DURABLE, contentFirst: false }],
  ["the content too late", lines(RENAME, SYNC, FOLDER), { ...DURABLE, contentFirst: false }],
  ["no sync of the folder", lines(SYNC, RENAME), { ...DURABLE, nameAfter: false }],
  [
    "a sync that had not ended",
    lines("fsync(3</etc/.new> <unfinished ...>", RENAME, "<... fsync resumed>) = 0", FOLDER),
    { ...DURABLE, contentFirst: false },
  ],
  [
    "a sync that failed",
    lines("fsync(3</etc/.new>) = -1 EIO", RENAME, FOLDER),
    { ...DURABLE, contentFirst: false },
  ],
  ["no rename", lines(SYNC, FOLDER), { renamed: false, contentFirst: false, nameAfter: false }],
])("the judgement: %s", (_what, trace, verdict) => {
  expect(judgeRename(trace, "/etc/x")).toEqual(verdict);
});
