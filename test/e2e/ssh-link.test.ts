/** The SSH link against a real OpenSSH server, and against servers that behave badly. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import ssh2 from "ssh2";
import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../src/board/host-key.js";
import { recordHostKeys, type HostKeyStore } from "../../src/board/host-key-store.js";
import type { Link } from "../../src/board/link.js";
import { connectSsh, readHostKey, type SshOptions } from "../../src/board/ssh-link.js";
import { makeKeyPair } from "../../src/board/ssh-keys.js";
import type { SshTarget } from "../../src/board/ssh-target.js";
import { ImcloudError, type ErrorDetails } from "../../src/shared/errors.js";
import { Secret } from "../../src/shared/secret.js";
import { freePort, run, startSshd, type Sshd } from "./sshd.js";

const storeOf = (sshd: Sshd, unknown: HostKeyStore["unknown"] = "record"): HostKeyStore => ({
  file: join(sshd.folder, "imcloud", "known_hosts"),
  unknown,
});

async function output(
  link: Link,
  command: string,
  input = "",
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const channel = await link.open(command);
  channel.stdin.end(input);
  const [stdout, stderr, { code }] = await Promise.all([
    text(channel.stdout),
    text(channel.stderr),
    channel.exit,
  ]);
  return { stdout, stderr, code };
}

async function refusal(
  target: SshTarget,
  options: SshOptions,
): Promise<{ code: string; message: string; details: ErrorDetails }> {
  const error: unknown = await connectSsh(target, options).then(
    (link) => link.close(),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ImcloudError)) throw new Error(`no ImcloudError: ${String(error)}`);
  return error;
}

describe("commands", () => {
  test("exit code, both outputs, input, signals and several commands over one connection", async () => {
    await using sshd = await startSshd();
    const link = await connectSsh(sshd.target(), { hostKeys: storeOf(sshd) });

    expect(await output(link, "cat; echo oops >&2; exit 7", "hello")).toEqual({
      stdout: "hello",
      stderr: "oops\n",
      code: 7,
    });
    const killed = await link.open("kill -TERM $$");
    killed.stdout.resume();
    expect(await killed.exit).toEqual({ code: null, signal: "SIGTERM" });
    expect(await Promise.all([1, 2, 3].map(async (n) => (await output(link, `echo ${n}`)).stdout))).toEqual([
      "1\n",
      "2\n",
      "3\n",
    ]);
    expect(link.handshakes).toBe(1);

    await link.close();
    await link.close();
    await expect(link.open("true")).rejects.toMatchObject({ code: "board.lost" });
  });

  test("20 MB each way arrive whole", async () => {
    await using sshd = await startSshd();
    const link = await connectSsh(sshd.target(), { hostKeys: storeOf(sshd) });
    const sent = Buffer.alloc(20_000_000, "imcloud ");
    const channel = await link.open("cat");
    const [received] = await Promise.all([
      buffer(channel.stdout),
      pipeline([sent], channel.stdin),
      channel.exit,
    ]);
    expect(createHash("sha256").update(received).digest("hex")).toBe(
      createHash("sha256").update(sent).digest("hex"),
    );
    await link.close();
  });

  test("a command that ends without reading its input does not keep the sender waiting", async () => {
    await using sshd = await startSshd();
    const link = await connectSsh(sshd.target(), { hostKeys: storeOf(sshd) });
    const channel = await link.open("exit 3");
    channel.stdout.resume();
    channel.stderr.resume();
    const feeding = pipeline([Buffer.alloc(20_000_000)], channel.stdin).catch((error: unknown) => error);
    expect(await channel.exit).toEqual({ code: 3, signal: null });
    expect(await feeding).toBeInstanceOf(Error);
    await link.close();
  });

  test("closing a channel ends the wait for a command that would not end", async () => {
    await using sshd = await startSshd();
    const link = await connectSsh(sshd.target(), { hostKeys: storeOf(sshd) });
    const channel = await link.open("exec sleep 1000");
    channel.close();
    expect(await channel.exit).toEqual({ code: null, signal: null });
    expect((await output(link, "echo still here")).stdout).toBe("still here\n");
    await link.close();
  });
});

describe("a connection that ends", () => {
  test("the server's process is killed: the waiting command learns it at once", async () => {
    await using sshd = await startSshd();
    const link = await connectSsh(sshd.target(), { hostKeys: storeOf(sshd) });
    const channel = await link.open("echo started; exec sleep 1000");
    await once(channel.stdout, "data");
    for (const pid of await sshd.sessions()) process.kill(pid, "SIGKILL");
    await expect(channel.exit).rejects.toMatchObject({ code: "board.lost" });
    await expect(link.open("true")).rejects.toMatchObject({ code: "board.lost" });
    await link.close();
  });

  test("the server falls silent: the keep-alives find out", async () => {
    await using sshd = await startSshd();
    const link = await connectSsh(sshd.target(), { hostKeys: storeOf(sshd), keepaliveIntervalMs: 100 });
    const channel = await link.open("echo started; exec sleep 1000");
    await once(channel.stdout, "data");
    const frozen = (await Promise.all((await sshd.sessions()).map(descendants))).flat();
    for (const pid of frozen) process.kill(pid, "SIGSTOP");
    const started = Date.now();
    await expect(channel.exit).rejects.toMatchObject({
      code: "board.lost",
      details: { found: "Keepalive timeout" },
    });
    expect(Date.now() - started).toBeLessThan(2_000);
    for (const pid of frozen) process.kill(pid, "SIGKILL");
  });
});

describe("logins", () => {
  test("a key with passphrase: asked for it, wrong, and none", async () => {
    await using sshd = await startSshd();
    await run("ssh-keygen", ["-q", "-p", "-P", "", "-N", "correct horse", "-f", sshd.key]);
    const hostKeys = storeOf(sshd);
    const asked: string[] = [];
    const link = await connectSsh(sshd.target(), {
      hostKeys,
      askPassphrase: (path) => {
        asked.push(path);
        return Promise.resolve(new Secret("correct horse"));
      },
    });
    await link.close();
    expect(asked).toEqual([sshd.key]);

    const wrong = await refusal(sshd.target(), {
      hostKeys,
      askPassphrase: () => Promise.resolve(new Secret("wrong")),
    });
    expect(wrong).toMatchObject({
      code: "board.login-refused",
      details: { found: expect.stringContaining("wrong passphrase") as string },
    });
    const none = await refusal(sshd.target(), { hostKeys });
    expect(none.details.hint).toContain("IMCLOUD_SSH_PASSPHRASE");
  });

  test("an agent's key, though it holds eight others; IdentitiesOnly keeps to the named one", async () => {
    await using sshd = await startSshd(["ed25519"], ["MaxAuthTries 3"]);
    await using agent = await startAgent(sshd.folder);
    for (let index = 0; index < 8; index++) {
      const path = join(sshd.folder, `other${index}`);
      await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
      await run("ssh-add", ["-q", path], { env: { ...process.env, SSH_AUTH_SOCK: agent.socket } });
    }
    await run("ssh-add", ["-q", sshd.key], { env: { ...process.env, SSH_AUTH_SOCK: agent.socket } });
    const hostKeys = storeOf(sshd);

    for (const identitiesOnly of [false, true]) {
      const link = await connectSsh(sshd.target({ agent: agent.socket, identitiesOnly }), { hostKeys });
      expect((await output(link, "echo in")).stdout).toBe("in\n");
      await link.close();
    }
    const unnamed = await refusal(sshd.target({ agent: agent.socket, identityFiles: [] }), { hostKeys });
    expect(unnamed).toMatchObject({
      code: "board.login-refused",
      details: { found: expect.stringContaining("Too many") as string },
    });
    expect(unnamed.details.hint).toContain("IdentitiesOnly");
  });

  test("no key that the board knows: what was offered, and what it takes", async () => {
    await using sshd = await startSshd();
    const refused = await refusal(sshd.target({ identityFiles: [join(sshd.folder, "host_ed25519")] }), {
      hostKeys: storeOf(sshd),
    });
    expect(refused).toMatchObject({
      code: "board.login-refused",
      details: { found: `offered ${join(sshd.folder, "host_ed25519")}`, expected: "one of publickey" },
    });
  });

  test.each(["password", "keyboard-interactive"] as const)("password over %s", async (method) => {
    await using server = await passwordServer(method, "open sesame");
    const options = { hostKeys: { file: "/nonexistent/known_hosts", unknown: "refuse" as const } };
    const link = await connectSsh(server.target, { ...options, password: new Secret("open sesame") });
    await link.close();
    const refused = await refusal(server.target, { ...options, password: new Secret("guess") });
    expect(refused.code).toBe("board.login-refused");
    expect(JSON.stringify(refused.details)).not.toContain("guess");
  });
});

describe("host keys", () => {
  test("unknown: refused unless asked to record it; recorded, it is enough", async () => {
    await using sshd = await startSshd();
    const refused = await refusal(sshd.target(), { hostKeys: storeOf(sshd, "refuse") });
    const own =
      (await run("ssh-keygen", ["-lf", join(sshd.folder, "host_ed25519.pub")])).stdout.split(" ")[1] ?? "";
    expect(refused).toMatchObject({
      code: "board.host-key-unknown",
      details: { found: `${own} (ssh-ed25519)` },
    });

    await (await connectSsh(sshd.target(), { hostKeys: storeOf(sshd) })).close();
    await (await connectSsh(sshd.target(), { hostKeys: storeOf(sshd, "refuse") })).close();
    expect(await readFile(storeOf(sshd).file, "utf8")).toMatch(/^\[127\.0\.0\.1\]:\d+ ssh-ed25519 \S+\n$/);
  });

  test("changed: both fingerprints, and no login is tried", async () => {
    await using sshd = await startSshd();
    await using before = await startSshd();
    const hostKeys = storeOf(sshd, "refuse");
    const old = await readHostKey(before.target(), { hostKeys });
    await recordHostKeys(hostKeys.file, sshd.target(), [old]);
    const found = fingerprintOf(await readHostKey(sshd.target(), { hostKeys }));
    expect(await refusal(sshd.target(), { hostKeys })).toMatchObject({
      code: "board.host-key-changed",
      details: {
        found,
        expected: fingerprintOf(old),
        hint: expect.stringContaining("imcloud trust attic") as string,
      },
    });

    // What `imcloud trust` does.
    await recordHostKeys(hostKeys.file, sshd.target(), [await readHostKey(sshd.target(), { hostKeys })]);
    await (await connectSsh(sshd.target(), { hostKeys })).close();
  });

  test("hashed by ssh-keygen, then revoked", async () => {
    await using sshd = await startSshd();
    const file = join(sshd.folder, "known_hosts");
    const line = `[127.0.0.1]:${sshd.port} ${await readFile(join(sshd.folder, "host_ed25519.pub"), "utf8")}`;
    await writeFile(file, line);
    await run("ssh-keygen", ["-q", "-H", "-f", file]);
    expect(await readFile(file, "utf8")).toMatch(/^\|1\|/);
    const target = sshd.target({ knownHostsFiles: [file] });
    await (await connectSsh(target, { hostKeys: storeOf(sshd, "refuse") })).close();

    await appendFile(file, `@revoked * ${line.split(" ").slice(1).join(" ")}`);
    expect(await refusal(target, { hostKeys: storeOf(sshd) })).toMatchObject({
      code: "board.host-key-changed",
      message: expect.stringContaining("revoked") as string,
    });
  });

  test("of a board with several keys, the recorded one is asked for", async () => {
    await using sshd = await startSshd(["ed25519", "ecdsa", "rsa"]);
    for (const type of ["rsa", "ecdsa", "ed25519"]) {
      const file = join(sshd.folder, `known_${type}`);
      await writeFile(
        file,
        `[127.0.0.1]:${sshd.port} ${await readFile(join(sshd.folder, `host_${type}.pub`), "utf8")}`,
      );
      await (
        await connectSsh(sshd.target({ knownHostsFiles: [file] }), { hostKeys: storeOf(sshd, "refuse") })
      ).close();
    }
  });

  test("pinned by fingerprint", async () => {
    await using sshd = await startSshd();
    const hostKeys = storeOf(sshd, "refuse");
    const pinned = fingerprintOf(await readHostKey(sshd.target(), { hostKeys }));
    await (await connectSsh(sshd.target({ pinnedHostKeys: [pinned] }), { hostKeys })).close();
    const wrong = sshd.target({ pinnedHostKeys: ["SHA256:AAAA"] });
    expect(await refusal(wrong, { hostKeys })).toMatchObject({
      code: "board.host-key-changed",
      details: { expected: "SHA256:AAAA" },
    });
  });
});

test("through two jump hosts, each verified", async () => {
  await using sshd = await startSshd();
  await using gate = await startSshd();
  const key = await readFile(`${sshd.key}.pub`, "utf8");
  await appendFile(join(gate.folder, "authorized_keys"), key);
  const hop = { ...gate.target(), identityFiles: [sshd.key] };
  const link = await connectSsh(sshd.target({ jumps: [hop, hop] }), { hostKeys: storeOf(sshd) });
  expect((await output(link, 'echo "$SSH_CONNECTION"')).stdout).toMatch(new RegExp(` ${sshd.port}\n$`));
  await link.close();
  // Nothing stays open on the way; the servers need a moment to notice.
  await expect.poll(() => gate.sessions()).toEqual([]);
});

test("a jump host whose key nobody knows is told as one: `imcloud trust` is for boards", async () => {
  await using board = await startSshd();
  await using gate = await startSshd();
  const target = board.target({ jumps: [gate.target()] });
  const refused = await refusal(target, { hostKeys: storeOf(board, "refuse") });
  expect(refused).toMatchObject({
    code: "board.host-key-unknown",
    message: "the host key of the jump host 127.0.0.1 on the way to `attic` is not recorded yet",
    details: { hint: expect.not.stringContaining("imcloud trust") as string },
  });
});

test("the board's password is offered to the board, not to a host on the way", async () => {
  await using board = await startSshd();
  await using gate = await passwordServer("password", "open sesame");
  const target = board.target({ jumps: [gate.target] });
  const hostKeys = storeOf(board, "record");
  const refused = await refusal(target, { hostKeys, password: new Secret("open sesame") });
  expect(refused).toMatchObject({
    code: "board.login-refused",
    message: expect.stringMatching(/^the jump host \S+ on the way to `attic` refuses/) as string,
    details: { hint: expect.stringContaining("gets in by a key") as string },
  });
  // Nobody is asked for a password that would not be offered.
  expect(refused.details.expected).toBeUndefined();
  expect(gate.heard).toEqual([]);
});

describe("nobody there", () => {
  const hostKeys: HostKeyStore = { file: "/nonexistent/known_hosts", unknown: "refuse" };
  const at = (port: number, address = "127.0.0.1"): SshTarget => ({
    board: "attic",
    address,
    port,
    user: "pi",
    identityFiles: [],
    identitiesOnly: false,
    agent: "",
    knownHostsFiles: [],
    jumps: [],
    pinnedHostKeys: [],
    origin: { file: "imcloud.yaml", line: 14, key: "boards.attic" },
  });

  test("connection refused", async () => {
    const port = await freePort();
    expect(await refusal(at(port), { hostKeys })).toMatchObject({
      code: "board.unreachable",
      message: `\`attic\` does not answer at 127.0.0.1 port ${port}`,
      details: { found: "connection refused: nothing listens there", origin: { line: 14 } },
    });
  });
  test("no such name", async () => {
    expect((await refusal(at(22, "attic.invalid"), { hostKeys })).code).toBe("board.unreachable");
  });
  test("a socket that accepts and never says a word", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const silent = await refusal(at(port), { hostKeys, loginTimeoutMs: 300 });
    expect(silent).toMatchObject({
      code: "board.unreachable",
      details: { found: "no SSH handshake in 0.3 s" },
    });
    server.close();
  });
  test("something that is no SSH server, and something that hangs up", async () => {
    for (const greeting of ["HTTP/1.1 400 Bad Request\r\n\r\n", ""]) {
      const server = createServer((socket) => socket.end(greeting)).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      expect((await refusal(at(port), { hostKeys })).code).toBe("board.unreachable");
      server.close();
    }
  });
});

/** A server with a password of its own: OpenSSH without PAM would need an account of the machine. */
async function passwordServer(method: "password" | "keyboard-interactive", password: string) {
  const { private: hostKey } = await makeKeyPair("host");
  const heard: string[] = [];
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (attempt) => {
      if (attempt.method !== method) attempt.reject([method]);
      else if (attempt.method === "password") {
        heard.push(attempt.password);
        if (attempt.password === password) attempt.accept();
        else attempt.reject([method]);
      } else if (attempt.method === "keyboard-interactive") {
        attempt.prompt([{ prompt: "Password: ", echo: false }], (answers) => {
          if (answers[0] === password) attempt.accept();
          else attempt.reject([method]);
        });
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const parsed = ssh2.utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  const target: SshTarget = {
    board: "attic",
    address: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    user: "pi",
    identityFiles: [],
    identitiesOnly: false,
    agent: "",
    knownHostsFiles: [],
    jumps: [],
    pinnedHostKeys: [fingerprintOf({ base64: parsed.getPublicSSH().toString("base64") })],
  };
  return {
    target,
    /** Passwords that were offered. */
    heard,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

async function startAgent(folder: string) {
  const socket = join(folder, "agent");
  const { stdout } = await run("ssh-agent", ["-s", "-a", socket]);
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1]);
  return {
    socket,
    [Symbol.asyncDispose]: () => {
      process.kill(pid, "SIGTERM");
      return Promise.resolve();
    },
  };
}

async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await run("ps", ["-o", "pid=", "--ppid", String(pid)]).catch(() => ({ stdout: "" }));
  const children = stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [Number(line)]));
  return [pid, ...(await Promise.all(children.map(descendants))).flat()];
}
