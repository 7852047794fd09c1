/**
 * SQLite's writer, on a thread of its own: an fsync on an SD card takes tens of milliseconds, and the thread
 * that answers requests must not wait for it.
 *
 * A group of writes comes as one message and is answered by one; both are JSON text, which is the cheapest
 * thing to send to a thread.
 */
import { SqliteConnection, type SqliteSettings } from "../../runtime/sqlite.js";
import type { Change } from "../database.js";
import { runGroup, type Call, type Connection, type GroupResult } from "../group.js";
import { migrate } from "../migrate.js";
import { procedures } from "../procedures.js";
import { GROUP_SIZE } from "../queue.js";

export interface WriterStart {
  readonly settings: SqliteSettings;
  readonly serverName: string;
}

declare const self: {
  onmessage: ((message: { data: string }) => void) | null;
  postMessage(text: string): void;
};

/** Serves the thread that started this one. */
function serve(): void {
  self.onmessage = ({ data }) => {
    void start(JSON.parse(data) as WriterStart).then(({ connection, reply }) => {
      if (connection !== undefined) take(connection);
      self.postMessage(JSON.stringify(reply));
    });
  };
}

/** What came while a group was written shares the next commit. */
function take(connection: Connection): void {
  const waiting: (readonly Call[])[] = [];
  let isCalled = false;
  const callNext = () => {
    if (isCalled || waiting.length === 0) return;
    isCalled = true;
    setImmediate(() => void next());
  };
  const next = async () => {
    let size = 0;
    const over = waiting.findIndex((calls) => (size += calls.length) > GROUP_SIZE);
    const batches = waiting.splice(0, over < 1 ? (over < 0 ? waiting.length : 1) : over);
    const { outcomes, changes, wrote } = await runGroup(connection, procedures, batches.flat());
    let at = 0;
    for (const [index, { length }] of batches.entries()) {
      const result: GroupResult = {
        outcomes: outcomes.slice(at, (at += length)),
        // With the first: nobody is told of a write before everybody can know what it changed.
        changes: index === 0 ? changes : [],
        wrote,
      };
      self.postMessage(JSON.stringify(result));
    }
    isCalled = false;
    callNext();
  };
  self.onmessage = ({ data }) => {
    waiting.push(JSON.parse(data) as Call[]);
    callNext();
  };
}

async function start({ settings, serverName }: WriterStart) {
  try {
    const connection = new Writer(new SqliteConnection(settings, "write"));
    await connection.run("BEGIN IMMEDIATE");
    await migrate(
      { all: connection.all, run: connection.run, last: 0, position: () => 0, also: () => undefined },
      serverName,
    );
    await connection.run("COMMIT");
    return { connection, reply: { ok: true } };
  } catch (error) {
    return {
      connection: undefined,
      reply: { ok: false, error: error instanceof Error ? error.message : String(error) },
    };
  }
}

class Writer implements Connection {
  rows = 0;
  readonly #sqlite: SqliteConnection;

  constructor(sqlite: SqliteConnection) {
    this.#sqlite = sqlite;
  }

  readonly all = <T extends object>(
    sql: string,
    ...params: readonly (string | number | null)[]
  ): Promise<T[]> => Promise.resolve(this.#sqlite.all<T>(sql, params));

  readonly run = (sql: string, ...params: readonly (string | number | null)[]): Promise<number> => {
    const rows = this.#sqlite.run(sql, params);
    this.rows += rows;
    return Promise.resolve(rows);
  };

  begin(): Promise<number> {
    // IMMEDIATE: another process (`imcloud-server user`) may write too, and must wait now rather than fail later.
    this.#sqlite.run("BEGIN IMMEDIATE", []);
    return Promise.resolve(
      this.#sqlite.all<{ position: number }>("SELECT position FROM stream", [])[0]?.position ?? 0,
    );
  }

  commit(position: number, changes: readonly Change[]): Promise<void> {
    if (changes.length > 0) this.#sqlite.run("UPDATE stream SET position = ?", [position]);
    this.#sqlite.run("COMMIT", []);
    return Promise.resolve();
  }

  rollback(): Promise<void> {
    // Some errors, a full disk among them, have rolled back already. Source: SQLite, "Response To Errors Within A
    // Transaction".
    if (this.#sqlite.isInTransaction) this.#sqlite.run("ROLLBACK", []);
    return Promise.resolve();
  }
}

serve();
