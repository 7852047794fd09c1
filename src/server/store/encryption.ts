/**
 * End-to-end encryption: device keys, one-time keys and messages to devices. The server keeps and hands out;
 * it can read none of it.
 */
import type { JsonObject } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";
import { tellDeviceChange } from "./sessions.js";

export interface UploadedKey {
  readonly algorithm: string;
  readonly keyId: string;
  readonly key: JsonObject | string;
}

interface DeviceKey {
  readonly userId: string;
  readonly deviceId: string;
}

export interface DeviceMessage extends DeviceKey {
  readonly event: JsonObject;
}

export interface ClaimedKey extends DeviceKey, UploadedKey {}

export const encryptionProcedures = {
  async uploadKeys(
    transaction: Transaction,
    input: DeviceKey & {
      deviceKeys?: JsonObject;
      oneTime: readonly UploadedKey[];
      fallback: readonly UploadedKey[];
      now: number;
    },
  ): Promise<null> {
    const { userId, deviceId } = input;
    if (input.deviceKeys !== undefined) {
      const keys = JSON.stringify(input.deviceKeys);
      const changed = await transaction.run(
        "UPDATE devices SET keys = ? WHERE user_id = ? AND device_id = ? AND (keys IS NULL OR keys <> ?)",
        keys,
        userId,
        deviceId,
        keys,
      );
      if (changed === 1) await tellDeviceChange(transaction, userId);
    }
    for (const { algorithm, keyId, key } of input.oneTime) {
      await transaction.run(
        `INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, key, uploaded) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
        userId,
        deviceId,
        algorithm,
        keyId,
        JSON.stringify(key),
        input.now,
      );
    }
    for (const { algorithm, keyId, key } of input.fallback) {
      await transaction.run(
        `INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, key, used) VALUES (?, ?, ?, ?, ?, 0)
         ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET key_id = excluded.key_id, key = excluded.key, used = 0`,
        userId,
        deviceId,
        algorithm,
        keyId,
        JSON.stringify(key),
      );
    }
    return null;
  },

  /** Each one-time key goes to one claimer, the oldest first; a fallback key serves when none is left. */
  async claimKeys(
    transaction: Transaction,
    input: { wanted: readonly (DeviceKey & { algorithm: string })[] },
  ): Promise<ClaimedKey[]> {
    const claimed: ClaimedKey[] = [];
    for (const { userId, deviceId, algorithm } of input.wanted) {
      const [oneTime] = await transaction.all<{ key_id: string; key: string }>(
        `SELECT key_id, key FROM one_time_keys WHERE user_id = ? AND device_id = ? AND algorithm = ?
         ORDER BY uploaded, key_id LIMIT 1`,
        userId,
        deviceId,
        algorithm,
      );
      const row = oneTime ?? (await useFallback(transaction, userId, deviceId, algorithm));
      if (row === undefined) continue;
      if (oneTime !== undefined) {
        await transaction.run(
          "DELETE FROM one_time_keys WHERE user_id = ? AND device_id = ? AND algorithm = ? AND key_id = ?",
          userId,
          deviceId,
          algorithm,
          oneTime.key_id,
        );
      }
      claimed.push({
        userId,
        deviceId,
        algorithm,
        keyId: row.key_id,
        key: JSON.parse(row.key) as JsonObject | string,
      });
    }
    return claimed;
  },

  /** A device id of `*` means all devices of that user. A retried request sends nothing twice. */
  async sendToDevices(
    transaction: Transaction,
    input: { messages: readonly DeviceMessage[]; txn: DeviceKey & { path: string; at: number } },
  ): Promise<null> {
    const first = await transaction.run(
      "INSERT INTO txns (user_id, device_id, path, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      input.txn.userId,
      input.txn.deviceId,
      input.txn.path,
      input.txn.at,
    );
    if (first === 0) return null;
    for (const { userId, deviceId, event } of input.messages) {
      const devices = await transaction.all<{ device_id: string }>(
        "SELECT device_id FROM devices WHERE user_id = ? AND (? = '*' OR device_id = ?) ORDER BY device_id",
        userId,
        deviceId,
        deviceId,
      );
      for (const device of devices) {
        await transaction.run(
          "INSERT INTO to_device (user_id, device_id, position, event) VALUES (?, ?, ?, ?)",
          userId,
          device.device_id,
          transaction.position({ kind: "to-device", userId }),
          JSON.stringify(event),
        );
      }
    }
    return null;
  },

  /** The device has them: it asked for what comes after. */
  async dropToDevice(transaction: Transaction, input: DeviceKey & { upTo: number }): Promise<number> {
    return transaction.run(
      "DELETE FROM to_device WHERE user_id = ? AND device_id = ? AND position <= ?",
      input.userId,
      input.deviceId,
      input.upTo,
    );
  },
};

async function useFallback(transaction: Transaction, userId: string, deviceId: string, algorithm: string) {
  const [row] = await transaction.all<{ key_id: string; key: string }>(
    "SELECT key_id, key FROM fallback_keys WHERE user_id = ? AND device_id = ? AND algorithm = ?",
    userId,
    deviceId,
    algorithm,
  );
  if (row !== undefined) {
    await transaction.run(
      "UPDATE fallback_keys SET used = 1 WHERE user_id = ? AND device_id = ? AND algorithm = ?",
      userId,
      deviceId,
      algorithm,
    );
  }
  return row;
}

export class EncryptionStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  uploadKeys(
    device: DeviceKey,
    keys: { deviceKeys?: JsonObject; oneTime: readonly UploadedKey[]; fallback: readonly UploadedKey[] },
  ) {
    return this.#write("uploadKeys", {
      userId: device.userId,
      deviceId: device.deviceId,
      ...keys,
      now: Date.now(),
    });
  }

  /** The keys of a user's devices, by device id, each with the name that its owner gave it. */
  async deviceKeys(userId: string): Promise<Map<string, { keys: JsonObject; displayName?: string }>> {
    const rows = await this.#reader.all<{ device_id: string; keys: string; display_name: string | null }>(
      "SELECT device_id, keys, display_name FROM devices WHERE user_id = ? AND keys IS NOT NULL",
      userId,
    );
    return new Map(
      rows.map((row) => [
        row.device_id,
        {
          keys: JSON.parse(row.keys) as JsonObject,
          ...(row.display_name !== null && { displayName: row.display_name }),
        },
      ]),
    );
  }

  async keyCounts({ userId, deviceId }: DeviceKey): Promise<Record<string, number>> {
    const rows = await this.#reader.all<{ algorithm: string; count: number }>(
      "SELECT algorithm, COUNT(*) AS count FROM one_time_keys WHERE user_id = ? AND device_id = ? GROUP BY algorithm",
      userId,
      deviceId,
    );
    return Object.fromEntries(rows.map((row) => [row.algorithm, row.count]));
  }

  async unusedFallbacks({ userId, deviceId }: DeviceKey): Promise<string[]> {
    const rows = await this.#reader.all<{ algorithm: string }>(
      "SELECT algorithm FROM fallback_keys WHERE user_id = ? AND device_id = ? AND used = 0 ORDER BY algorithm",
      userId,
      deviceId,
    );
    return rows.map((row) => row.algorithm);
  }

  claimKeys(wanted: readonly (DeviceKey & { algorithm: string })[]): Promise<ClaimedKey[]> {
    return this.#write("claimKeys", { wanted });
  }

  send(messages: readonly DeviceMessage[], txn: DeviceKey & { path: string }): Promise<null> {
    return this.#write("sendToDevices", {
      messages,
      txn: { userId: txn.userId, deviceId: txn.deviceId, path: txn.path, at: Date.now() },
    });
  }

  async toDevice(
    { userId, deviceId }: DeviceKey,
    upTo: number,
    limit: number,
  ): Promise<{ position: number; event: JsonObject }[]> {
    const rows = await this.#reader.all<{ position: number; event: string }>(
      "SELECT position, event FROM to_device WHERE user_id = ? AND device_id = ? AND position <= ? ORDER BY position LIMIT ?",
      userId,
      deviceId,
      upTo,
      limit,
    );
    return rows.map((row) => ({ position: row.position, event: JSON.parse(row.event) as JsonObject }));
  }

  dropToDevice({ userId, deviceId }: DeviceKey, upTo: number): Promise<number> {
    return this.#write("dropToDevice", { userId, deviceId, upTo });
  }

  /** Users whose devices changed in a stretch of positions. */
  async devicesChanged(after: number, upTo: number): Promise<string[]> {
    const rows = await this.#reader.all<{ user_id: string }>(
      "SELECT user_id FROM device_changes WHERE position > ? AND position <= ?",
      after,
      upTo,
    );
    return rows.map((row) => row.user_id);
  }
}
