/**
 * SQLite's writer, on a thread of its own: an fsync on an SD card takes tens of milliseconds, and the thread
 * that answers requests must not wait for it.
 *
 * A group of writes comes as one message and is answered by one; both are JSON text, which is the cheapest
 * thing to send to a thread.
 */
import { SqliteConnection, type SqliteSettings } from "../../runtime/sqlite.js";
import type { Change } from "../database.js";
import { runGroup, type Call, type Connection } from "../group.js";
import { migrate } from "../migrate.js";
import { procedures } from "../procedures.js";

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
  let connection: Connection | undefined;
  let previous = Promise.resolve();
  self.onmessage = ({ data }) => {
    previous = previous.then(async () => {
      if (connection === undefined) {
        const { connection: opened, reply } = await start(JSON.parse(data) as WriterStart);
        connection = opened;
        self.postMessage(JSON.stringify(reply));
      } else {
        self.postMessage(JSON.stringify(await runGroup(connection, procedures, JSON.parse(data) as Call[])));
      }
    });
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
  readonly #sqlite: SqliteConnection;

  constructor(sqlite: SqliteConnection) {
    this.#sqlite = sqlite;
  }

  readonly all = <T extends object>(
    sql: string,
    ...params: readonly (string | number | null)[]
  ): Promise<T[]> => Promise.resolve(this.#sqlite.all<T>(sql, params));

  readonly run = (sql: string, ...params: readonly (string | number | null)[]): Promise<number> =>
    Promise.resolve(this.#sqlite.run(sql, params));

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
    this.#sqlite.run("ROLLBACK", []);
    return Promise.resolve();
  }
}

serve();
