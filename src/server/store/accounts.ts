/**
 * Accounts and profiles.
 */
import type { JsonValue } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export interface Account {
  readonly userId: string;
  /** Absent for an account that nobody can log in to by password. */
  readonly passwordHash?: string;
  readonly isAdmin: boolean;
  readonly isDeactivated: boolean;
}

export const accountProcedures = {
  /** @returns false when the name is taken, now or ever */
  async createAccount(
    transaction: Transaction,
    input: { userId: string; passwordHash: string; isAdmin: boolean; now: number },
  ): Promise<boolean> {
    const created = await transaction.run(
      "INSERT INTO accounts (user_id, password_hash, admin, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      input.userId,
      input.passwordHash,
      input.isAdmin ? 1 : 0,
      input.now,
    );
    return created === 1;
  },

  async setPassword(
    transaction: Transaction,
    input: { userId: string; passwordHash: string },
  ): Promise<boolean> {
    const changed = await transaction.run(
      "UPDATE accounts SET password_hash = ? WHERE user_id = ?",
      input.passwordHash,
      input.userId,
    );
    return changed === 1;
  },

  async setAdmin(transaction: Transaction, input: { userId: string; isAdmin: boolean }): Promise<boolean> {
    const changed = await transaction.run(
      "UPDATE accounts SET admin = ? WHERE user_id = ?",
      input.isAdmin ? 1 : 0,
      input.userId,
    );
    return changed === 1;
  },

  /** The name stays taken. What the account said stays where it was said. */
  async deactivate(
    transaction: Transaction,
    { userId, erase }: { userId: string; erase: boolean },
  ): Promise<null> {
    await transaction.run(
      "UPDATE accounts SET deactivated = 1, password_hash = NULL WHERE user_id = ?",
      userId,
    );
    const tables = ["account_data", "filters", "cross_signing_keys", "key_backups", "backed_up_keys"];
    for (const table of erase ? [...tables, "profiles"] : tables)
      await transaction.run(`DELETE FROM ${table} WHERE user_id = ?`, userId);
    return null;
  },

  /** Without a value, the field goes. */
  async setProfileField(
    transaction: Transaction,
    input: { userId: string; name: string; value?: JsonValue },
  ): Promise<null> {
    if (input.value === undefined) {
      await transaction.run("DELETE FROM profiles WHERE user_id = ? AND name = ?", input.userId, input.name);
    } else {
      await transaction.run(
        `INSERT INTO profiles (user_id, name, value) VALUES (?, ?, ?)
         ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value`,
        input.userId,
        input.name,
        JSON.stringify(input.value),
      );
    }
    return null;
  },
};

export class AccountStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  create(userId: string, passwordHash: string, isAdmin: boolean): Promise<boolean> {
    return this.#write("createAccount", { userId, passwordHash, isAdmin, now: Date.now() });
  }

  async get(userId: string): Promise<Account | undefined> {
    return (await this.#accounts("WHERE user_id = ?", userId))[0];
  }

  list(): Promise<Account[]> {
    return this.#accounts("ORDER BY user_id");
  }

  setPassword(userId: string, passwordHash: string): Promise<boolean> {
    return this.#write("setPassword", { userId, passwordHash });
  }

  deactivate(userId: string, erase: boolean): Promise<null> {
    return this.#write("deactivate", { userId, erase });
  }

  setAdmin(userId: string, isAdmin: boolean): Promise<boolean> {
    return this.#write("setAdmin", { userId, isAdmin });
  }

  async profile(userId: string): Promise<Record<string, JsonValue>> {
    const rows = await this.#reader.all<{ name: string; value: string }>(
      "SELECT name, value FROM profiles WHERE user_id = ?",
      userId,
    );
    return Object.fromEntries(rows.map((row) => [row.name, JSON.parse(row.value) as JsonValue]));
  }

  setProfileField(userId: string, name: string, value?: JsonValue): Promise<null> {
    return this.#write("setProfileField", { userId, name, ...(value !== undefined && { value }) });
  }

  /** User ids whose localpart or display name contains a text, whatever its case, each with its profile. */
  async search(
    term: string,
    limit: number,
  ): Promise<{ userId: string; displayName?: string; avatarUrl?: string }[]> {
    const pattern = `%${term.toLowerCase().replaceAll(/[\\%_]/g, "\\$&")}%`;
    const rows = await this.#reader.all<{ user_id: string; name: string | null; avatar: string | null }>(
      `SELECT a.user_id, n.value AS name, p.value AS avatar FROM accounts a
       LEFT JOIN profiles n ON n.user_id = a.user_id AND n.name = 'displayname'
       LEFT JOIN profiles p ON p.user_id = a.user_id AND p.name = 'avatar_url'
       WHERE a.deactivated = 0 AND (LOWER(a.user_id) LIKE ? ESCAPE '\\' OR LOWER(n.value) LIKE ? ESCAPE '\\')
       ORDER BY a.user_id LIMIT ?`,
      pattern,
      pattern,
      limit,
    );
    return rows.map((row) => ({
      userId: row.user_id,
      ...(row.name !== null && { displayName: JSON.parse(row.name) as string }),
      ...(row.avatar !== null && { avatarUrl: JSON.parse(row.avatar) as string }),
    }));
  }

  async #accounts(rest: string, ...params: readonly string[]): Promise<Account[]> {
    const rows = await this.#reader.all<{
      user_id: string;
      password_hash: string | null;
      admin: number;
      deactivated: number;
    }>(`SELECT user_id, password_hash, admin, deactivated FROM accounts ${rest}`, ...params);
    return rows.map((row) => ({
      userId: row.user_id,
      ...(row.password_hash !== null && { passwordHash: row.password_hash }),
      isAdmin: row.admin === 1,
      isDeactivated: row.deactivated === 1,
    }));
  }
}
