/**
 * The files in which host keys are recorded, and what happens to a key that none of them knows.
 */
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { HostKey } from "./host-key.js";
import {
  judgeHostKey,
  parseKnownHosts,
  renderKnownHost,
  withoutHost,
  type HostKeyVerdict,
  type TrustSources,
} from "./known-hosts.js";
import type { SshHost } from "./ssh-target.js";

export interface HostKeyStore {
  /** imcloud's own known_hosts, `.imcloud/known_hosts`; need not exist. */
  readonly file: string;
  /** `record`: write down a key that is seen for the first time, as `accept-new` of OpenSSH does. */
  readonly unknown: "refuse" | "record";
  /** Asked before the files are; only {@link file} and the operator's files count if it says `by-record`. */
  readonly decide?: (key: HostKey, host: SshHost) => "refuse" | "by-record";
}

export interface Trust extends TrustSources {
  judge(key: HostKey): Promise<HostKeyVerdict>;
}

/** Reads what is known of a host. */
export async function loadTrust(
  store: HostKeyStore,
  host: SshHost,
  pinned: readonly string[],
): Promise<Trust> {
  const sources: TrustSources = {
    pinned,
    own: parseKnownHosts(await readOptional(store.file)),
    user: (await Promise.all(host.knownHostsFiles.map(readOptional))).flatMap(parseKnownHosts),
  };
  return {
    ...sources,
    async judge(key) {
      if (store.decide?.(key, host) === "refuse") return { kind: "unknown" };
      const verdict = judgeHostKey(key, host.address, host.port, sources);
      if (verdict.kind !== "unknown" || store.unknown === "refuse") return verdict;
      await mkdir(dirname(store.file), { recursive: true, mode: 0o700 });
      const added = lineEndOf(await readOptional(store.file)) + renderKnownHost(host.address, host.port, key);
      await appendFile(store.file, added, { mode: 0o600 });
      return { kind: "trusted" };
    },
  };
}

/** Each file's last change: several boards may be recorded at once, and one must not undo the other. */
const changes = new Map<string, Promise<void>>();

/** Makes these the keys that imcloud trusts for the host, and no others. */
export async function recordHostKeys(
  file: string,
  host: Pick<SshHost, "address" | "port">,
  keys: readonly HostKey[],
): Promise<void> {
  const before = changes.get(file) ?? Promise.resolve();
  // Whoever made the change before has its error; this one does not depend on it.
  const change = before.catch(() => undefined).then(() => rewrite(file, host, keys));
  changes.set(file, change);
  await change;
}

async function rewrite(
  file: string,
  host: Pick<SshHost, "address" | "port">,
  keys: readonly HostKey[],
): Promise<void> {
  const kept = withoutHost(await readOptional(file), host.address, host.port);
  const added = keys.map((key) => renderKnownHost(host.address, host.port, key)).join("");
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, kept + lineEndOf(kept) + added, { mode: 0o600 });
}

/** What a text's last line lacks: an editor may have left it without. */
const lineEndOf = (text: string): string => (text === "" || text.endsWith("\n") ? "" : "\n");

/** Only a file that is not there is empty: one that cannot be read might hold a `@revoked`. */
async function readOptional(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
