/**
 * A connection to a board over SSH, kept for the whole run.
 *
 * ssh2 speaks the protocol; here is what it leaves to its caller: whom to trust, what to offer, how long to
 * wait, and what an error means to the operator. Its optional native parts only make ciphers faster, so
 * their absence changes nothing.
 */
import ssh2, { type Client, type ServerHostKeyAlgorithm } from "ssh2";
import { ImcloudError } from "../shared/errors.js";
import type { Secret } from "../shared/secret.js";
import {
  hostKeyChanged,
  hostKeyOf,
  hostKeyRevoked,
  hostKeyUnknown,
  fingerprintOf,
  type HostKey,
} from "./host-key.js";
import { KEEPALIVE_INTERVAL_MS, KEEPALIVE_MAX_UNANSWERED } from "./keepalive.js";
import { recordedKeys } from "./known-hosts.js";
import type { Channel, Link } from "./link.js";
import { trackChannel, type TrackedChannel } from "./ssh-channel.js";
import { lost, loginRefused, unreachable, wordsOf } from "./ssh-errors.js";
import { loadKeys, openAgent, type AskPassphrase } from "./ssh-keys.js";
import { loginAttempts } from "./ssh-login.js";
import { reach } from "./ssh-road.js";
import type { SshHost, SshTarget } from "./ssh-target.js";
import { loadTrust, type HostKeyStore } from "./host-key-store.js";

export interface SshOptions {
  /** Where imcloud's own known_hosts is, and what to do with a key that nobody has recorded. */
  readonly hostKeys: HostKeyStore;
  readonly password?: Secret;
  readonly askPassphrase?: AskPassphrase;
  /** A private key itself, for machines without files of their own, such as CI jobs. */
  readonly key?: Secret;
  /** For the TCP connection; default 10 s. */
  readonly connectTimeoutMs?: number;
  /** From the TCP connection to the login, for a busy board that verifies slowly; default 30 s. */
  readonly loginTimeoutMs?: number;
  /** Default {@link KEEPALIVE_INTERVAL_MS}. */
  readonly keepaliveIntervalMs?: number;
  readonly signal?: AbortSignal;
}

const CONNECT_TIMEOUT_MS = 10_000;
const LOGIN_TIMEOUT_MS = 30_000;
const OPEN_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 2_000;

/** Newest first; SHA-1 (`ssh-rsa`) and DSA are left out: every server since OpenSSH 7.2 has better. */
const HOST_KEY_ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/**
 * Connects and logs in.
 *
 * @throws ImcloudError `board.unreachable`, `board.login-refused`, `board.host-key-unknown`,
 *   `board.host-key-changed`
 */
export async function connectSsh(target: SshTarget, options: SshOptions): Promise<Link> {
  const roads: Client[] = [];
  // The password is the board's: a host on the way that asks for one must not learn it.
  const { password: _password, ...onTheWay } = options;
  try {
    for (const hop of target.jumps) roads.unshift((await logIn(target, hop, roads[0], onTheWay)).client);
    return new SshLink(target, await logIn(target, target, roads[0], options), roads);
  } catch (error) {
    for (const client of roads) client.destroy();
    throw error;
  }
}

/**
 * Asks a board for its host key and goes away before any login, for `imcloud trust` and `init`.
 * Jump hosts on the way are logged in to as always.
 */
export async function readHostKey(target: SshTarget, options: SshOptions): Promise<HostKey> {
  let seen: HostKey | undefined;
  const asked: SshTarget = { ...target, identityFiles: [], agent: "" };
  const hostKeys: HostKeyStore = {
    ...options.hostKeys,
    decide: (key, host) => {
      if (host !== asked) return options.hostKeys.decide?.(key, host) ?? "by-record";
      seen = key;
      return "refuse";
    },
  };
  try {
    const link = await connectSsh(asked, { ...options, hostKeys });
    await link.close();
  } catch (error) {
    if (seen === undefined) throw error;
  }
  if (seen === undefined) throw new Error("logged in without having seen a host key");
  return seen;
}

interface LoggedIn {
  readonly client: Client;
  readonly isByPassword: boolean;
}

/** One SSH login, through the last jump host if there is one. */
async function logIn(
  target: SshTarget,
  host: SshHost,
  road: Client | undefined,
  options: SshOptions,
): Promise<LoggedIn> {
  const agent = await openAgent(host);
  const { keys, passedOver } = await loadKeys(host, {
    ...options,
    isHeld: (publicKey) => agent?.held.some((key) => publicKey.equals(key.getPublicSSH())) ?? false,
  });
  const attempts = loginAttempts({
    user: host.user,
    keys,
    ...(agent !== undefined && { agent }),
    ...(options.password !== undefined && { password: options.password }),
  });
  const trust = await loadTrust(options.hostKeys, host, host === target ? target.pinnedHostKeys : []);
  // Last: what happens on a socket before ssh2 listens to it, ssh2 never learns.
  const sock = await reach(target, host, road, {
    timeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    ...(options.signal !== undefined && { signal: options.signal }),
  });

  const client = new ssh2.Client();
  const timeoutMs = options.loginTimeoutMs ?? LOGIN_TIMEOUT_MS;
  let isHandshaken = false;
  let refusal: ImcloudError | undefined;

  return new Promise<LoggedIn>((resolve, reject) => {
    const fail = (error: ImcloudError): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", stop);
      client.destroy();
      reject(error);
    };
    const stop = (): void => fail(lost(target, "stopped by the operator"));
    const timer = setTimeout(() => {
      fail(
        unreachable(
          target,
          host,
          `no ${isHandshaken ? "answer to the login" : "SSH handshake"} in ${timeoutMs / 1000} s`,
        ),
      );
    }, timeoutMs);
    options.signal?.addEventListener("abort", stop, { once: true });

    client.on("handshake", () => {
      isHandshaken = true;
    });
    client.on("ready", () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", stop);
      client.setNoDelay(true);
      resolve({ client, isByPassword: attempts.isByPassword });
    });
    // Never removed: an `error` event that nobody hears ends the process.
    client.on("error", (error) => {
      // A key that cannot sign is one offer less; ssh2 goes on with the next.
      if (error.level === "agent" || (error.level === "client-authentication" && /sign/i.test(error.message)))
        return;
      if (refusal !== undefined) fail(refusal);
      else if (isHandshaken) fail(loginRefused(target, host, { ...attempts, passedOver, ...saidBy(error) }));
      else fail(unreachable(target, host, wordsOf(error), error));
    });
    client.on("close", () => {
      if (isHandshaken) fail(loginRefused(target, host, { ...attempts, passedOver, said: "" }));
      else fail(unreachable(target, host, "the connection was closed during the SSH handshake"));
    });

    client.connect({
      sock,
      username: host.user,
      readyTimeout: 0,
      keepaliveInterval: options.keepaliveIntervalMs ?? KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVE_MAX_UNANSWERED,
      algorithms: { serverHostKey: preferring(recordedKeys(host.address, host.port, trust)) },
      hostVerifier: (blob: Buffer, verified: (isTrusted: boolean) => void) => {
        judge(hostKeyOf(blob)).then(verified, (error: unknown) => {
          refusal = error instanceof ImcloudError ? error : unreachable(target, host, wordsOf(error), error);
          verified(false);
        });
      },
      // ssh2 takes `false` for "no more", which its types do not say.
      authHandler: (allowed, isPartial, next) =>
        next(attempts.next(allowed, isPartial) as Parameters<typeof next>[0]),
    });

    async function judge(key: HostKey): Promise<boolean> {
      const verdict = await trust.judge(key);
      const owner = {
        board: target.board,
        address: host.address,
        pinnedHostKeys: host === target ? target.pinnedHostKeys : [],
        isJumpHost: host !== target,
        ...(target.origin && { origin: target.origin }),
      };
      if (verdict.kind === "trusted") return true;
      if (verdict.kind === "revoked") throw hostKeyRevoked(owner, fingerprintOf(key));
      if (verdict.kind === "changed")
        throw hostKeyChanged(owner, fingerprintOf(key), verdict.expected.join(", "));
      throw hostKeyUnknown(owner, `${fingerprintOf(key)} (${key.type})`);
    }
  });
}

/** What the server said as it hung up; ssh2's own words are not the server's. */
function saidBy(error: Error): { said?: string } {
  return /^All configured/.test(error.message) ? {} : { said: error.message };
}

/** Recorded types first: else a board with several keys would show one that nobody has recorded. */
function preferring(recorded: readonly HostKey[]): ServerHostKeyAlgorithm[] {
  const algorithmsOf = (type: string): string[] =>
    type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
  const wanted = new Set(recorded.flatMap(({ type }) => algorithmsOf(type)));
  return [
    ...HOST_KEY_ALGORITHMS.filter((algorithm) => wanted.has(algorithm)),
    ...HOST_KEY_ALGORITHMS.filter((algorithm) => !wanted.has(algorithm)),
  ];
}

class SshLink implements Link {
  readonly user: string;
  readonly handshakes = 1;
  readonly isByPassword: boolean;
  readonly #target: SshTarget;
  readonly #client: Client;
  /** Connections to jump hosts that this one runs through, the nearest to the board first. */
  readonly #roads: readonly Client[];
  readonly #open = new Set<TrackedChannel>();
  #lost: ImcloudError | undefined;

  constructor(target: SshTarget, { client, isByPassword }: LoggedIn, roads: readonly Client[]) {
    this.user = target.user;
    this.isByPassword = isByPassword;
    this.#target = target;
    this.#client = client;
    this.#roads = roads;
    client.on("error", (error) => this.#lose(wordsOf(error), error));
    client.on("close", () => this.#lose("closed by the other side"));
  }

  async open(command: string): Promise<Channel> {
    if (this.#lost !== undefined) throw this.#lost;
    return new Promise<Channel>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(lost(this.#target, `the board did not start a command in ${OPEN_TIMEOUT_MS / 1000} s`));
      }, OPEN_TIMEOUT_MS);
      this.#client.exec(command, (error, stream) => {
        clearTimeout(timer);
        if (error !== undefined) {
          reject(
            this.#lost ?? lost(this.#target, `the board refused to start a command: ${error.message}`, error),
          );
          return;
        }
        const tracked = trackChannel(
          stream,
          () => this.#open.delete(tracked),
          () => this.#lost ?? lost(this.#target, "the channel closed without an exit code"),
        );
        this.#open.add(tracked);
        resolve(tracked.channel);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#lost !== undefined) return;
    this.#lost = lost(this.#target, "closed by imcloud");
    const all = [this.#client, ...this.#roads];
    for (const client of all) client.end();
    // The outermost connection is a TCP socket; what ran through it ends with it.
    await closed(all.at(-1) ?? this.#client);
  }

  #lose(found: string, cause?: unknown): void {
    this.#lost ??= lost(this.#target, found, cause);
    for (const tracked of this.#open) tracked.lose(this.#lost);
    for (const client of this.#roads) client.destroy();
  }
}

/** A dead peer is not waited for. */
async function closed(client: Client): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      client.destroy();
      resolve();
    }, CLOSE_TIMEOUT_MS);
    client.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
