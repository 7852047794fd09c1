/**
 * Accounts and profiles.
 */
import type { JsonValue } from "../core/json.js";
import { fold } from "../core/words.js";
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";
import { spendToken } from "./registration-tokens.js";

export interface Account {
  readonly userId: string;
  readonly displayName?: string;
  /** Absent for an account that nobody can log in to by password. */
  readonly passwordHash?: string;
  readonly isAdmin: boolean;
  readonly isDeactivated: boolean;
  /** May read, and write next to nothing. */
  readonly isSuspended: boolean;
  /** May do nothing until it is unlocked; sessions stay. */
  readonly isLocked: boolean;
  /** What the account's uploads may take, in bytes, when it is not what all accounts have. */
  readonly mediaBytes?: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** What stops an account that is not at its end. */
export type Restraint = "suspended" | "locked";

interface NewAccount {
  readonly userId: string;
  /** Nobody logs in by password without one. */
  readonly passwordHash?: string;
  readonly isAdmin: boolean;
}

export const accountProcedures = {
  /**
   * @param input `tokenHash`: the registration token that makes it; it is used once more if the account comes to be
   * @returns `taken`: the name is, now or ever; `refused`: the token is not, or no longer, good
   */
  async createAccount(
    transaction: Transaction,
    input: NewAccount & { now: number; tokenHash?: string },
  ): Promise<"created" | "taken" | "refused"> {
    const { userId, passwordHash = null, isAdmin, now, tokenHash } = input;
    const [known] = await transaction.all("SELECT user_id FROM accounts WHERE user_id = ?", userId);
    if (known !== undefined) return "taken";
    if (tokenHash !== undefined && !(await spendToken(transaction, tokenHash, now))) return "refused";
    await transaction.run(
      "INSERT INTO accounts (user_id, password_hash, admin, created_at) VALUES (?, ?, ?, ?)",
      userId,
      passwordHash,
      isAdmin ? 1 : 0,
      now,
    );
    return "created";
  },

  async setRestraint(
    transaction: Transaction,
    input: { userId: string; restraint: Restraint; isOn: boolean },
  ): Promise<boolean> {
    const changed = await transaction.run(
      `UPDATE accounts SET ${input.restraint === "locked" ? "locked" : "suspended"} = ? WHERE user_id = ?`,
      input.isOn ? 1 : 0,
      input.userId,
    );
    return changed === 1;
  },

  async setMediaQuota(
    transaction: Transaction,
    input: { userId: string; bytes: number | null },
  ): Promise<boolean> {
    const changed = await transaction.run(
      "UPDATE accounts SET media_bytes = ? WHERE user_id = ?",
      input.bytes,
      input.userId,
    );
    return changed === 1;
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

  /** The name stays taken. What the account said stays where it was said; erased, it is for who was there by then. */
  async deactivate(
    transaction: Transaction,
    { userId, erase }: { userId: string; erase: boolean },
  ): Promise<null> {
    await transaction.run(
      "UPDATE accounts SET deactivated = 1, password_hash = NULL WHERE user_id = ?",
      userId,
    );
    const tables = ["account_data", "filters", "unread_counts"];
    const keys = ["cross_signing_keys", "key_backups", "backed_up_keys"];
    for (const table of [...tables, ...keys, ...(erase ? ["profiles"] : [])])
      await transaction.run(`DELETE FROM ${table} WHERE user_id = ?`, userId);
    if (erase) {
      const position = transaction.position({ kind: "account-data", userId });
      await transaction.run("UPDATE accounts SET erased_at = ? WHERE user_id = ?", position, userId);
    }
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

  /** @returns false when the name is taken, now or ever */
  async create(userId: string, passwordHash: string | undefined, isAdmin: boolean): Promise<boolean> {
    return (
      (await this.#write("createAccount", {
        userId,
        isAdmin,
        now: Date.now(),
        ...(passwordHash !== undefined && { passwordHash }),
      })) === "created"
    );
  }

  /** Makes an account by a registration token of which this is the hash, if it is still good. */
  createByToken(
    userId: string,
    passwordHash: string,
    tokenHash: string,
  ): Promise<"created" | "taken" | "refused"> {
    return this.#write("createAccount", { userId, passwordHash, isAdmin: false, now: Date.now(), tokenHash });
  }

  async get(userId: string): Promise<Account | undefined> {
    return (await this.#accounts("WHERE a.user_id = ?", userId))[0];
  }

  /** Whose words are erased, and the position at which they were. */
  async erased(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#reader.all<{ user_id: string; erased_at: number }>(
      "SELECT user_id, erased_at FROM accounts WHERE erased_at IS NOT NULL",
    );
    return new Map(rows.map((row) => [row.user_id, row.erased_at]));
  }

  list(): Promise<Account[]> {
    return this.#accounts("ORDER BY a.user_id");
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

  setRestraint(userId: string, restraint: Restraint, isOn: boolean): Promise<boolean> {
    return this.#write("setRestraint", { userId, restraint, isOn });
  }

  /** @param bytes null: what all accounts have */
  setMediaQuota(userId: string, bytes: number | null): Promise<boolean> {
    return this.#write("setMediaQuota", { userId, bytes });
  }

  /**
   * A page of accounts in the order of their ids.
   *
   * @param term what the id or the display name contains, whatever its case
   * @param after the last id of the page before
   */
  page(term: string, after: string, limit: number): Promise<Account[]> {
    const pattern = containing(term);
    return this.#accounts(
      `WHERE a.user_id > ? AND (LOWER(a.user_id) LIKE ? ESCAPE '\\' OR LOWER(n.value) LIKE ? ESCAPE '\\')
       ORDER BY a.user_id LIMIT ?`,
      after,
      pattern,
      pattern,
      limit,
    );
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
    // Databases do not agree on what other letters are in lower case, SQLite knows of none: those are compared here.
    const isPlain = /^[ -~]*$/.test(term);
    const pattern = containing(isPlain ? term : "");
    const rows = await this.#reader.all<{ user_id: string; name: string | null; avatar: string | null }>(
      `SELECT a.user_id, n.value AS name, p.value AS avatar FROM accounts a
       LEFT JOIN profiles n ON n.user_id = a.user_id AND n.name = 'displayname'
       LEFT JOIN profiles p ON p.user_id = a.user_id AND p.name = 'avatar_url'
       WHERE a.deactivated = 0 AND (LOWER(a.user_id) LIKE ? ESCAPE '\\' OR LOWER(n.value) LIKE ? ESCAPE '\\')
       ORDER BY a.user_id${isPlain ? " LIMIT ?" : ""}`,
      pattern,
      pattern,
      ...(isPlain ? [limit] : []),
    );
    const found = rows.map((row) => ({
      userId: row.user_id,
      ...(row.name !== null && { displayName: JSON.parse(row.name) as string }),
      ...(row.avatar !== null && { avatarUrl: JSON.parse(row.avatar) as string }),
    }));
    if (isPlain) return found;
    const wanted = fold(term);
    return found
      .filter(({ userId, displayName = "" }) => fold(`${userId} ${displayName}`).includes(wanted))
      .slice(0, limit);
  }

  async #accounts(rest: string, ...params: readonly (string | number)[]): Promise<Account[]> {
    const rows = await this.#reader.all<AccountRow>(
      `SELECT a.user_id, a.password_hash, a.admin, a.deactivated, a.suspended, a.locked, a.media_bytes, a.created_at,
         n.value AS name
       FROM accounts a LEFT JOIN profiles n ON n.user_id = a.user_id AND n.name = 'displayname' ${rest}`,
      ...params,
    );
    return rows.map((row) => ({
      userId: row.user_id,
      ...(row.password_hash !== null && { passwordHash: row.password_hash }),
      ...(row.name !== null && { displayName: JSON.parse(row.name) as string }),
      isAdmin: row.admin === 1,
      isDeactivated: row.deactivated === 1,
      isSuspended: row.suspended === 1,
      isLocked: row.locked === 1,
      ...(row.media_bytes !== null && { mediaBytes: row.media_bytes }),
      createdAt: row.created_at,
    }));
  }
}

interface AccountRow {
  user_id: string;
  password_hash: string | null;
  admin: number;
  deactivated: number;
  suspended: number;
  locked: number;
  media_bytes: number | null;
  created_at: number;
  name: string | null;
}

/** A pattern for `LIKE ... ESCAPE '\'` over what is in lower case. */
export const containing = (term: string): string => `%${term.toLowerCase().replaceAll(/[\\%_]/g, "\\$&")}%`;
