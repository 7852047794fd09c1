/**
 * The lab's own apt cache: boards have no other way out of their network.
 *
 * Its own configuration, because the packaged one maps Debian's mirrors to a server that may not be reachable, on
 * which apt in a board waits for minutes. It listens on the bridge's address only.
 *
 * Source: apt-cacher-ng's acng.conf reference.
 */
import { spawn } from "node:child_process";
import { chown, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ImcloudError } from "../shared/errors.js";
import type { LabLayout } from "./layout.js";
import { mirrorHosts } from "./mirror.js";
import { isAlive, killAndWait, parseStat, type ProcessIdentity } from "./processes.js";
import { tool } from "./tool.js";

const USER = "apt-cacher-ng";
const START_DEADLINE_MS = 10_000;

export function aptCacheUrl(lab: LabLayout): string {
  return `http://${lab.gateway}:${lab.aptCachePort}`;
}

/** @param upstreamProxy the proxy that this machine's own apt goes through, if any */
export function renderAptCacheConfig(
  lab: LabLayout,
  sources: readonly string[],
  upstreamProxy: string,
): string {
  const escaped = mirrorHosts(sources).map((host) => host.replace(/:\d+$/, "").replaceAll(".", "\\."));
  return [
    `CacheDir: ${join(lab.aptCacheFolder, "packages")}`,
    `LogDir: ${join(lab.aptCacheFolder, "log")}`,
    `BindAddress: ${lab.gateway}`,
    `Port: ${lab.aptCachePort}`,
    "ForeGround: 1",
    "ExThreshold: 30",
    "VerboseLog: 0",
    "ReportPage:",
    // Mirrors may be on any port; https ones are tunnelled, and no other host is.
    "AllowUserPorts: 0",
    `PassThroughPattern: ^(${escaped.join("|")}):\\d+$`,
    ...(upstreamProxy === "" ? [] : [`Proxy: ${upstreamProxy}`]),
    "",
  ].join("\n");
}

/** Starts the cache unless it runs. The bridge must be there. */
export async function startAptCache(lab: LabLayout, sources: readonly string[]): Promise<void> {
  if ((await runningCache(lab)) !== undefined) return;

  const folder = lab.aptCacheFolder;
  const userId = Number(await tool(["id", "-u", USER]));
  for (const owned of [folder, join(folder, "packages"), join(folder, "log")]) {
    await mkdir(owned, { recursive: true });
    await chown(owned, userId, -1);
  }
  const proxy =
    /"(.*)"/.exec(await tool(["apt-config", "dump", "--no-empty", "Acquire::http::Proxy"]))?.[1] ?? "";
  await mkdir(join(folder, "config"), { recursive: true });
  await writeFile(join(folder, "config", "acng.conf"), renderAptCacheConfig(lab, sources, proxy));

  const output = await open(join(folder, "output"), "w");
  const cache = spawn(
    "sh",
    [
      "-c",
      'cat /proc/$$/stat >"$1" && exec setpriv --reuid="$2" --regid="$2" --init-groups apt-cacher-ng -c "$3"',
      "apt-cache",
      identityFile(lab),
      USER,
      join(folder, "config"),
    ],
    { detached: true, stdio: ["ignore", output.fd, output.fd], cwd: folder },
  );
  cache.unref();
  await output.close();
  await untilAnswering(lab, () => cache.exitCode === null && cache.signalCode === null);
}

/** Ends the cache; what it has fetched stays. */
export async function stopAptCache(lab: LabLayout): Promise<void> {
  const cache = await runningCache(lab);
  if (cache !== undefined) await killAndWait(cache);
  await rm(identityFile(lab), { force: true });
}

const identityFile = (lab: LabLayout) => join(lab.aptCacheFolder, "process");

async function runningCache(lab: LabLayout): Promise<ProcessIdentity | undefined> {
  const recorded = parseStat(await readFile(identityFile(lab), "utf8").catch(() => ""));
  return recorded !== undefined && (await isAlive(recorded)) ? recorded : undefined;
}

async function untilAnswering(lab: LabLayout, runs: () => boolean): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!(await answers(lab.gateway, lab.aptCachePort))) {
    if (Date.now() > deadline || !runs()) {
      throw new ImcloudError("lab.failed", `the apt cache does not answer at ${aptCacheUrl(lab)}`, {
        found: await readFile(join(lab.aptCacheFolder, "output"), "utf8"),
        hint: `${lab.folder} must be open to the user ${USER}, and port ${lab.aptCachePort} free`,
      });
    }
    await delay(20);
  }
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  return once(socket, "connect")
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy());
}
