/** `imcloud ssh` and `imcloud trust` where imcloud.yaml pins the host key: with the system's own ssh, and a real server. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { fingerprintOf } from "../../src/board/host-key.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { startSshd, type Sshd } from "./sshd.js";

async function fingerprintIn({ folder }: Sshd): Promise<string> {
  const [, base64 = ""] = (await readFile(join(folder, "host_ed25519.pub"), "utf8")).split(" ");
  return fingerprintOf({ base64 });
}

/** A folder whose one board is the server. */
async function homeOf(sshd: Sshd, hostKey: string) {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-ssh-command-"));
  const board = {
    address: "127.0.0.1",
    port: sshd.port,
    user: userInfo().username,
    identityFile: sshd.key,
    hostKey,
  };
  await writeFile(
    join(folder, "imcloud.yaml"),
    JSON.stringify({ version: 1, cloud: { name: "home" }, boards: { attic: board } }),
  );
  const imcloud = (...args: string[]) =>
    execa(process.execPath, [join(packageRoot(), "dist/bin/imcloud.js"), ...args], {
      cwd: folder,
      // Nothing of the machine's own: the key is known from imcloud.yaml alone.
      env: { HOME: folder, SSH_AUTH_SOCK: "" },
      reject: false,
      stdin: "ignore",
    });
  return { imcloud, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test("a pinned host key is one that ssh knows, and the second time nobody is asked for it", async () => {
  await using sshd = await startSshd();
  await using home = await homeOf(sshd, await fingerprintIn(sshd));
  for (const word of ["first", "second"]) {
    const run = await home.imcloud("ssh", "attic", "--", "echo", word);
    expect(run, run.stderr).toMatchObject({ exitCode: 0, stdout: word });
  }
});

test("another key than the pinned one starts no ssh, and trusting it would not help", async () => {
  await using sshd = await startSshd();
  await using home = await homeOf(sshd, `SHA256:${"A".repeat(43)}`);
  for (const args of [["ssh", "attic", "--", "true"], ["trust", "attic", "--yes"], ["facts"]]) {
    const run = await home.imcloud(...args);
    expect(run, run.stderr).toMatchObject({ exitCode: 76 });
    expect(run.stderr).toContain("`attic` presents another host key than the pinned one");
    expect(run.stderr).toContain("put the new fingerprint into `hostKey` of imcloud.yaml");
  }
});
