/**
 * Keys that vouch for devices and people, and the signatures they are vouched for with.
 */
import type { JsonObject } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";
import { tellDeviceChange } from "./sessions.js";

export type KeyUsage = "master" | "self_signing" | "user_signing";

export interface KeySignature {
  /** Whose device or key. */
  readonly userId: string;
  /** The device's id, or the key itself. */
  readonly keyId: string;
  readonly signer: string;
  /** With its algorithm: `ed25519:KEY`. */
  readonly signerKey: string;
  readonly signature: string;
}

export const crossSigningProcedures = {
  async setCrossSigningKeys(
    transaction: Transaction,
    { userId, keys }: { userId: string; keys: readonly { usage: KeyUsage; key: JsonObject }[] },
  ): Promise<null> {
    for (const { usage, key } of keys) {
      await transaction.run(
        `INSERT INTO cross_signing_keys (user_id, usage, key) VALUES (?, ?, ?)
         ON CONFLICT (user_id, usage) DO UPDATE SET key = excluded.key`,
        userId,
        usage,
        JSON.stringify(key),
      );
    }
    // The key by which one signs other people is seen by nobody else.
    if (keys.every(({ usage }) => usage === "user_signing")) await tellSignature(transaction, userId, userId);
    else await tellDeviceChange(transaction, userId);
    return null;
  },

  /** What somebody says of another is that one's business: only the signer hears of it. */
  async addKeySignatures(
    transaction: Transaction,
    { signatures }: { signatures: readonly KeySignature[] },
  ): Promise<null> {
    const told = new Set<string>();
    for (const { userId, keyId, signer, signerKey, signature } of signatures) {
      await transaction.run(
        `INSERT INTO key_signatures (user_id, key_id, signer, signer_key, signature) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (user_id, key_id, signer, signer_key) DO UPDATE SET signature = excluded.signature`,
        userId,
        keyId,
        signer,
        signerKey,
        signature,
      );
      if (told.has(userId)) continue;
      told.add(userId);
      if (userId === signer) await tellDeviceChange(transaction, userId);
      else await tellSignature(transaction, signer, userId);
    }
    return null;
  },
};

async function tellSignature(transaction: Transaction, signer: string, about: string): Promise<void> {
  const position = transaction.position({ kind: "signatures", userId: signer, about });
  await transaction.run(
    `INSERT INTO signature_changes (signer, user_id, position) VALUES (?, ?, ?)
     ON CONFLICT (signer, user_id) DO UPDATE SET position = excluded.position`,
    signer,
    about,
    position,
  );
}

export class CrossSigningStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  async keys(userId: string): Promise<Partial<Record<KeyUsage, JsonObject>>> {
    const rows = await this.#reader.all<{ usage: KeyUsage; key: string }>(
      "SELECT usage, key FROM cross_signing_keys WHERE user_id = ?",
      userId,
    );
    return Object.fromEntries(rows.map(({ usage, key }) => [usage, JSON.parse(key) as JsonObject]));
  }

  setKeys(userId: string, keys: readonly { usage: KeyUsage; key: JsonObject }[]): Promise<null> {
    return this.#write("setCrossSigningKeys", { userId, keys });
  }

  /** Those on a user's devices and keys that the viewer may see: the user's own, and the viewer's. */
  async signatures(userId: string, viewer: string): Promise<KeySignature[]> {
    const rows = await this.#reader.all<{
      key_id: string;
      signer: string;
      signer_key: string;
      signature: string;
    }>(
      "SELECT key_id, signer, signer_key, signature FROM key_signatures WHERE user_id = ? AND (signer = ? OR signer = ?)",
      userId,
      userId,
      viewer,
    );
    return rows.map((row) => ({
      userId,
      keyId: row.key_id,
      signer: row.signer,
      signerKey: row.signer_key,
      signature: row.signature,
    }));
  }

  addSignatures(signatures: readonly KeySignature[]): Promise<null> {
    return this.#write("addKeySignatures", { signatures });
  }

  /** Whom the signer has signed in a stretch of positions. */
  async signedBy(signer: string, after: number, upTo: number): Promise<string[]> {
    const rows = await this.#reader.all<{ user_id: string }>(
      "SELECT user_id FROM signature_changes WHERE signer = ? AND position > ? AND position <= ?",
      signer,
      after,
      upTo,
    );
    return rows.map((row) => row.user_id);
  }
}
