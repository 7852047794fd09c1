/**
 * What is taken back: in which order, and that data is nobody's to take but who says so.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { revertAll } from "../../../src/engine/revert.js";
import type { ManagedEntry } from "../../../src/engine/types.js";
import { directory } from "../../../src/resources/directory.js";
import { absent, resourceId } from "../../../src/resources/resource.js";

const entry = (key: string, since: string, isData = false): ManagedEntry => ({
  version: 1,
  id: resourceId("directory", key),
  since,
  title: `create ${key}`,
  isData,
  revertible: true,
});
const LEDGER = [entry("/a", "1/0001"), entry("/data", "1/0002", true), entry("/b", "1/0003")];

test("the youngest goes first, data stays, and units are settled once", () => {
  expect(revertAll(LEDGER, { withData: false }).map(({ title }) => title)).toEqual([
    "revert directory:/b",
    "revert directory:/a",
    "restart what still runs",
  ]);
  expect(revertAll(LEDGER.slice(1, 2), { withData: false })).toEqual([]);
});

test.each([
  ["no", true],
  ["yes", false],
])("a folder of data, with IMCLOUD_WITH_DATA=%s, is still there: %s", (IMCLOUD_WITH_DATA, isThere) => {
  const path = mkdtempSync(join(tmpdir(), "imcloud-data-"));
  const wish = directory.schema.parse({ path, data: true });
  const [draft] = directory.diff(wish, absent);
  execFileSync("sh", ["-euc", draft?.undo?.text ?? "false"], { env: { ...process.env, IMCLOUD_WITH_DATA } });
  expect(existsSync(path)).toBe(isThere);
  rmSync(path, { recursive: true, force: true });
});
