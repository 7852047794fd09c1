/**
 * The useful part of `~/.ssh/config`: who connects with `ssh attic` gets to the same place with imcloud.
 *
 * HostName, Port, User, IdentityFile, IdentitiesOnly, IdentityAgent, ProxyJump, UserKnownHostsFile and
 * Include. `Match exec` is never run: reading a file must not start programs.
 *
 * The grammar is the library's (`ssh-config`: `Host` patterns, negation, first value wins); Include is ours,
 * because the library leaves it alone. Source: ssh_config(5).
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import sshConfig from "ssh-config";
import type { Origin } from "../shared/errors.js";
import { localUser } from "../shared/local-user.js";
import type { SshHost, SshTarget } from "./ssh-target.js";

/** What `imcloud.yaml` says of a board; what it leaves open, `~/.ssh/config` may say. */
export interface AskedTarget {
  readonly board: string;
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  /** When neither this nor `~/.ssh/config` names one; default: the operator's own name, as ssh does. */
  readonly fallbackUser?: string;
  readonly identityFile?: string;
  /** `user@host:port`, several separated by commas, as in ProxyJump. */
  readonly jump?: string;
  readonly pinnedHostKeys?: readonly string[];
  readonly origin?: Origin;
}

/** Whose configuration is read. Tests give their own. */
export interface SshSurroundings {
  readonly home: string;
  readonly localUser: string;
  /** The text of `~/.ssh/config`, Includes taken in. */
  readonly config: string;
  /** SSH_AUTH_SOCK. */
  readonly agent: string;
  /** Keys to offer besides, such as the one imcloud made. */
  readonly ownIdentities: readonly string[];
}

/** The keys that ssh offers when nobody names one, in its order. */
const DEFAULT_IDENTITIES = ["id_rsa", "id_ecdsa", "id_ed25519"];
const MAX_INCLUDE_DEPTH = 16;

/** Reads the operator's own surroundings. A missing file is an empty one. */
export function readSurroundings(ownIdentities: readonly string[] = []): SshSurroundings {
  const home = homedir();
  return {
    home,
    localUser: localUser(),
    config: readWithIncludes(join(home, ".ssh", "config"), home, 0),
    agent:
      process.env.SSH_AUTH_SOCK ?? (process.platform === "win32" ? "\\\\.\\pipe\\openssh-ssh-agent" : ""),
    ownIdentities,
  };
}

/** Pure. */
export function resolveTarget(asked: AskedTarget, around: SshSurroundings): SshTarget {
  const host = resolveHost(asked, around);
  const jump = asked.jump ?? one(settingsOf(asked.address, around), "proxyjump") ?? "none";
  return {
    ...host,
    board: asked.board,
    jumps: jump === "none" ? [] : jump.split(",").map((hop) => resolveHost(parseHop(hop.trim()), around)),
    ...(jump !== "none" && { proxyJump: jump }),
    pinnedHostKeys: asked.pinnedHostKeys ?? [],
    ...(asked.origin !== undefined && { origin: asked.origin }),
  };
}

type AskedHost = Pick<AskedTarget, "address" | "port" | "user" | "fallbackUser" | "identityFile">;

function resolveHost(asked: AskedHost, around: SshSurroundings): SshHost {
  const settings = settingsOf(asked.address, around);
  const address = (one(settings, "hostname") ?? asked.address).replaceAll("%h", asked.address);
  const user = asked.user ?? one(settings, "user") ?? asked.fallbackUser ?? around.localUser;
  const port = asked.port ?? Number(one(settings, "port") ?? 22);
  const path = (text: string): string => expand(text, around, { h: address, r: user, p: String(port) });

  const named = asked.identityFile === undefined ? many(settings, "identityfile") : [asked.identityFile];
  const found =
    named.length > 0 ? named.map(path) : DEFAULT_IDENTITIES.map((name) => join(around.home, ".ssh", name));
  const agent = one(settings, "identityagent") ?? "SSH_AUTH_SOCK";
  return {
    address,
    port,
    user,
    identityFiles: [...new Set([...found, ...around.ownIdentities])],
    identitiesOnly: one(settings, "identitiesonly")?.toLowerCase() === "yes",
    agent: agent === "none" ? "" : agent === "SSH_AUTH_SOCK" ? around.agent : path(agent),
    knownHostsFiles: (many(settings, "userknownhostsfile").length > 0
      ? many(settings, "userknownhostsfile").flatMap((files) => files.split(/\s+/))
      : ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]
    ).map(path),
  };
}

type Settings = Readonly<Record<string, string | string[] | undefined>>;

function settingsOf(host: string, { config }: SshSurroundings): Settings {
  return sshConfig.parse(config).compute(host, { ignoreCase: true, matchExec: false });
}

function many(settings: Settings, name: string): readonly string[] {
  const value = settings[name];
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

const one = (settings: Settings, name: string): string | undefined => many(settings, name)[0];

/** `[user@]host[:port]`, the host possibly an IPv6 address in brackets; also `ssh://` before it. */
function parseHop(hop: string): AskedHost {
  const [, user, bracketed, plain, port] =
    /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(hop) ?? [];
  return {
    address: bracketed ?? plain ?? hop,
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
  };
}

/** The tokens of ssh_config(5), "TOKENS", that make sense in a path. */
function expand(text: string, { home, localUser }: SshSurroundings, tokens: Record<string, string>): string {
  const all: Record<string, string> = { ...tokens, d: home, u: localUser, "%": "%" };
  const expanded = text.replace(/%(.)/g, (whole, token: string) => all[token] ?? whole);
  const fromHome = expanded.replace(/^~(?=\/|$)/, () => home);
  return isAbsolute(fromHome) ? fromHome : join(home, ".ssh", fromHome);
}

/** @param around the line that the block begins with which the file is taken into */
function readWithIncludes(path: string, home: string, depth: number, around = "Host *"): string {
  if (depth > MAX_INCLUDE_DEPTH || !existsSync(path)) return "";
  let block = around;
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      if (/^\s*(host|match)[\s=]/i.test(line)) block = line;
      const files = /^\s*include[\s=]+(.*?)\s*$/i.exec(line)?.[1];
      if (files === undefined) return [line];
      const texts = files
        .split(/\s+/)
        .flatMap((pattern) => filesOf(pattern, home))
        .map((file) => readWithIncludes(file, home, depth + 1, block));
      // Blocks of a file end with it: what comes behind belongs to the block around it again.
      return texts.flatMap((text) => [text, block]);
    })
    .join("\n");
}

/** Wildcards in the last part of a path, which is where people have them. */
function filesOf(pattern: string, home: string): string[] {
  const fromHome = pattern.replaceAll('"', "").replace(/^~(?=\/)/, () => home);
  const path = isAbsolute(fromHome) ? fromHome : join(home, ".ssh", fromHome);
  const folder = dirname(path);
  if (!/[*?]/.test(basename(path))) return [path];
  if (!existsSync(folder)) return [];
  const source = basename(path)
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const wanted = new RegExp(`^${source}$`);
  return readdirSync(folder)
    .filter((name) => wanted.test(name))
    .sort()
    .map((name) => join(folder, name));
}
