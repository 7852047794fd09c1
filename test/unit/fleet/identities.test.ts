/** Host keys that are made here: what is kept, what OpenSSH makes of it, and what is trusted afterwards. */
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseKnownHosts } from "../../../src/board/known-hosts.js";
import { readConfig, type BoardConfig } from "../../../src/config/load.js";
import { parseYaml } from "../../../src/config/yaml-file.js";
import {
  fingerprintsOf,
  keepIdentity,
  keptIdentity,
  makeIdentity,
  pinIdentity,
} from "../../../src/fleet/identities.js";
import { workspaceAt } from "../../../src/fleet/workspace.js";

const [BOARD] = readConfig(
  parseYaml(
    "version: 1\ncloud: { name: home }\nboards: { pi-07: { address: 192.0.2.7, port: 2200 } }\n",
    "imcloud.yaml",
  ),
).boards as readonly [BoardConfig];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imcloud-identities-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("three keys, of which OpenSSH finds the same public halves and fingerprints", async () => {
  const workspace = workspaceAt(folder);
  const keys = await makeIdentity("pi-07");
  await keepIdentity(workspace, "pi-07", keys);
  const kept = join(workspace.identities, "pi-07");
  for (const [index, { kind, public: line }] of keys.entries()) {
    const path = join(kept, `ssh_host_${kind}_key`);
    const { stdout } = await execa("ssh-keygen", ["-y", "-f", path]);
    expect(stdout.split(" ").slice(0, 2)).toEqual(line.split(" ").slice(0, 2));
    const listed = await execa("ssh-keygen", ["-l", "-f", `${path}.pub`]);
    expect(listed.stdout).toContain(fingerprintsOf(keys)[index]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  }
  expect(keys.map(({ kind }) => kind)).toEqual(["ed25519", "ecdsa", "rsa"]);
});

test("a replaced board gets them again; new ones take their place whole; one without is told", async () => {
  const workspace = workspaceAt(folder);
  const [first, second] = [await makeIdentity("pi-07"), await makeIdentity("pi-07")];
  await keepIdentity(workspace, "pi-07", first);
  expect(fingerprintsOf(await keptIdentity(workspace, "pi-07"))).toEqual(fingerprintsOf(first));
  await keepIdentity(workspace, "pi-07", second);
  expect(fingerprintsOf(await keptIdentity(workspace, "pi-07"))).toEqual(fingerprintsOf(second));
  expect(await readdir(workspace.identities)).toEqual(["pi-07"]);
  await expect(keptIdentity(workspace, "pi-08")).rejects.toMatchObject({
    code: "flash.no-identity",
    exitCode: 65,
  });
});

test("they become all that is trusted at the board's addresses, and other hosts' lines stay", async () => {
  const workspace = workspaceAt(folder);
  const [first, second] = [await makeIdentity("pi-07"), await makeIdentity("pi-07")];
  await pinIdentity({ ...BOARD, name: "other", address: "192.0.2.8" }, workspace, first, []);
  await pinIdentity(BOARD, workspace, first, ["pi-07.local"]);
  await pinIdentity(BOARD, workspace, second, ["pi-07.local"]);
  const records = parseKnownHosts(await readFile(workspace.knownHosts, "utf8"));
  const at = (names: string) =>
    records.filter((entry) => entry.names === names).map(({ key }) => `${key.type} ${key.base64}`);
  const halves = (keys: typeof first) =>
    keys.map(({ public: line }) => line.split(" ").slice(0, 2).join(" "));
  expect(at("[192.0.2.7]:2200")).toEqual(halves(second));
  expect(at("[pi-07.local]:2200")).toEqual(halves(second));
  expect(at("[192.0.2.8]:2200")).toEqual(halves(first));
});
