/**
 * Brings a database to this release's tables, and refuses one that is not ours to touch.
 */
import { StoreError, type Transaction } from "./database.js";
import { META_TABLE, MIGRATIONS } from "./schema.js";

/**
 * @param transaction one transaction, which nobody else may write beside
 * @param serverName the name that the database belongs to, for ever
 * @throws StoreError for another server's database, or one of a newer release
 */
export async function migrate(transaction: Transaction, serverName: string): Promise<void> {
  await transaction.run(META_TABLE);
  const meta = new Map(
    (await transaction.all<{ name: string; value: string }>("SELECT name, value FROM meta")).map((row) => [
      row.name,
      row.value,
    ]),
  );

  const owner = meta.get("server_name");
  if (owner !== undefined && owner !== serverName) {
    throw new StoreError(
      `the database belongs to \`${owner}\`, and the configuration says \`${serverName}\``,
    );
  }
  const done = Number(meta.get("schema") ?? 0);
  if (done > MIGRATIONS.length) {
    throw new StoreError(
      `the database has schema ${done}, this release knows ${MIGRATIONS.length}: install the newer release`,
    );
  }
  if (done === MIGRATIONS.length) return;
  for (const migration of MIGRATIONS.slice(done)) {
    for (const statement of migration) await transaction.run(statement);
  }
  await put(transaction, "server_name", serverName);
  await put(transaction, "schema", String(MIGRATIONS.length));
}

async function put(transaction: Transaction, name: string, value: string): Promise<void> {
  await transaction.run(
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    name,
    value,
  );
}
