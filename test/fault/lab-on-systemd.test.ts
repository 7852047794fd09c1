/**
 * The lab on another kind of machine: systemd as process 1, cgroup2 alone, a proxy before its package mirror, none of
 * the packages. A virtual board is such a machine; so the lab runs in the lab. Long form only: it takes a minute.
 */
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";

const DRIVER = `
import { labDown, labSsh, labUp } from "./src/lab/lab.js";
const [verb, ...words] = process.argv.slice(2);
const say = (line) => process.stderr.write(line + "\\n");
if (verb === "up") console.log(JSON.stringify(await labUp({ names: words }, say)));
if (verb === "ssh") process.exitCode = await labSsh(words[0], words.slice(1));
if (verb === "down") console.log((await labDown([])).join());
`;

test.runIf(process.env["IMCLOUD_FAULT"] === "long")(
  "virtual boards come up on a machine that systemd runs, and leave nothing there",
  async () => {
    await using machine = await virtualBoard("machine");
    const root = await machine.hostPath("/opt/imcloud");
    await mkdir(join(root, "dist"), { recursive: true });
    for (const name of ["package.json", "playbooks", "templates"]) {
      await cp(join(packageRoot(), name), join(root, name), { recursive: true });
    }
    await cp(process.execPath, join(root, "node"));
    await build({
      stdin: { contents: DRIVER, resolveDir: packageRoot(), loader: "ts" },
      outfile: join(root, "dist", "lab.mjs"),
      ...{ bundle: true, format: "esm", platform: "node", target: "node20", logLevel: "error" },
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
    });
    // A folder that is not on an overlay: one overlay cannot be the upper layer of another.
    const lab = (words: string) =>
      machine.sh(
        "export IMCLOUD_LAB_FOLDER=/run/lab IMCLOUD_LAB_NETWORK=10.98.50.0/24; " +
          `/opt/imcloud/node /opt/imcloud/dist/lab.mjs ${words}`,
      );
    await machine.sh("mount -o remount,size=4G /run");

    expect(await lab("up inner")).toContain('"address":"10.98.50.11"');
    expect(await lab("ssh inner 'hostname; systemctl is-system-running'")).toBe("inner\nrunning");
    // The packaged cache would serve everybody: it is off.
    expect(await machine.sh("systemctl is-enabled apt-cacher-ng.service || :")).toBe("disabled");

    expect(await lab("down")).toBe("inner");
    expect(await machine.sh("ip -br link; mount; find /sys/fs/cgroup -name 'imlab*'")).not.toMatch(
      /imlab|run\/lab/,
    );
    expect(await machine.sh("systemctl --failed --no-legend")).toBe("");
  },
);
