/**
 * Devices and the tokens that speak for them.
 */
import type { Reader, Transaction } from "./database.js";
import { deletePushersOf } from "./pushers.js";
import type { Write } from "./procedures.js";

export interface Device {
  readonly userId: string;
  readonly deviceId: string;
  readonly displayName?: string;
  /** Milliseconds since 1970. */
  readonly seenAt?: number;
  readonly seenFrom?: string;
}

/**
 * An `openid` token only tells another service who its bearer is. A `refreshed` one has made a pair that nobody has used
 * yet: who never got that pair may ask by it again.
 */
export type TokenKind = "access" | "refresh" | "refreshed" | "openid";

export interface NewToken {
  /** SHA-256 of the token: a stolen database opens no session. */
  readonly hash: string;
  readonly kind: TokenKind;
  /** Milliseconds since 1970; absent for a token that does not expire. */
  readonly expiresAt?: number;
}

export interface TokenOwner {
  readonly userId: string;
  readonly deviceId: string;
  readonly isAdmin: boolean;
  readonly isSuspended: boolean;
  readonly isLocked: boolean;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
  /** The token that made this one is still good: see {@link SessionStore.confirm}. */
  readonly isUnconfirmed: boolean;
}

interface DeviceKey {
  readonly userId: string;
  readonly deviceId: string;
}

async function putTokens(
  transaction: Transaction,
  { userId, deviceId }: DeviceKey,
  tokens: readonly NewToken[],
) {
  for (const { hash, kind, expiresAt } of tokens) {
    await transaction.run(
      "INSERT INTO tokens (hash, kind, user_id, device_id, expires_at) VALUES (?, ?, ?, ?, ?)",
      hash,
      kind,
      userId,
      deviceId,
      expiresAt ?? null,
    );
  }
}

export async function deleteDevice(
  transaction: Transaction,
  { userId, deviceId }: DeviceKey,
): Promise<number> {
  for (const table of [
    "tokens",
    "to_device",
    "one_time_keys",
    "fallback_keys",
    "txns",
    "dehydrated_devices",
  ]) {
    await transaction.run(`DELETE FROM ${table} WHERE user_id = ? AND device_id = ?`, userId, deviceId);
  }
  await deletePushersOf(transaction, { userId, deviceId });
  await transaction.run("DELETE FROM key_signatures WHERE user_id = ? AND key_id = ?", userId, deviceId);
  const deleted = await transaction.run(
    "DELETE FROM devices WHERE user_id = ? AND device_id = ?",
    userId,
    deviceId,
  );
  if (deleted > 0) await tellDeviceChange(transaction, userId);
  return deleted;
}

/** Those who share a room with the user look again at their devices. */
export async function tellDeviceChange(transaction: Transaction, userId: string): Promise<void> {
  const position = transaction.position({ kind: "devices", userId });
  await transaction.run(
    `INSERT INTO device_changes (user_id, position) VALUES (?, ?)
     ON CONFLICT (user_id) DO UPDATE SET position = excluded.position`,
    userId,
    position,
  );
}

export const sessionProcedures = {
  /** Makes the device, or takes over the one of that id: its old tokens end. */
  async logIn(
    transaction: Transaction,
    input: DeviceKey & { displayName?: string; tokens: readonly NewToken[]; now: number },
  ): Promise<null> {
    await transaction.run(
      "DELETE FROM tokens WHERE user_id = ? AND device_id = ?",
      input.userId,
      input.deviceId,
    );
    const made = await transaction.run(
      `INSERT INTO devices (user_id, device_id, display_name, created_at, seen_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      input.userId,
      input.deviceId,
      input.displayName ?? null,
      input.now,
      input.now,
    );
    if (made === 1) await tellDeviceChange(transaction, input.userId);
    await putTokens(transaction, input, input.tokens);
    return null;
  },

  /**
   * The old access token ends in the moment in which the new pair begins, the old refresh token once the new pair is
   * used: the answer may get lost. Of a locked account everything stays.
   *
   * Source: Matrix client-server API v1.19, "POST /_matrix/client/v3/refresh".
   */
  async refreshTokens(
    transaction: Transaction,
    input: { oldHash: string; now: number; tokens: readonly NewToken[] },
  ): Promise<"done" | "unknown" | "locked"> {
    const [row] = await transaction.all<{ user_id: string; device_id: string; locked: number }>(
      `SELECT t.user_id, t.device_id, a.locked FROM tokens t JOIN accounts a ON a.user_id = t.user_id
       WHERE t.hash = ? AND t.kind IN ('refresh', 'refreshed') AND (t.expires_at IS NULL OR t.expires_at > ?)`,
      input.oldHash,
      input.now,
    );
    if (row === undefined) return "unknown";
    if (row.locked === 1) return "locked";
    const device = { userId: row.user_id, deviceId: row.device_id };
    await transaction.run(
      "DELETE FROM tokens WHERE user_id = ? AND device_id = ? AND hash <> ? AND kind <> 'openid'",
      device.userId,
      device.deviceId,
      input.oldHash,
    );
    await transaction.run("UPDATE tokens SET kind = 'refreshed' WHERE hash = ?", input.oldHash);
    await putTokens(transaction, device, input.tokens);
    return "done";
  },

  async confirmTokens(transaction: Transaction, { userId, deviceId }: DeviceKey): Promise<number> {
    return transaction.run(
      "DELETE FROM tokens WHERE user_id = ? AND device_id = ? AND kind = 'refreshed'",
      userId,
      deviceId,
    );
  },

  async deleteDevices(
    transaction: Transaction,
    input: { userId: string; deviceIds: readonly string[] },
  ): Promise<number> {
    let deleted = 0;
    for (const deviceId of input.deviceIds)
      deleted += await deleteDevice(transaction, { userId: input.userId, deviceId });
    return deleted;
  },

  /** Makes room for it: those of the device that have expired go. */
  async addOpenIdToken(
    transaction: Transaction,
    input: DeviceKey & { hash: string; now: number; expiresAt: number },
  ): Promise<null> {
    await transaction.run(
      "DELETE FROM tokens WHERE user_id = ? AND device_id = ? AND kind = 'openid' AND expires_at <= ?",
      input.userId,
      input.deviceId,
      input.now,
    );
    const { hash, expiresAt } = input;
    await putTokens(transaction, input, [{ hash, kind: "openid", expiresAt }]);
    return null;
  },

  async renameDevice(transaction: Transaction, input: DeviceKey & { displayName: string }): Promise<boolean> {
    const changed = await transaction.run(
      "UPDATE devices SET display_name = ? WHERE user_id = ? AND device_id = ?",
      input.displayName,
      input.userId,
      input.deviceId,
    );
    if (changed === 1) await tellDeviceChange(transaction, input.userId);
    return changed === 1;
  },

  async sawDevice(transaction: Transaction, input: DeviceKey & { at: number; from: string }): Promise<null> {
    await transaction.run(
      "UPDATE devices SET seen_at = ?, seen_from = ? WHERE user_id = ? AND device_id = ?",
      input.at,
      input.from,
      input.userId,
      input.deviceId,
    );
    return null;
  },
};

export class SessionStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  logIn(userId: string, deviceId: string, tokens: readonly NewToken[], displayName?: string): Promise<null> {
    const now = Date.now();
    return this.#write("logIn", {
      userId,
      deviceId,
      tokens,
      now,
      ...(displayName !== undefined && { displayName }),
    });
  }

  refresh(oldHash: string, tokens: readonly NewToken[]): Promise<"done" | "unknown" | "locked"> {
    return this.#write("refreshTokens", { oldHash, tokens, now: Date.now() });
  }

  /** The device has its new pair of tokens: what it was refreshed by ends. */
  confirm(userId: string, deviceId: string): Promise<number> {
    return this.#write("confirmTokens", { userId, deviceId });
  }

  /** @param expiresAt milliseconds since 1970 */
  addOpenIdToken(userId: string, deviceId: string, hash: string, expiresAt: number): Promise<null> {
    return this.#write("addOpenIdToken", { userId, deviceId, hash, now: Date.now(), expiresAt });
  }

  /** Whom an OpenID token speaks of, while it is good. */
  async byOpenIdToken(hash: string): Promise<string | undefined> {
    const [row] = await this.#reader.all<{ user_id: string }>(
      "SELECT user_id FROM tokens WHERE hash = ? AND kind = 'openid' AND expires_at > ?",
      hash,
      Date.now(),
    );
    return row?.user_id;
  }

  /** Whom an access token speaks for, and until when. */
  async byToken(hash: string): Promise<TokenOwner | undefined> {
    const [row] = await this.#reader.all<{
      user_id: string;
      device_id: string;
      admin: number;
      suspended: number;
      locked: number;
      expires_at: number | null;
      older: number;
    }>(
      `SELECT t.user_id, t.device_id, t.expires_at, a.admin, a.suspended, a.locked,
         (SELECT COUNT(*) FROM tokens o WHERE o.user_id = t.user_id AND o.device_id = t.device_id AND o.kind = 'refreshed')
           AS older
       FROM tokens t JOIN accounts a ON a.user_id = t.user_id
       WHERE t.hash = ? AND t.kind = 'access' AND a.deactivated = 0`,
      hash,
    );
    return (
      row && {
        userId: row.user_id,
        deviceId: row.device_id,
        isAdmin: row.admin === 1,
        isSuspended: row.suspended === 1,
        isLocked: row.locked === 1,
        isUnconfirmed: row.older > 0,
        ...(row.expires_at !== null && { expiresAt: row.expires_at }),
      }
    );
  }

  async devices(userId: string): Promise<Device[]> {
    const rows = await this.#reader.all<{
      device_id: string;
      display_name: string | null;
      seen_at: number | null;
      seen_from: string | null;
    }>(
      "SELECT device_id, display_name, seen_at, seen_from FROM devices WHERE user_id = ? ORDER BY device_id",
      userId,
    );
    return rows.map((row) => ({
      userId,
      deviceId: row.device_id,
      ...(row.display_name !== null && { displayName: row.display_name }),
      ...(row.seen_at !== null && { seenAt: row.seen_at }),
      ...(row.seen_from !== null && { seenFrom: row.seen_from }),
    }));
  }

  deleteDevices(userId: string, deviceIds: readonly string[]): Promise<number> {
    return this.#write("deleteDevices", { userId, deviceIds });
  }

  renameDevice(userId: string, deviceId: string, displayName: string): Promise<boolean> {
    return this.#write("renameDevice", { userId, deviceId, displayName });
  }

  saw(userId: string, deviceId: string, from: string): Promise<null> {
    return this.#write("sawDevice", { userId, deviceId, from, at: Date.now() });
  }
}
