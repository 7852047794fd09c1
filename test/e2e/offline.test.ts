/**
 * A cloud where there is no internet: a kit made on a machine that has some, carried to one that has none, and a board
 * whose apt reaches nobody.
 *
 * Both operators are this machine: the second one's cache is empty, and its npm is sent to a port where nobody is.
 */
import { copyFile, cp, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aptCacheUrl } from "../../src/lab/apt-cache.js";
import { labLayout } from "../../src/lab/layout.js";
import { machineMirror } from "../../src/lab/mirror.js";
import { virtualBoard, type VirtualBoard } from "../../src/lab/virtual-board.js";
import { twoPeopleChat } from "./chat.js";
import { operator, type Operator } from "./operator.js";

const PACKAGES = "packages/debian-12-amd64.tar";
const NOWHERE = "http://127.0.0.1:9";

/** Where this machine has a release's packages from, through the lab's cache. */
async function archiveOf(release: string): Promise<string> {
  const { sources } = await machineMirror("debian-bookworm");
  const words = sources.map((line) => line.split(" ")).find((line) => line.includes(release));
  const url = words?.find((word) => word.includes("://")) ?? expect.fail(`no source of ${release}`);
  return url.replace(/^http:\//, aptCacheUrl(labLayout()));
}

let board: VirtualBoard;
let home: Operator;
let folder: string;
/** Of the operator without internet. */
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  // Whatever the machine is: a kit is of one release.
  board = await virtualBoard("pi-1", { suite: "debian-bookworm" });
  // Its network has no way out but the lab's cache of packages.
  await board.sh("rm /etc/apt/apt.conf.d/90lab-cache");
  home = await operator({
    boards: [board],
    config: { playbooks: ["offline", "base", "tuning", "rabbitmq", "imserver"] },
  });
  folder = await mkdtemp("/var/tmp/imcloud-kit-");
  env = {
    IMCLOUD_CACHE: join(folder, "cache"),
    npm_config_registry: NOWHERE,
    ...{ HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, http_proxy: NOWHERE, https_proxy: NOWHERE },
  };
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await board[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("a kit holds what the boards of imcloud.yaml are going to want", async () => {
  const run = await home.imcloud(
    ...["kit", "make", join(folder, "kit"), "--json", "--release", "debian-12", "--arch", "amd64"],
    ...["--mirror", await archiveOf("bookworm")],
    ...["--security-mirror", await archiveOf("bookworm-security")],
  );
  expect(run.exitCode, run.stderr).toBe(0);
  const files = run.json["files"] as readonly { readonly path: string }[];
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining([PACKAGES, "packages/debian-12-amd64.json"]),
  );
  expect(run.json["contents"]).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^\d+ packages for Raspberry Pi OS bookworm, amd64: .*rabbitmq-server/),
    ]),
  );
});

test("without the kit, `apply` says what is missing and how to get it", async () => {
  const run = await home.imcloud("apply", "--yes", { env });
  expect(run.exitCode).toBe(65);
  expect(run.stderr).toContain("error[fleet.kit-missing]");
  expect(run.stderr).toContain("imcloud kit load");
});

test("a kit that was damaged on its way is not taken in", async () => {
  const damaged = join(folder, "damaged");
  await cp(join(folder, "kit"), damaged, { recursive: true });
  const file = await open(join(damaged, PACKAGES), "r+");
  await file.write(Buffer.from("!"), 0, 1, 100_000);
  await file.close();
  const check = await home.imcloud("kit", "check", damaged, { env });
  expect(check.exitCode).toBe(65);
  expect(check.stderr).toContain(`${PACKAGES} is damaged`);
  const load = await home.imcloud("kit", "load", damaged, { env });
  expect(load.exitCode).toBe(65);
  expect(load.stderr).toContain(PACKAGES);
  expect(await readdir(join(folder, "cache", "packages"))).toEqual([]);
  // What was whole is taken from the cache the next time.
  await copyFile(join(folder, "kit", PACKAGES), join(damaged, PACKAGES));
  expect((await home.imcloud("kit", "check", damaged, { env })).exitCode).toBe(0);
  await rm(damaged, { recursive: true });
});

test("with it, a board becomes a cloud without asking anybody", async () => {
  const load = await home.imcloud("kit", "load", join(folder, "kit"), { env });
  expect(load.exitCode, load.stderr).toBe(0);
  const first = await home.imcloud("apply", "--yes", "--json", { env });
  expect(first.exitCode, first.stderr).toBe(0);
  const second = await home.imcloud("apply", "--yes", "--json", { env });
  expect(second.json["boards"]).toMatchObject({ "pi-1": { outcome: "unchanged", execs: 1 } });
  expect((await twoPeopleChat(board, home)).sent).toHaveLength(2);
  const health = await home.imcloud("health", "--json", { env });
  const { "pi-1": { findings } = { findings: [] } } = health.json["boards"] as Readonly<
    Record<string, { readonly findings: readonly { readonly check: string; readonly verdict: string }[] }>
  >;
  expect(findings.length).toBeGreaterThan(20);
  // A virtual board has its machine's load.
  const bad = findings.filter(({ verdict }) => verdict === "critical" || verdict === "unknown");
  expect(bad.filter(({ check }) => check !== "load")).toEqual([]);
  // Whatever asks on the board is answered by the kit, at once.
  expect(await board.sh("apt-get -q update 2>&1 | grep -cE '^(E|W|Err)' || :")).toBe("0");
  const sites = await board.sh("apt-get indextargets --format '$(REPO_URI)' | sort -u");
  expect(sites.split("\n")).toEqual([
    "file:/opt/imcloud/packages/debian-security/",
    "file:/opt/imcloud/packages/debian/",
  ]);
});

test("`destroy` gives the board its own archives back", async () => {
  const run = await home.imcloud("destroy", "pi-1", "--yes", "pi-1", "--purge-data", { env });
  expect(run.exitCode, run.stderr).toBe(0);
  expect(
    await board.sh(
      "ls -d /opt/imcloud /etc/apt/imcloud-offline.list /etc/apt/apt.conf.d/60imcloud-offline 2>/dev/null || :",
    ),
  ).toBe("");
  expect(await board.sh("apt-get indextargets --format '$(REPO_URI)' | sort -u")).not.toContain("file:");
});
