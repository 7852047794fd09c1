/**
 * Host keys that are made for boards here, before they are ever on.
 *
 * They stay in `.imcloud/identities/BOARD/`, readable for the operator alone: a board that is replaced gets them
 * again. imcloud's own known_hosts learns them before the card can boot.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import { fingerprintOf, type HostKey } from "../board/host-key.js";
import { recordHostKeys } from "../board/host-key-store.js";
import { makeKeyPair, type KeyKind } from "../board/ssh-keys.js";
import type { BoardConfig } from "../config/load.js";
import { readOptional, writePrivate } from "../files/operator-files.js";
import type { HostKeyPair } from "../flash/first-boot/seed.js";
import { ImcloudError } from "../shared/errors.js";
import { Secret } from "../shared/secret.js";
import { sshTargetOf } from "./connect.js";
import type { Workspace } from "./workspace.js";

/** RSA for clients of an age in which nothing else was to be had. */
const KINDS: readonly KeyKind[] = ["ed25519", "ecdsa", "rsa"];

/** Those of thirty boards at once would keep everything else of the process waiting. */
const oneBoardAtATime = pLimit(1);

/** New keys, which nothing knows yet. Takes half a second, beside other work: RSA. */
export function makeIdentity(board: string): Promise<readonly HostKeyPair[]> {
  return oneBoardAtATime(() =>
    Promise.all(
      KINDS.map(async (kind) => {
        const pair = await makeKeyPair(`${board} (imcloud)`, kind);
        return { kind, private: new Secret(pair.private), public: pair.public };
      }),
    ),
  );
}

/**
 * The keys that a board was given once.
 *
 * @throws ImcloudError `flash.no-identity` when it was given none
 */
export async function keptIdentity(
  { identities }: Workspace,
  board: string,
): Promise<readonly HostKeyPair[]> {
  const folder = join(identities, board);
  const found = await Promise.all(
    KINDS.map(async (kind): Promise<readonly HostKeyPair[]> => {
      const path = join(folder, fileOf(kind));
      const [secret, open] = [await readOptional(path), await readOptional(`${path}.pub`)];
      return secret === undefined || open === undefined
        ? []
        : [{ kind, private: new Secret(secret), public: open.trimEnd() }];
    }),
  );
  if (found.flat().length > 0) return found.flat();
  throw new ImcloudError("flash.no-identity", `no host keys of \`${board}\` are kept here`, {
    found: `nothing in ${folder}`,
    hint: "without `--replace` it gets new ones; or bring the folder `.imcloud/identities` from where you flashed it",
  });
}

/** Keeps the keys, all of them or none, in place of earlier ones. */
export async function keepIdentity(
  { identities }: Workspace,
  board: string,
  keys: readonly HostKeyPair[],
): Promise<void> {
  const folder = join(identities, board);
  const part = `${folder}.${randomUUID()}.part`;
  try {
    for (const { kind, private: secret, public: open } of keys) {
      await writePrivate(join(part, fileOf(kind)), secret.reveal());
      await writePrivate(join(part, `${fileOf(kind)}.pub`), `${open}\n`);
    }
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
    await rm(folder, { recursive: true, force: true });
    await rename(part, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/**
 * Makes the keys the only ones that imcloud trusts at the board's address.
 *
 * @param further addresses at which it may be found as well: the fixed one, its name in mDNS
 */
export async function pinIdentity(
  board: BoardConfig,
  workspace: Workspace,
  keys: readonly HostKeyPair[],
  further: readonly string[],
): Promise<void> {
  const { address, port } = await sshTargetOf(board, workspace);
  for (const one of new Set([address, ...further]))
    await recordHostKeys(workspace.knownHosts, { address: one, port }, keys.map(publicHalf));
}

/** @example fingerprintsOf(keys) // ["SHA256:9fQmW…", …] */
export function fingerprintsOf(keys: readonly HostKeyPair[]): readonly string[] {
  return keys.map((key) => fingerprintOf(publicHalf(key)));
}

function publicHalf({ public: line }: HostKeyPair): HostKey {
  const [type = "", base64 = ""] = line.split(" ");
  return { type, base64 };
}

const fileOf = (kind: KeyKind): string => `ssh_host_${kind}_key`;
