/**
 * From what `imcloud.yaml` says of a board and the secrets that it names to what goes onto its card.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { AuthorizedKey, ssidOf } from "../config/first-boot.js";
import type { BoardConfig } from "../config/load.js";
import type { Secrets } from "../config/secrets.js";
import { passwordHash } from "../flash/first-boot/password.js";
import type { Seed } from "../flash/first-boot/seed.js";
import { wifiKey } from "../flash/first-boot/wifi.js";
import { ImcloudError } from "../shared/errors.js";
import type { Secret } from "../shared/secret.js";
import { ownKey } from "./install-key.js";
import type { Workspace } from "./workspace.js";

/**
 * All but the host keys, which are made apart.
 *
 * @throws ImcloudError `flash.setting-refused`, `config.secret-missing`, `config.invalid`
 */
export async function seedOf(
  board: BoardConfig,
  secrets: Secrets,
  workspace: Workspace,
): Promise<Omit<Seed, "hostKeys">> {
  const { firstBoot } = board;
  const password = passwordOf(board, secrets);
  const wifi = firstBoot.wifi;
  return {
    instanceId: `imcloud-${randomUUID()}`,
    hostname: firstBoot.hostname ?? board.name,
    user: {
      name: userOf(board),
      ...(password !== undefined && { passwordHash: password }),
      keys: await keysOf(board, workspace),
      sudo: sudoOf(board, password !== undefined),
    },
    sshPasswords: firstBoot.sshPasswords ?? false,
    ...(wifi !== undefined && {
      wifi: {
        ssid: ssidOf(wifi),
        country: wifi.country,
        hidden: wifi.hidden,
        key: wifiKey(ssidOf(wifi), wifi.security, wifiSecret(wifi, secrets), wifi.password),
      },
    }),
    ...(firstBoot.ethernet !== undefined && { ethernet: firstBoot.ethernet }),
    ...(firstBoot.locale !== undefined && { locale: firstBoot.locale }),
    ...(firstBoot.timezone !== undefined && { timezone: firstBoot.timezone }),
    ...(firstBoot.keyboard !== undefined && { keyboard: firstBoot.keyboard }),
    cgroupMemory: firstBoot.cgroupMemory ?? true,
    watchdog: firstBoot.watchdog ?? true,
    usbQuirks: firstBoot.usbQuirks ?? [],
  };
}

/** The account that the board makes, which is the one that imcloud logs in with. */
export function userOf({ firstBoot, user, fallbackUser, origin }: BoardConfig): string {
  if (firstBoot.user === undefined || user === undefined || firstBoot.user === user)
    return firstBoot.user ?? user ?? fallbackUser;
  throw new ImcloudError("config.invalid", "the account that the board makes is not the one to log in with", {
    origin,
    found: `\`firstBoot.user\` ${firstBoot.user}, \`user\` ${user}`,
    expected: "the same name",
    hint: "remove one of the two",
  });
}

function passwordOf({ firstBoot }: BoardConfig, secrets: Secrets): Secret | undefined {
  const name = firstBoot.password;
  return name === undefined ? undefined : passwordHash(secrets.require(name), name);
}

function wifiSecret(wifi: { security: string; password: string }, secrets: Secrets): Secret | undefined {
  return wifi.security === "open" ? undefined : secrets.require(wifi.password);
}

/** An account that could never become root would lock the operator out of everything else. */
function sudoOf({ firstBoot, origin }: BoardConfig, hasPassword: boolean): "password" | "nopasswd" {
  const sudo = firstBoot.sudo ?? (hasPassword ? "password" : "nopasswd");
  if (sudo === "nopasswd" || hasPassword) return sudo;
  throw new ImcloudError(
    "flash.setting-refused",
    "`sudo` would ask for a password that the account does not have",
    {
      origin,
      found: "`sudo: password` without `password`",
      expected: "a password, or `sudo: nopasswd`",
      hint: "name the secret that is the password with `firstBoot.password`",
    },
  );
}

/** Those that are named, that of the key to log in with, or one of imcloud's own. */
async function keysOf(
  { firstBoot, identityFile, origin }: BoardConfig,
  workspace: Workspace,
): Promise<readonly string[]> {
  if (firstBoot.keys !== undefined) return firstBoot.keys;
  if (identityFile === undefined) return [(await ownKey(workspace)).trim()];
  const path = `${identityFile.replace(/^~(?=\/)/, homedir())}.pub`;
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ImcloudError("config.unreadable", `the public half of \`${identityFile}\` cannot be read`, {
      origin,
      found: cause instanceof Error ? cause.message : String(cause),
      hint: `make it with \`ssh-keygen -y -f ${identityFile} > ${identityFile}.pub\`, or name keys with \`firstBoot.keys\``,
      cause,
    });
  });
  const key = AuthorizedKey.safeParse(text);
  if (key.success) return [key.data];
  throw new ImcloudError("config.invalid", `\`${path}\` is no public key`, {
    origin,
    expected: key.error.issues[0]?.message ?? "one line",
    hint: "name keys with `firstBoot.keys`",
  });
}
