/**
 * The adapter to Bun's SQLite: the only file that names it.
 */
import { Database as BunDatabase } from "bun:sqlite";

export interface SqliteSettings {
  readonly path: string;
  /** `full`: a commit returns when it is on the disk. `off` is for tests that must be able to lose data. */
  readonly synchronous: "full" | "off";
  /** Page cache of this connection, in KiB. */
  readonly cacheKib: number;
}

type Value = string | number | null;

/** One connection. Synchronous: whoever calls it waits for the disk. */
export class SqliteConnection {
  readonly #database: BunDatabase;

  constructor({ path, synchronous, cacheKib }: SqliteSettings, mode: "write" | "read") {
    this.#database = new BunDatabase(
      path,
      mode === "write" ? { create: true, readwrite: true } : { readonly: true },
    );
    const pragmas = [
      "busy_timeout = 10000",
      `cache_size = -${cacheKib}`,
      "temp_store = MEMORY",
      ...(mode === "write"
        ? ["journal_mode = WAL", `synchronous = ${synchronous}`, "journal_size_limit = 67108864"]
        : ["query_only = ON"]),
    ];
    for (const pragma of pragmas) this.#database.run(`PRAGMA ${pragma}`);
  }

  get isInTransaction(): boolean {
    return this.#database.inTransaction;
  }

  all<T extends object>(sql: string, params: readonly Value[]): T[] {
    return this.#database.query<T, Value[]>(sql).all(...params);
  }

  run(sql: string, params: readonly Value[]): number {
    return this.#database.query(sql).run(...params).changes;
  }

  close(): void {
    this.#database.close();
  }
}

/** Copies a database as of one moment, while others read and write it. @throws Error when the target is there */
export function copyDatabase(from: string, to: string): void {
  const database = new BunDatabase(from, { readwrite: true });
  try {
    database.run("PRAGMA busy_timeout = 10000");
    database.run("VACUUM INTO ?", [to]);
  } finally {
    database.close();
  }
}

/**
 * Takes a file for this process until it ends, however it ends.
 *
 * SQLite's own lock on a database beside ours: the kernel releases it with the process, so a killed server
 * leaves nothing behind.
 *
 * @throws Error while another process holds it
 */
export function holdLock(path: string): { release(): void } {
  const database = new BunDatabase(path, { create: true, readwrite: true });
  database.run("PRAGMA busy_timeout = 0");
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  database.run("BEGIN EXCLUSIVE");
  return { release: () => database.close() };
}
