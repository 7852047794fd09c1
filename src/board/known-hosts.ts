/**
 * Which host keys are trusted, in the format of OpenSSH.
 *
 * imcloud writes only its own `.imcloud/known_hosts`; the operator's `~/.ssh/known_hosts` is read. A host
 * that imcloud's file knows is judged by that file alone: `imcloud trust` must be able to overrule a stale
 * line that it may not touch. `@revoked` counts wherever it stands.
 *
 * Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { fingerprintOf, type HostKey } from "./host-key.js";

export interface KnownHost {
  readonly marker: "none" | "revoked" | "cert-authority";
  /** The first field as it stands: patterns separated by commas, or one hashed name. */
  readonly names: string;
  readonly key: HostKey;
}

/** Where a key may be recorded, in order of authority. */
export interface TrustSources {
  /** Fingerprints from `imcloud.yaml` or the command line; if there are any, nothing else counts. */
  readonly pinned: readonly string[];
  readonly own: readonly KnownHost[];
  readonly user: readonly KnownHost[];
}

export type HostKeyVerdict =
  | { readonly kind: "trusted" }
  | { readonly kind: "unknown" }
  | { readonly kind: "revoked" }
  | { readonly kind: "changed"; readonly expected: readonly string[] };

/** Lines that OpenSSH would skip (comments, damage) are skipped: one bad line must not hide the others. */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split("\n").flatMap((line): KnownHost[] => {
    const fields = line.trim().split(/[ \t]+/);
    const marker = fields[0]?.startsWith("@") === true ? fields.shift()?.slice(1) : "none";
    const [names, type, base64] = fields;
    if (marker !== "none" && marker !== "revoked" && marker !== "cert-authority") return [];
    if (names === undefined || names === "" || names.startsWith("#") || type === undefined) return [];
    if (base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return [];
    return [{ marker, names, key: { type, base64 } }];
  });
}

/** The name under which a host stands in the file: `[host]:port` unless the port is 22. */
export function hostName(address: string, port: number): string {
  return port === 22 ? address.toLowerCase() : `[${address.toLowerCase()}]:${port}`;
}

/** One line, with its line end. */
export function renderKnownHost(address: string, port: number, { type, base64 }: HostKey): string {
  return `${hostName(address, port)} ${type} ${base64}\n`;
}

/** The file without what it says about this host; other lines, comments included, stay as they are. */
export function withoutHost(text: string, address: string, port: number): string {
  const kept = (line: string): boolean =>
    !parseKnownHosts(line).some((entry) => isAbout(entry, address, port));
  return text.split("\n").filter(kept).join("\n");
}

/** Pure; the first reason to distrust wins. */
export function judgeHostKey(
  key: HostKey,
  address: string,
  port: number,
  sources: TrustSources,
): HostKeyVerdict {
  const about = (all: readonly KnownHost[], marker: KnownHost["marker"]) =>
    all.filter((entry) => entry.marker === marker && isAbout(entry, address, port)).map((entry) => entry.key);
  const isSame = (other: HostKey): boolean => other.base64 === key.base64;

  if (about([...sources.own, ...sources.user], "revoked").some(isSame)) return { kind: "revoked" };
  if (sources.pinned.length > 0) {
    const isPinned = sources.pinned.includes(fingerprintOf(key));
    return isPinned ? { kind: "trusted" } : { kind: "changed", expected: sources.pinned };
  }
  const recorded = recordedKeys(address, port, sources);
  if (recorded.length === 0) return { kind: "unknown" };
  if (recorded.some(isSame)) return { kind: "trusted" };
  // Also when only keys of other types are recorded: those were asked for first, so the board lost them.
  return { kind: "changed", expected: recorded.map(fingerprintOf) };
}

/** The keys that count for a host; their types are asked for first in the handshake. */
export function recordedKeys(address: string, port: number, { own, user }: TrustSources): HostKey[] {
  const about = (all: readonly KnownHost[]) =>
    all.filter((entry) => entry.marker === "none" && isAbout(entry, address, port)).map(({ key }) => key);
  const fromOwn = about(own);
  return fromOwn.length > 0 ? fromOwn : about(user);
}

function isAbout({ names }: KnownHost, address: string, port: number): boolean {
  const name = hostName(address, port);
  if (names.startsWith("|")) return isHashOf(names, name);
  const patterns = names.toLowerCase().split(",");
  const matches = (pattern: string): boolean => globMatches(pattern, name);
  if (patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith("!") && matches(pattern));
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt. */
function isHashOf(field: string, name: string): boolean {
  const [, version, salt, hash] = field.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, "base64");
  const actual = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** `*` and `?` are the only wildcards; everything else, brackets included, is itself. Linear in time, unlike a regular expression. */
function globMatches(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let position = 0;
  while (position < name.length) {
    if (pattern[at] === "*") {
      star = at++;
      resume = position;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === name[position])) {
      at += 1;
      position += 1;
    } else if (star >= 0) {
      at = star + 1;
      position = ++resume;
    } else return false;
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
