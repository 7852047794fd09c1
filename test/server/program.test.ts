/**
 * The built program as systemd and operators run it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MagickFormat } from "@imagemagick/magick-wasm";
import {
  BUN,
  ended,
  register,
  callServer,
  SERVER,
  startServerProcess,
  type ServerProcess,
} from "../bench/server-process.js";
import { lookAt, picture } from "./pictures.js";

const folder = mkdtempSync(join(tmpdir(), "imcloud-program-"));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

function run(args: readonly string[], input = ""): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(BUN, [SERVER, ...args], { input, encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

function configFile(overrides: object = {}): string {
  return write(
    "server.json",
    JSON.stringify({
      serverName: "hs1",
      listeners: [{ address: "127.0.0.1", port: 1 }],
      publicBaseUrl: "http://127.0.0.1",
      store: { kind: "sqlite", path: join(folder, "cli.sqlite") },
      passwordHash: { memoryKib: 64, iterations: 1 },
      ...overrides,
    }),
  );
}

describe("check-config", () => {
  test.each([
    ["what can be used", {}, 0, ""],
    [
      "plain HTTP to the network",
      { listeners: [{ address: "0.0.0.0", port: 80 }] },
      78,
      "listeners.0.tls: plain HTTP is only for loopback",
    ],
    [
      "an authority that is none",
      { welcome: { authorityFile: "/etc/hostname" } },
      78,
      "welcome.authorityFile: /etc/hostname: one certificate is expected, in PEM; there are 0",
    ],
    [
      "a welcome page without what it is for",
      { welcome: { listener: { address: "0.0.0.0", port: 80 } } },
      78,
      "welcome.authorityFile",
    ],
    ["an unknown key", { nonsense: 1 }, 78, 'Unrecognized key: "nonsense"'],
    [
      "a secret's file that is not there",
      { registration: { mode: "token", tokenFile: "/none" } },
      78,
      "registration.tokenFile: /none cannot be read",
    ],
    [
      "a registration that is not there",
      { appServices: { files: ["/none.yaml"] } },
      78,
      "/none.yaml: cannot be read (ENOENT)",
    ],
    ["a wrong name", { serverName: "a b" }, 78, "serverName"],
  ])("%s", (_, overrides, code, message) => {
    const result = run(["check-config", "--config", configFile(overrides)]);
    expect(result.code).toBe(code);
    expect(result.err).toContain(message);
  });

  // The bundle once had no YAML where the sources had: every registration was refused.
  test("a registration as bridges write them", () => {
    const registration = write(
      "bridge.yaml",
      [
        "id: bridge",
        "url: http://127.0.0.1:1",
        "as_token: to-the-server",
        "hs_token: to-the-bridge",
        "sender_localpart: bridge",
        "namespaces: { users: [{ exclusive: true, regex: '@bridge_.*' }] }",
      ].join("\n"),
    );
    const result = run(["check-config", "--config", configFile({ appServices: { files: [registration] } })]);
    expect(result).toMatchObject({ code: 0, err: "" });
  });

  test("no file, no command, no option of that name", () => {
    expect(run(["check-config", "--config", "/none"])).toMatchObject({ code: 78 });
    expect(run([])).toMatchObject({ code: 64 });
    expect(run(["serve", "--nonsense"])).toMatchObject({ code: 64 });
    expect(run(["serve"])).toMatchObject({ code: 64 });
  });
});

test("accounts are made once, listed, and given passwords on standard input", () => {
  const config = configFile();
  expect(run(["user", "add", "ann", "--config", config], "long enough\n")).toMatchObject({
    code: 0,
    out: '{"userId":"@ann:hs1","outcome":"created"}\n',
  });
  expect(run(["user", "add", "ann", "--config", config], "long enough\n").out).toContain('"unchanged"');
  expect(run(["user", "add", "ann", "--config", config, "--admin"], "long enough\n").out).toContain(
    '"changed"',
  );
  expect(run(["user", "add", "ann", "--config", config], "another password").code).toBe(1);
  expect(run(["user", "add", "Ann!", "--config", config], "long enough").code).toBe(64);
  expect(run(["user", "add", "bea", "--config", config], "short").code).toBe(64);
  expect(run(["user", "passwd", "ann", "--config", config], "another password")).toMatchObject({ code: 0 });
  expect(run(["user", "passwd", "none", "--config", config], "another password").code).toBe(1);
  expect(run(["user", "list", "--config", config]).out).toBe(
    '{"userId":"@ann:hs1","isAdmin":true,"isDeactivated":false}\n',
  );
});

test("root makes accounts as the owner of the data", () => {
  if (process.getuid?.() !== 0) return;
  const place = join(folder, "owned");
  mkdirSync(place);
  chmodSync(folder, 0o755);
  const nobody = 65_534;
  chownSync(place, nobody, nobody);
  const config = configFile({ store: { kind: "sqlite", path: join(place, "db.sqlite") } });
  expect(run(["user", "add", "ann", "--config", config], "long enough").code).toBe(0);
  expect(statSync(join(place, "db.sqlite"))).toMatchObject({ uid: nobody, gid: nobody });
});

describe("serving with TLS", () => {
  let server: ServerProcess;
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const issue = (name: string) =>
    spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      key,
      "-out",
      cert,
    ]);
  /** Whom the certificate that the server shows was made for. */
  const subject = () => {
    const { stdout } = spawnSync("openssl", ["s_client", "-connect", `127.0.0.1:${server.port}`], {
      input: "",
      encoding: "utf8",
    });
    return /subject=CN ?= ?(\w+)/.exec(stdout)?.[1];
  };
  const until = async (name: string) => {
    while (subject() !== name) await Bun.sleep(20);
  };

  beforeAll(async () => {
    issue("first");
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    server = await startServerProcess({
      listeners: [{ address: "127.0.0.1", port, tls: { certFile: cert, keyFile: key } }],
      probe: {
        userFile: write("probe-user", "probe\n"),
        passwordFile: write("probe-password", "password\n"),
      },
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("SIGHUP brings the new certificate, a broken one leaves the old in use", async () => {
    expect(subject()).toBe("first");
    issue("second");
    server.process.kill("SIGHUP");
    await until("second");
    writeFileSync(cert, "no certificate");
    server.process.kill("SIGHUP");
    await Bun.sleep(100);
    expect(subject()).toBe("second");
    issue("third");
    server.process.kill("SIGHUP");
    await until("third");
  });

  test("the probe goes the whole way, over and over, in one room", () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    expect(run(["user", "add", "probe", "--config", server.configPath], "password")).toMatchObject({
      code: 0,
    });
    for (let round = 0; round < 3; round++) {
      const { code, out } = run(["probe", "--json", "--config", server.configPath]);
      const report = JSON.parse(out) as { ok: boolean; steps: { name: string }[] };
      expect([code, report.ok]).toEqual([0, true]);
      expect(report.steps.map(({ name }) => name)).toEqual([
        "login",
        "room",
        "sync",
        "send",
        "receive",
        "logout",
      ]);
    }
    run(["user", "passwd", "probe", "--config", server.configPath], "changed password");
    const failed = run(["probe", "--json", "--config", server.configPath]);
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.out)).toMatchObject({ ok: false, steps: [{ name: "login", ok: false }] });
  });
});

test("systemd hears that the server is ready, alive and stopping", async () => {
  const path = join(folder, "notify");
  // Bun and Node have no datagram sockets of the Unix kind; Python has.
  const script =
    "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint('bound',flush=True)\nwhile True:\n  print(s.recv(4096).decode(),flush=True)";
  const listener = spawn("python3", ["-c", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  let heard = "";
  listener.stdout.on("data", (data: Buffer) => (heard += data.toString()));
  const hear = async (text: string) => {
    while (!heard.includes(text)) await Bun.sleep(10);
  };
  await hear("bound");
  const server = await startServerProcess({}, ["env", `NOTIFY_SOCKET=${path}`, "WATCHDOG_USEC=200000"]);
  await hear("READY=1");
  await hear("WATCHDOG=1");
  await server[Symbol.asyncDispose]();
  await hear("STOPPING=1");
  await ended(listener, "SIGTERM");
}, 20_000);

test("SIGTERM answers those who wait, and ends well", async () => {
  const server = await startServerProcess();
  const { token } = await register(server.url, "ann");
  const first = await callServer(server.url, "GET", "sync", token);
  const waiting = callServer(
    server.url,
    "GET",
    `sync?timeout=60000&since=${String(first["next_batch"])}`,
    token,
  );
  await Bun.sleep(100);
  const exit = new Promise<number | null>((resolve) => server.process.once("exit", resolve));
  server.process.kill("SIGTERM");
  expect(await waiting).toHaveProperty("next_batch");
  expect(await exit).toBe(0);
  await server[Symbol.asyncDispose]();
}, 20_000);

test("two servers do not share a database", async () => {
  const one = await startServerProcess();
  const config = write(
    "second.json",
    readFileSync(one.configPath, "utf8").replaceAll(`"port":${one.port}`, '"port":0'),
  );
  const second = run(["serve", "--config", config]);
  expect(second.code).toBe(69);
  expect(second.err).toContain("in use by another server");
  await one[Symbol.asyncDispose]();
});

test("`serve --dev` needs nothing but a folder", async () => {
  const place = join(folder, "dev");
  const child = spawn(BUN, [SERVER, "serve", "--dev", place, "--port", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  while (!said.includes("ready")) await Bun.sleep(20);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? "";
  expect((await fetch(`${url}/_matrix/client/versions`)).status).toBe(200);
  expect(statSync(place).mode & 0o777).toBe(0o700);
  await ended(child, "SIGTERM");
  expect(child.exitCode).toBe(0);
});

test("the built program makes thumbnails, and what makes them ends with it, also when it is killed", async () => {
  const server = await startServerProcess();
  const { token } = await register(server.url, "ann");
  const headers = { authorization: `Bearer ${token}` };
  const body = picture(MagickFormat.Png, 500, 500);
  const uploaded = await fetch(`${server.url}/_matrix/media/v3/upload`, { method: "POST", headers, body });
  const { content_uri: uri } = (await uploaded.json()) as { content_uri: string };
  const path = uri.replace("mxc://", "/_matrix/client/v1/media/thumbnail/");
  const response = await fetch(`${server.url}${path}?width=96&height=96`, { headers });
  expect([response.status, lookAt(new Uint8Array(await response.arrayBuffer())).width]).toEqual([200, 96]);
  const tasks = `/proc/${server.process.pid}/task`;
  const children = readdirSync(tasks).map((task) =>
    readFileSync(join(tasks, task, "children"), "utf8").trim(),
  );
  const helper = children.find((pid) => pid !== "") ?? "";
  expect(readFileSync(`/proc/${helper}/cmdline`, "utf8")).toContain("thumbnailer.js");
  await ended(server.process, "SIGKILL");
  while (existsSync(`/proc/${helper}`)) await Bun.sleep(10);
  await server[Symbol.asyncDispose]();
}, 30_000);

test("whoever may read the server's folder administers it, by `admin`", async () => {
  await using server = await startServerProcess();
  const ask = (words: readonly string[], input = "") =>
    run(["admin", ...words, "--config", server.configPath], input);
  const made = ask(["PUT", "/users/ann"], JSON.stringify({ password: "secret" }));
  expect(made).toMatchObject({ code: 0, out: '{"user_id":"@ann:hs1","outcome":"created"}\n' });
  expect(JSON.parse(ask(["GET", "/users"]).out)).toMatchObject({ users: [{ user_id: "@ann:hs1" }] });
  expect(ask(["GET", "/users/@bea:hs1"])).toMatchObject({
    code: 1,
    err: "M_NOT_FOUND: there is no such user\n",
  });
  const locked = ask(["PUT", "/_matrix/client/v1/admin/lock/@ann:hs1"], '{"locked":true}');
  expect(locked.out).toBe('{"locked":true}\n');
  expect(ask(["PATCH", "/users"]).code).toBe(64);
  expect(ask(["GET", "users"]).code).toBe(64);
  await ended(server.process, "SIGTERM");
  expect(ask(["GET", "/users"]).code).toBe(69);
});
