import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { youngerThanBuild } from "../../e2e/fresh-build.js";

test("a build is stale once something that it is made of is younger, or when there is none", async () => {
  const root = mkdtempSync(join(tmpdir(), "imcloud-build-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ["bin", "src/engine", "templates", "playbooks", "dist/bin"])
    mkdirSync(join(root, folder), { recursive: true });
  const write = (path: string, atS: number) => {
    writeFileSync(join(root, path), "");
    utimesSync(join(root, path), atS, atS);
  };

  write("src/engine/plan.ts", 1_000);
  expect(await youngerThanBuild(root)).toBe(join(root, "src/engine/plan.ts"));
  write("dist/bin/imcloud.js", 2_000);
  expect(await youngerThanBuild(root)).toBeUndefined();
  write("playbooks/base.yaml", 3_000);
  expect(await youngerThanBuild(root)).toBe(join(root, "playbooks/base.yaml"));
});
