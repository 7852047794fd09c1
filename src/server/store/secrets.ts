/**
 * Secrets of the server itself: every node over the database has the same, and a backup of it has them too.
 */
import type { Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export const secretProcedures = {
  /** @returns the secret of that name: the one that is there, or this one from now on */
  async keepSecret(
    transaction: Transaction,
    { name, value }: { name: string; value: string },
  ): Promise<string> {
    await transaction.run(
      "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
      name,
      value,
    );
    const [row] = await transaction.all<{ value: string }>("SELECT value FROM secrets WHERE name = ?", name);
    return row?.value ?? value;
  },
};

export class SecretStore {
  readonly #write: Write;

  constructor(write: Write) {
    this.#write = write;
  }

  /** @returns the secret of that name: the one that is there, or else this one from now on */
  keep(name: string, value: string): Promise<string> {
    return this.#write("keepSecret", { name, value });
  }
}
