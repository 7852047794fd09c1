/**
 * Everything a connection needs to know, with nothing left to look up: the result of `imcloud.yaml`,
 * `~/.ssh/config` and the defaults, in this order.
 */
import type { Origin } from "../shared/errors.js";

/** One machine to log in to: a board, or a jump host on the way. */
export interface SshHost {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Private keys to offer, absolute paths; one that does not exist is passed over. */
  readonly identityFiles: readonly string[];
  /** Offer only keys of `identityFiles`, though the agent holds others. */
  readonly identitiesOnly: boolean;
  /** The agent's socket; empty: no agent. */
  readonly agent: string;
  /** The operator's known_hosts files; read, never written. */
  readonly knownHostsFiles: readonly string[];
}

export interface SshTarget extends SshHost {
  /** The board's name in `imcloud.yaml`. */
  readonly board: string;
  /** Machines to pass through, the first one first. */
  readonly jumps: readonly SshHost[];
  /** The same as it was written, for a program that has its own way of looking them up. */
  readonly proxyJump?: string;
  /** Fingerprints `SHA256:…`; if there are any, no file counts. */
  readonly pinnedHostKeys: readonly string[];
  readonly origin?: Origin;
}
