/**
 * A RabbitMQ of one's own: its own node name, ports, cookie and folder, on loopback, as Debian's package has it.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const READY_MS = 60_000;

export const hasRabbitmq = existsSync(SERVER);

export interface TestBroker {
  readonly port: number;
  readonly user: string;
  readonly passwordFile: string;
  /** Ends the broker; its data stays. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it and removes everything. */
  dispose(): Promise<void>;
}

export async function startRabbitmq(): Promise<TestBroker> {
  const folder = mkdtempSync(join(tmpdir(), "imcloud-rabbitmq-"));
  const [port, distributionPort, epmdPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const password = "a test's password";
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  writeFileSync(
    join(folder, "rabbitmq.conf"),
    `default_user = imcloud\ndefault_pass = ${password}\nloopback_users = none\n`,
  );
  writeFileSync(join(folder, "enabled_plugins"), "[].\n");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    RABBITMQ_NODENAME: `imcloud-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    // Two cores are all there is, and the test is not about Erlang's schedulers.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none",
  };

  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(SERVER, [], { env, stdio: "ignore" });
    await untilListening(port, child);
  };
  const stop = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGTERM");
    await ended;
  };
  await start();
  return {
    port,
    user: "imcloud",
    passwordFile,
    start,
    stop,
    dispose: async () => {
      await stop();
      spawnSync("epmd", ["-port", String(epmdPort), "-kill"], { env });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port that nobody uses at present. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The port opens last, after the broker has restored its data. */
async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`RabbitMQ ended with ${child.exitCode}`);
    if (await canConnect(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`RabbitMQ did not listen within ${READY_MS} ms`);
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    const answer = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
  });
}
