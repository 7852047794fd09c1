/**
 * Devices that nobody runs: they take messages for somebody who has no other one, until a new device opens them.
 *
 * To everybody else they are devices as any other, with keys and a queue of messages.
 */
import type { JsonObject } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import { encryptionProcedures, type UploadedKey } from "./encryption.js";
import type { Write } from "./procedures.js";
import { deleteDevice } from "./sessions.js";

export interface NewDehydratedDevice {
  readonly userId: string;
  readonly deviceId: string;
  readonly displayName?: string;
  /** Encrypted; what is in it is the client's business. */
  readonly data: JsonObject;
  readonly deviceKeys: JsonObject;
  readonly oneTime: readonly UploadedKey[];
  readonly fallback: readonly UploadedKey[];
}

async function drop(transaction: Transaction, userId: string): Promise<string | null> {
  const [old] = await transaction.all<{ device_id: string }>(
    "SELECT device_id FROM dehydrated_devices WHERE user_id = ?",
    userId,
  );
  if (old === undefined) return null;
  await deleteDevice(transaction, { userId, deviceId: old.device_id });
  return old.device_id;
}

export const dehydratedDeviceProcedures = {
  /** In the place of the one before. @returns false when a device with a session has that id */
  async putDehydrated(
    transaction: Transaction,
    input: NewDehydratedDevice & { now: number },
  ): Promise<boolean> {
    const { userId, deviceId } = input;
    const [taken] = await transaction.all(
      `SELECT d.device_id FROM devices d LEFT JOIN dehydrated_devices h
         ON h.user_id = d.user_id AND h.device_id = d.device_id
       WHERE d.user_id = ? AND d.device_id = ? AND h.device_id IS NULL`,
      userId,
      deviceId,
    );
    if (taken !== undefined) return false;
    await drop(transaction, userId);
    await transaction.run(
      "INSERT INTO devices (user_id, device_id, display_name, created_at) VALUES (?, ?, ?, ?)",
      userId,
      deviceId,
      input.displayName ?? null,
      input.now,
    );
    await transaction.run(
      "INSERT INTO dehydrated_devices (user_id, device_id, data) VALUES (?, ?, ?)",
      userId,
      deviceId,
      JSON.stringify(input.data),
    );
    await encryptionProcedures.uploadKeys(transaction, input);
    return true;
  },

  /** @returns its id, or null when there was none */
  dropDehydrated: (transaction: Transaction, input: { userId: string }) => drop(transaction, input.userId),
};

export class DehydratedDeviceStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  /** @returns false when a device with a session has that id */
  put(device: NewDehydratedDevice): Promise<boolean> {
    return this.#write("putDehydrated", { ...device, now: Date.now() });
  }

  /** @returns its id, or null when there was none */
  drop(userId: string): Promise<string | null> {
    return this.#write("dropDehydrated", { userId });
  }

  async get(userId: string): Promise<{ deviceId: string; data: JsonObject } | undefined> {
    const [row] = await this.#reader.all<{ device_id: string; data: string }>(
      "SELECT device_id, data FROM dehydrated_devices WHERE user_id = ?",
      userId,
    );
    return row && { deviceId: row.device_id, data: JSON.parse(row.data) as JsonObject };
  }

  /** Messages that it was sent after a position. They stay until it goes: whoever opens it may begin anew. */
  async messages(
    userId: string,
    deviceId: string,
    after: number,
    limit: number,
  ): Promise<{ position: number; event: JsonObject }[]> {
    const rows = await this.#reader.all<{ position: number; event: string }>(
      "SELECT position, event FROM to_device WHERE user_id = ? AND device_id = ? AND position > ? ORDER BY position LIMIT ?",
      userId,
      deviceId,
      after,
      limit,
    );
    return rows.map(({ position, event }) => ({ position, event: JSON.parse(event) as JsonObject }));
  }
}
