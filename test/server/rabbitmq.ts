/**
 * A RabbitMQ of one's own: its own node name, ports, cookie and folder, on loopback, as Debian's package has it.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueCertificate } from "./certificate.js";
import { freePort, untilListening } from "./listening.js";

const SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";

export const hasRabbitmq = existsSync(SERVER);

export interface TestBroker {
  readonly port: number;
  /** Where it speaks TLS, with a certificate of {@link caFile} for its address. */
  readonly tlsPort: number;
  readonly caFile: string;
  readonly user: string;
  readonly passwordFile: string;
  /** Ends the broker; its data stays. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it and removes everything. */
  dispose(): Promise<void>;
}

/**
 * @param readers accounts beside the server's own, with its password, that listen to `imcloud.events` and publish
 *   nothing: as playbooks/rabbitmq.yaml makes them of `amqp_readers`
 */
export async function startRabbitmq(readers: readonly string[] = []): Promise<TestBroker> {
  const folder = mkdtempSync(join(tmpdir(), "imcloud-rabbitmq-"));
  const [port, tlsPort, distributionPort, epmdPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const { caFile, chainAndKeyFile } = await issueCertificate(folder);
  const password = "a test's password";
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  writeFileSync(
    join(folder, "rabbitmq.conf"),
    [
      ...["default_user = imcloud", `default_pass = ${password}`, "loopback_users = none"],
      ...(readers.length > 0 ? [`load_definitions = ${join(folder, "definitions.json")}`] : []),
      ...[`listeners.ssl.1 = 127.0.0.1:${tlsPort}`, `ssl_options.cacertfile = ${caFile}`],
      ...[`ssl_options.certfile = ${chainAndKeyFile}`, `ssl_options.keyfile = ${chainAndKeyFile}`],
      "ssl_options.verify = verify_none\n",
    ].join("\n"),
  );
  writeFileSync(join(folder, "definitions.json"), JSON.stringify(definitionsOf(readers, password)));
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
    // The port opens last, after the broker has restored its data.
    await untilListening("RabbitMQ", port, child);
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
    tlsPort,
    caFile,
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

/** Source: RabbitMQ documentation, "Definition Export and Import", "Credentials and Passwords". */
function definitionsOf(readers: readonly string[], password: string): object {
  const salt = randomBytes(4);
  const sum = createHash("sha256").update(salt).update(password).digest();
  const account = {
    password_hash: Buffer.concat([salt, sum]).toString("base64"),
    hashing_algorithm: "rabbit_password_hashing_sha256",
    tags: "",
  };
  return {
    vhosts: [{ name: "/" }],
    users: ["imcloud", ...readers].map((name) => ({ name, ...account })),
    permissions: [
      { user: "imcloud", vhost: "/", configure: ".*", write: ".*", read: ".*" },
      ...readers.map((user) => ({
        ...{ user, vhost: "/", configure: `^${user}\\.`, write: `^${user}\\.` },
        read: `^(${user}\\..*|imcloud\\.events)$`,
      })),
    ],
  };
}
