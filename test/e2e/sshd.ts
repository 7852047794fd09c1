/**
 * A real OpenSSH server on a free port of 127.0.0.1, with keys and configuration of its own; stopped when
 * its scope ends.
 */
import { spawn, execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SshTarget } from "../../src/board/ssh-target.js";

export const run = promisify(execFile);

export interface Sshd extends AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly pid: number;
  /** Path of a private key that may log in. */
  readonly key: string;
  /** A login with that key, and nothing of the machine's own configuration. */
  target(changes?: Partial<SshTarget>): SshTarget;
  /** Processes that serve logins at this moment. */
  sessions(): Promise<number[]>;
}

export async function startSshd(
  hostKeyTypes: readonly string[] = ["ed25519"],
  extra: readonly string[] = [],
): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-sshd-"));
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  for (const type of hostKeyTypes) {
    await run("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", join(folder, `host_${type}`)]);
  }
  const key = join(folder, "id");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  await copyFile(`${key}.pub`, join(folder, "authorized_keys"));
  const port = await freePort();
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    ...hostKeyTypes.map((type) => `HostKey ${join(folder, `host_${type}`)}`),
    `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
    `PidFile ${join(folder, "pid")}`,
    "PermitRootLogin yes",
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    ...extra,
  ];
  await writeFile(join(folder, "sshd_config"), `${config.join("\n")}\n`);
  const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(folder, "sshd_config")], { stdio: "ignore" });
  const ended = once(child, "exit");
  await untilListening(port);

  return {
    folder,
    port,
    pid: child.pid ?? 0,
    key,
    target: (changes = {}) => ({
      board: "attic",
      address: "127.0.0.1",
      port,
      user: userInfo().username,
      identityFiles: [key],
      identitiesOnly: false,
      agent: "",
      knownHostsFiles: [],
      jumps: [],
      pinnedHostKeys: [],
      ...changes,
    }),
    sessions: async () => {
      const { stdout } = await run("ps", ["-o", "pid=", "--ppid", String(child.pid)]).catch(() => ({
        stdout: "",
      }));
      return stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [Number(line)]));
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A server tells that it is up by accepting; there is nothing else to wait for. */
async function untilListening(port: number, deadline = Date.now() + 10_000): Promise<void> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const isUp = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) return;
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
