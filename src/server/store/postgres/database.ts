/**
 * The database on PostgreSQL: for clouds of several server nodes.
 *
 * Positions in commit order: every group of writes starts by locking the one row of `stream`, and holds it
 * until it is committed. A sequence would hand out numbers in one order and let them appear in another. The
 * price, one group at a time for the whole cloud, is what group commit pays back.
 *
 * Other nodes hear of a group by NOTIFY, which PostgreSQL delivers in commit order too.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import pg from "pg";
import type { ServerConfig } from "../../../shared/server-config.js";
import { readSecretFile } from "../../runtime/secret-file.js";
import { StoreError, type Change, type Database, type SqlValue } from "../database.js";
import { runGroup, type Call, type Connection } from "../group.js";
import { migrate } from "../migrate.js";
import { procedures, type Procedures } from "../procedures.js";
import { WriteQueue } from "../queue.js";
import { toPostgres } from "./dialect.js";

type PostgresConfig = Extract<ServerConfig["store"], { kind: "postgres" }>;

const CHANNEL = "imcloud_changes";
/** NOTIFY takes 8,000 bytes; a larger group tells only that there was one. */
const MAX_PAYLOAD = 7_900;
/** Wait before a lost listener connects again, in milliseconds. */
const RECONNECT_MS = 1_000;
/** A key for the lock that keeps two nodes from migrating at once; any number that nobody else uses. */
const MIGRATION_LOCK = 7_361_402;

// 64-bit integers come as text, because not all of them are numbers in JavaScript; positions are.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number);

export class PostgresDatabase implements Database<Procedures> {
  readonly #node = randomUUID();
  readonly #readers: pg.Pool;
  readonly #writers: pg.Pool;
  readonly #options: pg.ClientConfig;
  readonly #queue: WriteQueue;
  readonly #gapListeners: (() => void)[] = [];
  #listener: pg.Client | undefined;
  #isClosed = false;

  /** @throws StoreError when it cannot be reached, or belongs to another server or a newer release */
  static async open(config: PostgresConfig, serverName: string): Promise<PostgresDatabase> {
    const database = new PostgresDatabase(config);
    try {
      await database.#migrate(serverName);
      await database.#listen();
    } catch (error) {
      await database.close();
      throw error instanceof StoreError
        ? error
        : new StoreError("PostgreSQL cannot be used", { cause: error });
    }
    return database;
  }

  private constructor(config: PostgresConfig) {
    this.#options = {
      host: config.host,
      port: config.port,
      database: config.database,
      user: config.user,
      ...(config.passwordFile !== undefined && { password: readSecretFile(config.passwordFile) }),
      ...(config.tls !== undefined && { ssl: { ca: readFileSync(config.tls.caFile, "utf8") } }),
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    };
    this.#readers = new pg.Pool({ ...this.#options, max: config.maxConnections });
    this.#writers = new pg.Pool({ ...this.#options, max: 1 });
    // A pool reports a connection that died while idle; the next query gets a new one.
    this.#readers.on("error", () => undefined);
    this.#writers.on("error", () => undefined);
    // One group at a time: two would each be half as large, and cost two syncs.
    this.#queue = new WriteQueue((calls) => this.#commit(calls), 1);
  }

  async all<T extends object>(sql: string, ...params: readonly SqlValue[]): Promise<T[]> {
    try {
      return (await this.#readers.query<T & pg.QueryResultRow>(toPostgres(sql), [...params])).rows;
    } catch (error) {
      throw new StoreError("a query failed", { cause: error });
    }
  }

  get trouble(): string | undefined {
    return this.#queue.trouble;
  }

  write<K extends keyof Procedures>(
    name: K,
    input: Parameters<Procedures[K]>[1],
  ): Promise<Awaited<ReturnType<Procedures[K]>>> {
    return this.#queue.push(name, input);
  }

  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#queue.onChanges(listener);
  }

  onGap(listener: () => void): void {
    this.#gapListeners.push(listener);
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#isClosed = true;
    await this.#listener?.end();
    await Promise.all([this.#readers.end(), this.#writers.end()]);
  }

  async #commit(calls: readonly Call[]) {
    const client = await this.#writers.connect();
    try {
      return await runGroup(new Writer(client, this.#node), procedures, calls);
    } finally {
      client.release();
    }
  }

  async #migrate(serverName: string): Promise<void> {
    const client = await this.#writers.connect();
    const connection = new Writer(client, this.#node);
    try {
      await client.query("BEGIN");
      await client.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      await migrate(
        {
          all: (...args) => connection.all(...args),
          run: (...args) => connection.run(...args),
          last: 0,
          position: () => 0,
          also: () => undefined,
        },
        serverName,
      );
      await client.query("COMMIT");
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  }

  async #listen(): Promise<void> {
    const client = new pg.Client(this.#options);
    client.on("notification", ({ payload }) => this.#hear(payload ?? ""));
    client.on("error", () => undefined);
    client.on("end", () => this.#listenAgain());
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    this.#listener = client;
  }

  #listenAgain(): void {
    if (this.#isClosed) return;
    setTimeout(() => {
      if (this.#isClosed) return;
      this.#listen().then(
        () => this.#gap(),
        () => this.#listenAgain(),
      );
    }, RECONNECT_MS);
  }

  #hear(payload: string): void {
    const { node, changes } = JSON.parse(payload) as { node: string; changes?: Change[] };
    if (node === this.#node) return;
    if (changes === undefined) this.#gap();
    else this.#queue.tell(changes.map((change) => ({ ...change, isRemote: true })));
  }

  #gap(): void {
    for (const listener of this.#gapListeners) listener();
  }
}

class Writer implements Connection {
  rows = 0;
  readonly #client: pg.PoolClient;
  readonly #node: string;

  constructor(client: pg.PoolClient, node: string) {
    this.#client = client;
    this.#node = node;
  }

  async all<T extends object>(sql: string, ...params: readonly SqlValue[]): Promise<T[]> {
    return (await this.#client.query<T & pg.QueryResultRow>(toPostgres(sql), [...params])).rows;
  }

  async run(sql: string, ...params: readonly SqlValue[]): Promise<number> {
    const rows = (await this.#client.query(toPostgres(sql), [...params])).rowCount ?? 0;
    this.rows += rows;
    return rows;
  }

  async begin(): Promise<number> {
    await this.#client.query("BEGIN");
    const [row] = await this.all<{ position: number }>("SELECT position FROM stream FOR UPDATE");
    return row?.position ?? 0;
  }

  async commit(position: number, changes: readonly Change[]): Promise<void> {
    if (changes.length > 0) {
      await this.run("UPDATE stream SET position = ?", position);
      const whole = JSON.stringify({ node: this.#node, changes });
      const payload = Buffer.byteLength(whole) <= MAX_PAYLOAD ? whole : JSON.stringify({ node: this.#node });
      await this.#client.query("SELECT pg_notify($1, $2)", [CHANNEL, payload]);
    }
    await this.#client.query("COMMIT");
  }

  async rollback(): Promise<void> {
    await this.#client.query("ROLLBACK");
  }
}
