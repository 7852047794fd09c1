/** imcloud's own known_hosts, in which people edit too. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadTrust, recordHostKeys } from "../../../src/board/host-key-store.js";
import type { SshHost } from "../../../src/board/ssh-target.js";

const folder = mkdtempSync(join(tmpdir(), "imcloud-known-hosts-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "known_hosts");
const host = { address: "attic", port: 22, knownHostsFiles: [] as readonly string[] } as SshHost;
const key = { type: "ssh-ed25519", base64: "AAAAattic" };

test.each<readonly [title: string, record: () => Promise<unknown>]>([
  [
    "seen for the first time",
    async () => (await loadTrust({ file, unknown: "record" }, host, [])).judge(key),
  ],
  ["agreed to", () => recordHostKeys(file, host, [key])],
])("a key that is %s gets a line of its own behind one without an end", async (_title, record) => {
  writeFileSync(file, "# mine\nshed ssh-ed25519 AAAAshed");
  await record();
  expect(readFileSync(file, "utf8")).toBe("# mine\nshed ssh-ed25519 AAAAshed\nattic ssh-ed25519 AAAAattic\n");
});
