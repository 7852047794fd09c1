/**
 * A PostgreSQL cluster of one's own, with Debian's binaries, reached by a Unix socket in its own folder.
 */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerConfigInput } from "../../src/shared/server-config.js";

const VERSIONS = "/usr/lib/postgresql";
const PORT = 5432;

export const hasPostgres = existsSync(VERSIONS);

export interface TestCluster {
  /** A store in a new database of the cluster. */
  newStore(): Extract<ServerConfigInput["store"], { kind: "postgres" }>;
  stop(): void;
}

/** PostgreSQL refuses to run as root; the package has made a user for it. */
export function startPostgres(): TestCluster {
  const newest = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))[0] ?? "";
  const bin = (name: string) => join(VERSIONS, newest, "bin", name);
  const folder = mkdtempSync(join(tmpdir(), "imcloud-postgres-"));
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? "postgres" : (process.env["USER"] ?? "");
  const run = (program: string, args: readonly string[]) =>
    isRoot
      ? execFileSync("runuser", ["-u", user, "--", program, ...args], { stdio: "pipe", cwd: folder })
      : execFileSync(program, [...args], { stdio: "pipe", cwd: folder });
  if (isRoot) {
    const id = (flag: string) => Number(execFileSync("id", [flag, user]).toString());
    chownSync(folder, id("-u"), id("-g"));
  }
  const data = join(folder, "data");
  run(bin("initdb"), ["-D", data, "-A", "trust", "-U", "imcloud", "--no-sync", "-E", "UTF8"]);
  run(bin("pg_ctl"), [
    "-D",
    data,
    "-w",
    "-l",
    join(folder, "log"),
    "-o",
    `-k ${folder} -p ${PORT} -c listen_addresses=''`,
    "start",
  ]);

  let made = 0;
  return {
    newStore() {
      made += 1;
      const database = `imcloud_${made}`;
      run(bin("createdb"), ["-h", folder, "-p", String(PORT), "-U", "imcloud", database]);
      return { kind: "postgres", host: folder, port: PORT, database, user: "imcloud" };
    },
    stop() {
      run(bin("pg_ctl"), ["-D", data, "-w", "-m", "fast", "stop"]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
