/**
 * The package as npm makes it, installed as a person would, in a place of its own.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { packageRoot } from "../../src/shared/package-root.js";

test("`npm pack` makes a package that installs globally and works", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-package-"));
  try {
    // What is packed is what was built; building again would take it from under other tests.
    await execa("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: packageRoot() });
    const [tarball = ""] = await readdir(folder);
    expect(tarball).toMatch(/^imcloud-\d+\.\d+\.\d+\.tgz$/);
    const prefix = join(folder, "prefix");
    const quietly = ["--no-audit", "--no-fund", "--ignore-scripts"];
    await execa("npm", ["install", "--global", "--prefix", prefix, ...quietly, join(folder, tarball)]);

    const imcloud = (...args: string[]) =>
      execa(join(prefix, "bin", "imcloud"), args, { cwd: folder, reject: false });
    expect((await imcloud("--version")).stdout).toBe("0.1.0");
    // Playbooks, templates and schemas are with it, and what is loaded late.
    expect(await imcloud("init", "--local", "--name", "home", "--yes", "--no-apply", "--json")).toMatchObject(
      {
        exitCode: 0,
      },
    );
    expect(JSON.parse((await imcloud("schema", "playbook")).stdout)).toHaveProperty("properties.tasks");
    expect(await imcloud("plan", "--on", "nobody")).toMatchObject({ exitCode: 64 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
