/**
 * What people run otherwise: Synapse, from PyPI, in a Python environment of its own in imcloud's cache.
 */
import { spawn } from "node:child_process";
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

const VERSION = "1.163.2";
const READY_MS = 60_000;
const TEMPLATE = join(packageRoot(), "test", "bench", "send", "synapse.yaml");
/** It writes a line for each request otherwise. */
const LOG = JSON.stringify({ version: 1, root: { level: "ERROR" } });

/** Installs it if need be, starts it with an empty database, and waits until it serves. */
export async function startSynapse(say: (line: string) => void): Promise<ChatServer> {
  const python = await synapsePython(say);
  const folder = await mkdtemp(join(tmpdir(), "imcloud-synapse-"));
  const port = await freePort();
  const config = join(folder, "homeserver.yaml");
  const text = (await readFile(TEMPLATE, "utf8")).replaceAll("FOLDER", folder).replace("PORT", String(port));
  await writeFile(config, text);
  await writeFile(join(folder, "log.yaml"), LOG);
  const main = ["-m", "synapse.app.homeserver", "--config-path", config];
  await execa(python, [...main, "--generate-keys"], { cwd: folder });
  const child = spawn(python, main, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await ended(child, "SIGTERM");
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_MS;
  while (!(await answers(`${url}/_matrix/client/versions`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error("Synapse did not start");
    }
    await delay(100);
  }
  return { url, port, [Symbol.asyncDispose]: stop };
}

async function synapsePython(say: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), "bench", `synapse-${VERSION}`);
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
  await execa(python, ["-m", "pip", "install", "--quiet", `matrix-synapse==${VERSION}`]);
  await writeFile(installed, "");
  return python;
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
