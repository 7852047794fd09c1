/**
 * Private keys of the operator: from files, and held by an agent.
 */
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { createConnection } from "node:net";
import ssh2, { type BaseAgent, type ParsedKey } from "ssh2";
import type { Secret } from "../shared/secret.js";
import type { SshHost } from "./ssh-target.js";

/** Asked for the passphrase of a key; undefined: nobody knows it, the key is passed over. */
export type AskPassphrase = (keyFile: string) => Promise<Secret | undefined>;

export interface LoadedKeys {
  readonly keys: readonly { readonly path: string; readonly key: ParsedKey }[];
  /** Keys that could not be used, with the reason, for the error that may follow. */
  readonly passedOver: readonly string[];
}

const AGENT_DEADLINE_MS = 3_000;

/** Where keys come from besides the host's files, and who knows their passphrases. */
export interface KeySources {
  /** A key itself, for machines without files of their own; it is offered first. */
  readonly key?: Secret;
  readonly askPassphrase?: AskPassphrase;
  /** Whether the agent already holds a key: then its passphrase need not be asked for. */
  readonly isHeld: (publicKey: Buffer) => boolean;
}

/** Reads the key files of a host. A missing file is no reason to complain: the defaults are guesses. */
export async function loadKeys({ identityFiles }: SshHost, sources: KeySources): Promise<LoadedKeys> {
  const keys: { path: string; key: ParsedKey }[] = [];
  const passedOver: string[] = [];
  const take = async (path: string, text: string): Promise<void> => {
    const key = await unlock(path, text, sources.askPassphrase);
    if (typeof key === "string") passedOver.push(`${path} (${key})`);
    else keys.push({ path, key });
  };

  if (sources.key !== undefined) await take("the key of IMCLOUD_SSH_KEY", sources.key.reveal());
  for (const path of identityFiles) {
    const text = await readOptional(path);
    if (text === undefined) continue;
    const publicText = await readOptional(`${path}.pub`);
    const publicKey = publicText === undefined ? undefined : parsed(publicText);
    if (publicKey !== undefined && sources.isHeld(publicKey.getPublicSSH())) continue;
    await take(path, text);
  }
  return { keys, passedOver };
}

/** @returns the key, or why it cannot be used */
async function unlock(
  path: string,
  text: string,
  askPassphrase?: AskPassphrase,
): Promise<ParsedKey | string> {
  const open = ssh2.utils.parseKey(text);
  if (!(open instanceof Error)) return first(open);
  if (!/encrypted/i.test(open.message)) return open.message;
  const passphrase = await askPassphrase?.(path);
  if (passphrase === undefined) return "has a passphrase, and none was given";
  const unlocked = ssh2.utils.parseKey(text, passphrase.reveal());
  return unlocked instanceof Error ? "wrong passphrase" : first(unlocked);
}

/**
 * The agent, showing the named keys first, or nothing but them.
 *
 * A server counts each key that it is shown, usually up to six: the right one should come early.
 *
 * @returns undefined when there is no agent, it does not answer, or it has nothing to offer
 */
export async function openAgent(
  host: SshHost,
): Promise<{ agent: BaseAgent; held: readonly ParsedKey[] } | undefined> {
  if (host.agent === "" || !(await answers(host.agent))) return undefined;
  const inner = ssh2.createAgent(host.agent);
  const all = await identitiesOf(inner);

  const named = (await Promise.all(host.identityFiles.map((path) => readOptional(`${path}.pub`)))).flatMap(
    (text) => {
      const key = text === undefined ? undefined : parsed(text);
      return key === undefined ? [] : [key.getPublicSSH()];
    },
  );
  const isNamed = (key: ParsedKey): boolean => named.some((wanted) => wanted.equals(key.getPublicSSH()));
  const held = [...all.filter(isNamed), ...(host.identitiesOnly ? [] : all.filter((key) => !isNamed(key)))];
  return held.length === 0 ? undefined : { agent: showing(inner, held), held };
}

/** The same agent, whose list of keys is this one. */
function showing(inner: BaseAgent, keys: readonly ParsedKey[]): BaseAgent {
  return new (class extends ssh2.BaseAgent {
    override getIdentities(done: Parameters<BaseAgent["getIdentities"]>[0]): void {
      done(undefined, [...keys]);
    }
    override sign(...call: unknown[]): void {
      Reflect.apply(inner.sign.bind(inner), undefined, call);
    }
  })();
}

async function identitiesOf(agent: BaseAgent): Promise<ParsedKey[]> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve([]), AGENT_DEADLINE_MS);
    agent.getIdentities((error, keys) => {
      clearTimeout(timer);
      // An agent that answers with an error holds nothing for us; the login error will name what was tried.
      const usable = (keys ?? []).flatMap((key) => {
        const own = ssh2.utils.parseKey(key as ParsedKey);
        return own instanceof Error ? [] : [first(own)];
      });
      resolve(error ? [] : usable);
    });
  });
}

async function answers(socketPath: string): Promise<boolean> {
  if (socketPath === "pageant") return true;
  const socket = createConnection(socketPath);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(AGENT_DEADLINE_MS) });
    return true;
  } catch {
    return false; // a stale SSH_AUTH_SOCK is as common as none
  } finally {
    socket.destroy();
  }
}

async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

function parsed(text: string): ParsedKey | undefined {
  const key = ssh2.utils.parseKey(text);
  return key instanceof Error ? undefined : first(key);
}

/** A file may hold several keys; the library then gives a list, which its types do not say. */
function first(key: ParsedKey | readonly ParsedKey[]): ParsedKey {
  return (Array.isArray(key) ? key[0] : key) as ParsedKey;
}

/** Of the kinds that OpenSSH knows, those worth making. */
export type KeyKind = "ed25519" | "ecdsa" | "rsa";

const RSA_BITS = 3072;

interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/**
 * A new key pair, in OpenSSH's formats, without a passphrase. RSA takes half a second, of another thread.
 *
 * One in some four hundred that ssh2 makes is a key that it cannot read itself (measured: 8 of 3,000), so each is
 * read before anybody relies on it.
 */
export async function makeKeyPair(comment: string, kind: KeyKind = "ed25519"): Promise<KeyPair> {
  for (;;) {
    const pair = await generated(comment, kind);
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

function generated(comment: string, kind: KeyKind): Promise<KeyPair> {
  const { generateKeyPair } = ssh2.utils;
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, pair: KeyPair) => (error === null ? resolve(pair) : reject(error));
    if (kind === "ed25519") generateKeyPair(kind, { comment }, done);
    else if (kind === "ecdsa") generateKeyPair(kind, { bits: 256, comment }, done);
    else generateKeyPair(kind, { bits: RSA_BITS, comment }, done);
  });
}
