/**
 * What people run otherwise: Synapse, from PyPI, in a Python environment of its own in imcloud's cache.
 *
 * On SQLite, as imcloud by default; with `IMCLOUD_BENCH_SYNAPSE=postgres` on a PostgreSQL that is started for it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { cacheFolder } from "../../src/files/operator-files.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { ended, type ChatServer } from "./server-process.js";
import { freePort } from "../server/listening.js";
import { startPostgres } from "../server/postgres.js";

const VERSION = "1.163.2";
const READY_MS = 60_000;
const TEMPLATE = join(packageRoot(), "test", "bench", "send", "synapse.yaml");
/** It writes a line for each request otherwise. */
const LOG = JSON.stringify({ version: 1, root: { level: "ERROR" } });

const onPostgres = process.env["IMCLOUD_BENCH_SYNAPSE"] === "postgres";

export interface SynapseProcess extends ChatServer {
  /** For metrics: with PostgreSQL, that is said. */
  readonly name: string;
  readonly process: ChildProcess;
  /** SQLite's, when it is that. */
  readonly databasePath: string;
  /** Ends it, and keeps its files until it is disposed of. */
  stop(): Promise<void>;
}

/** Installs it if need be, starts it with an empty database, and waits until it serves. */
export async function startSynapse(
  say: (line: string) => void,
  isOnPostgres = onPostgres,
): Promise<SynapseProcess> {
  const python = await synapsePython(say);
  const cluster = isOnPostgres ? startPostgres() : undefined;
  const folder = await mkdtemp(join(tmpdir(), "imcloud-synapse-"));
  const databasePath = join(folder, "homeserver.db");
  const port = await freePort();
  const config = join(folder, "homeserver.yaml");
  const database =
    cluster === undefined
      ? { name: "sqlite3", args: { database: databasePath } }
      : onCluster(cluster.newStore());
  const text = (await readFile(TEMPLATE, "utf8"))
    .replaceAll("FOLDER", folder)
    .replace("PORT", String(port))
    .replace("DATABASE", JSON.stringify(database));
  await writeFile(config, text);
  await writeFile(join(folder, "log.yaml"), LOG);
  const main = ["-m", "synapse.app.homeserver", "--config-path", config];
  await execa(python, [...main, "--generate-keys"], { cwd: folder });
  const child = spawn(python, main, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://127.0.0.1:${port}`;
  const stop = () => ended(child, "SIGTERM");
  const dispose = async () => {
    await stop();
    cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_MS;
  while (!(await answers(`${url}/_matrix/client/versions`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await dispose();
      throw new Error("Synapse did not start");
    }
    await delay(100);
  }
  return {
    ...{
      name: isOnPostgres ? "Synapse on PostgreSQL" : "Synapse",
      url,
      port,
      databasePath,
      process: child,
      stop,
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Its own recommendation, but for the collation, which it can do without: nothing here is sorted by it. */
function onCluster({ user, database, host, port }: PostgresPlace) {
  return {
    name: "psycopg2",
    allow_unsafe_locale: true,
    args: { user, dbname: database, host, port, cp_min: 5, cp_max: 10 },
  };
}

type PostgresPlace = ReturnType<ReturnType<typeof startPostgres>["newStore"]>;

async function synapsePython(say: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), "bench", `synapse-${VERSION}-postgres`);
  const python = join(folder, "bin", "python");
  const installed = join(folder, "installed");
  if (existsSync(installed)) return python;
  say(`installing Synapse ${VERSION}, once`);
  const venv = await execa("python3", ["-m", "venv", "--clear", folder], { reject: false });
  if (venv.failed) {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await execa("apt-get", ["-qq", "update"]);
    await execa("apt-get", ["-qq", "install", "--yes", "--no-install-recommends", "python3-venv"], { env });
    await execa("python3", ["-m", "venv", "--clear", folder]);
  }
  await execa(python, ["-m", "pip", "install", "--quiet", `matrix-synapse==${VERSION}`, "psycopg2-binary"]);
  await writeFile(installed, "");
  return python;
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
