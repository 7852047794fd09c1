/** What boards are taken to want before anybody has seen them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { releaseOf } from "../../../../src/board/facts.js";
import { openFleet } from "../../../../src/fleet/fleet.js";
import { rememberFacts } from "../../../../src/fleet/facts-cache.js";
import { archivesOf, assumedFacts, type System } from "../../../../src/fleet/kit/systems.js";
import { wishesOf } from "../../../../src/fleet/kit/wishes.js";
import { workspaceAt } from "../../../../src/fleet/workspace.js";
import { RELEASES } from "../../../../src/shared/releases.js";
import { FACTS_FILES, factsOf, resolveShipped, SHIPPED } from "../../playbook/shipped.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-wishes-"));
  vi.stubEnv("IMCLOUD_CACHE", join(folder, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function fleetWith(playbooks: readonly string[], playbook = "") {
  const file = join(folder, "imcloud.yaml");
  const config = {
    version: 1,
    cloud: { name: "test", serverName: "test.home.arpa" },
    boards: { "pi-1": { address: "10.0.0.1" } },
    playbooks,
  };
  await writeFile(file, stringify(config));
  if (playbook !== "") await writeOwn(playbook);
  return openFleet({ config: file });
}

async function writeOwn(tasks: string): Promise<void> {
  await mkdir(join(folder, "playbooks"));
  await writeFile(join(folder, "playbooks", "own.yaml"), `description: own\ntasks:\n${tasks}`);
}

/** Names of all packages that a list of resources wants. */
const packagesIn = (items: Awaited<ReturnType<typeof resolveShipped>>): readonly string[] =>
  items.flatMap((item) =>
    item.kind === "resource" && item.resource.type.type === "package"
      ? (item.resource.desired as { readonly names: readonly string[] }).names
      : [],
  );

const PLAYBOOKS = SHIPPED.rabbitmq.filter((name) => name !== "imserver");

test.each(FACTS_FILES.filter((name) => !name.includes("virtual") && factsOf(name).arch === "arm64"))(
  "a kit for a system that nobody has seen has what a real one wants: %s",
  async (name) => {
    const facts = { ...factsOf(name), packages: {} };
    const fleet = await fleetWith(PLAYBOOKS);
    const { systems } = await wishesOf(
      fleet,
      [{ release: releaseOf(facts), arch: "arm64" }],
      () => undefined,
    );
    const real = packagesIn(await resolveShipped(facts, PLAYBOOKS));
    expect(real.length).toBeGreaterThan(0);
    expect(systems[0]?.packages).toEqual(expect.arrayContaining([...new Set(real)]));
  },
);

test("each release has archives, for the boards and for virtual ones", () => {
  for (const release of Object.keys(RELEASES)) {
    for (const arch of ["arm64", "amd64"]) {
      const archives = archivesOf({ release, arch });
      expect(archives.flatMap(({ suites }) => suites).length, release).toBeGreaterThanOrEqual(3);
      expect(releaseOf(assumedFacts({ release, arch }))).toBe(release);
    }
  }
});

test("mirrors stand in for the release's own archives", () => {
  const mirrors = { mirror: "http://mirror/debian", securityMirror: "http://mirror/security" };
  expect(archivesOf({ release: "debian-12", arch: "arm64" }, mirrors).map(({ url }) => url)).toEqual([
    "http://mirror/debian",
    "http://mirror/security",
  ]);
  expect(archivesOf({ release: "ubuntu-24.04", arch: "arm64" }, mirrors).map(({ url }) => url)).toEqual([
    "http://mirror/debian",
  ]);
});

test.each<System>([
  { release: "debian-12", arch: "armhf" },
  { release: "debian-9", arch: "arm64" },
])("$release on $arch is refused", (system) => {
  expect(() => archivesOf(system)).toThrow("there is no kit for");
});

test("a board that was seen is taken as it was then, and as if newly written", async () => {
  const fleet = await fleetWith(["base"]);
  await expect(wishesOf(fleet, [], () => undefined)).rejects.toThrow(
    "nobody knows yet what system `pi-1` has",
  );
  const facts = factsOf("raspios-bookworm.txt");
  await rememberFacts(workspaceAt(folder), "pi-1", facts);
  expect((await wishesOf(fleet, [], () => undefined)).systems).toEqual([
    { release: "debian-12", arch: "arm64", packages: ["systemd-timesyncd", "unattended-upgrades"] },
  ]);
});

test("packages of the operator's own playbooks are among them", async () => {
  const fleet = await fleetWith(["own"], "  - package: { names: [nginx, tree] }\n");
  const [system] = (await wishesOf(fleet, [{ release: "debian-13", arch: "arm64" }], () => undefined))
    .systems;
  expect(system?.packages).toEqual(["nginx", "tree"]);
});

test("an archive of somebody else's is not for a kit, which is said at once", async () => {
  const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
  const fleet = await fleetWith(
    ["own"],
    `  - apt-repository: { name: theirs, uris: ["https://x.test"], suites: [a], components: [b], key: "${key}" }\n`,
  );
  await expect(wishesOf(fleet, [{ release: "debian-13", arch: "arm64" }], () => undefined)).rejects.toThrow(
    "a kit cannot hold all that `pi-1` installs",
  );
});
