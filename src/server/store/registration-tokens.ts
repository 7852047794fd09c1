/**
 * Tokens by which people may register, each for so many accounts or until some time.
 *
 * Only hashes are kept: a token is shown to who makes it, once, and named by its id from then on.
 */
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export interface RegistrationToken {
  readonly id: string;
  /** How many accounts it may make; absent: as many as come. */
  readonly uses?: number;
  readonly used: number;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
  readonly createdAt: number;
}

type NewRegistrationToken = Omit<RegistrationToken, "used"> & { readonly hash: string };

const IS_GOOD = "(uses IS NULL OR used < uses) AND (expires_at IS NULL OR expires_at > ?)";

/** Takes one of a token's uses. @returns false when it has none left, has expired or is not there */
export async function spendToken(transaction: Transaction, hash: string, now: number): Promise<boolean> {
  const spent = await transaction.run(
    `UPDATE registration_tokens SET used = used + 1 WHERE hash = ? AND ${IS_GOOD}`,
    hash,
    now,
  );
  return spent === 1;
}

export const registrationTokenProcedures = {
  /** @returns false when there is one like it */
  async addRegistrationToken(transaction: Transaction, token: NewRegistrationToken): Promise<boolean> {
    const added = await transaction.run(
      `INSERT INTO registration_tokens (id, hash, uses, expires_at, created_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      token.id,
      token.hash,
      token.uses ?? null,
      token.expiresAt ?? null,
      token.createdAt,
    );
    return added === 1;
  },

  async deleteRegistrationToken(transaction: Transaction, { id }: { id: string }): Promise<boolean> {
    return (await transaction.run("DELETE FROM registration_tokens WHERE id = ?", id)) === 1;
  },
};

export class RegistrationTokenStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  /** @returns false when there is one like it */
  add(token: NewRegistrationToken): Promise<boolean> {
    return this.#write("addRegistrationToken", token);
  }

  /** @returns false when there is none of that id */
  delete(id: string): Promise<boolean> {
    return this.#write("deleteRegistrationToken", { id });
  }

  /** The newest first, also those that serve no more. */
  async list(): Promise<RegistrationToken[]> {
    const rows = await this.#reader.all<{
      id: string;
      uses: number | null;
      used: number;
      expires_at: number | null;
      created_at: number;
    }>("SELECT id, uses, used, expires_at, created_at FROM registration_tokens ORDER BY created_at DESC, id");
    return rows.map((row) => ({
      id: row.id,
      ...(row.uses !== null && { uses: row.uses }),
      used: row.used,
      ...(row.expires_at !== null && { expiresAt: row.expires_at }),
      createdAt: row.created_at,
    }));
  }

  /** Whether a token serves at this moment. @param now milliseconds since 1970 */
  async isGood(hash: string, now: number): Promise<boolean> {
    const rows = await this.#reader.all(
      `SELECT id FROM registration_tokens WHERE hash = ? AND ${IS_GOOD}`,
      hash,
      now,
    );
    return rows.length === 1;
  }
}
