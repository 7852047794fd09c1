/**
 * A board's host key, and the errors when it is not the one that was expected.
 *
 * Fingerprints are written as OpenSSH prints them: `SHA256:` and base64 without padding.
 */
import { createHash } from "node:crypto";
import { ImcloudError, type Origin } from "../shared/errors.js";

export interface HostKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256` ... */
  readonly type: string;
  /** The public key in SSH wire format (RFC 4253, 6.6), base64. */
  readonly base64: string;
}

/** The board as far as a host-key error needs it. */
export interface HostKeyOwner {
  readonly board: string;
  readonly address: string;
  /** Fingerprints in `imcloud.yaml`; if there are any, a record changes nothing. */
  readonly pinnedHostKeys?: readonly string[];
  readonly origin?: Origin;
  /** It is not the board that presents a key, but a host on the way there, at that address. */
  readonly isJumpHost?: boolean;
}

/**
 * @param blob the key in wire format: its type as a length-prefixed string comes first
 * @throws RangeError if the blob is too short to name its type
 */
export function hostKeyOf(blob: Buffer): HostKey {
  return { type: blob.toString("latin1", 4, 4 + blob.readUInt32BE(0)), base64: blob.toString("base64") };
}

/** @example fingerprintOf(key) // "SHA256:9fQmW…" */
export function fingerprintOf({ base64 }: Pick<HostKey, "base64">): string {
  const digest = createHash("sha256").update(Buffer.from(base64, "base64")).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** A re-flashed card, or somebody in between: only the operator can tell, so imcloud never guesses. */
export function hostKeyChanged(owner: HostKeyOwner, found: string, expected: string): ImcloudError {
  const { board, address, pinnedHostKeys = [], isJumpHost = false } = owner;
  if (isJumpHost) {
    return new ImcloudError(
      "board.host-key-changed",
      `the jump host ${address} on the way to \`${board}\` presents another host key than the recorded one`,
      {
        ...placeOf(owner),
        found,
        expected,
        hint: `if it was set up anew, take it out of .imcloud/known_hosts and ~/.ssh/known_hosts (\`ssh-keygen -R\`); if not, find out what answers there`,
      },
    );
  }
  const way =
    pinnedHostKeys.length > 0
      ? "put the new fingerprint into `hostKey` of imcloud.yaml"
      : `run \`imcloud trust ${board}\``;
  return new ImcloudError(
    "board.host-key-changed",
    `\`${board}\` presents another host key than the ${pinnedHostKeys.length > 0 ? "pinned" : "recorded"} one`,
    {
      ...placeOf(owner),
      found,
      expected,
      hint: `if you re-flashed this card, ${way}; if not, find out what answers at ${address}`,
    },
  );
}

export function hostKeyUnknown(owner: HostKeyOwner, found: string): ImcloudError {
  if (owner.isJumpHost === true) {
    const { address, board } = owner;
    return new ImcloudError(
      "board.host-key-unknown",
      `the host key of the jump host ${address} on the way to \`${board}\` is not recorded yet`,
      {
        ...placeOf(owner),
        found,
        expected: "a key in ~/.ssh/known_hosts or .imcloud/known_hosts",
        hint: `log in to it once with \`ssh\`, which asks about its key and records it, then run the command again`,
      },
    );
  }
  return new ImcloudError(
    "board.host-key-unknown",
    `the host key of \`${owner.board}\` is not recorded yet`,
    {
      ...placeOf(owner),
      found,
      expected: "a key in ~/.ssh/known_hosts or .imcloud/known_hosts, or `hostKey` in imcloud.yaml",
      hint: `compare the fingerprint with the board's own, then run \`imcloud trust ${owner.board}\``,
    },
  );
}

export function hostKeyRevoked(owner: HostKeyOwner, found: string): ImcloudError {
  return new ImcloudError(
    "board.host-key-changed",
    `${owner.isJumpHost === true ? `the jump host ${owner.address}` : `\`${owner.board}\``} presents a host key that is marked as revoked`,
    {
      ...placeOf(owner),
      found,
      expected: "a key without `@revoked` in known_hosts",
      hint: "make new host keys there with `ssh-keygen -A`, or find out what answers at " + owner.address,
    },
  );
}

const placeOf = ({ origin }: HostKeyOwner) => (origin === undefined ? {} : { origin });
