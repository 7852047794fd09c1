/**
 * The database on SQLite: one writer on its own thread, one reader here.
 *
 * In WAL mode a reader never waits for the writer, and its queries are a few microseconds of page cache: they are made
 * at once, and only who makes many of them waits, between two, for what others want.
 */
import { existsSync } from "node:fs";
import { FairTurn } from "../../runtime/fair-turn.js";
import { SqliteConnection, type SqliteSettings } from "../../runtime/sqlite.js";
import { startThread, type Thread } from "../../runtime/thread.js";
import { StoreError, type Change, type Database, type SqlValue } from "../database.js";
import type { Call, GroupResult } from "../group.js";
import type { Procedures } from "../procedures.js";
import { WriteQueue } from "../queue.js";
import type { WriterStart } from "./writer-thread.js";

/** In the bundle the thread's file lies beside the server's, in the source beside this one. */
const THREAD = new URL(
  import.meta.url.endsWith(".ts") ? "./writer-thread.ts" : "./writer.js",
  import.meta.url,
);

export class SqliteDatabase implements Database<Procedures> {
  readonly #reader: SqliteConnection;
  readonly #turn = new FairTurn();
  readonly #thread: Thread;
  readonly #queue: WriteQueue;

  /** @throws StoreError when the file cannot be opened, or belongs to another server or a newer release */
  static async open(settings: SqliteSettings, serverName: string): Promise<SqliteDatabase> {
    if (!existsSync(THREAD))
      throw new StoreError(`${THREAD.pathname} is missing: the installation is incomplete`);
    const thread = startThread(THREAD);
    const answer = JSON.parse(
      await thread.ask(JSON.stringify({ settings, serverName } satisfies WriterStart)),
    ) as {
      ok: boolean;
      error?: string;
    };
    if (!answer.ok) {
      thread.stop();
      throw new StoreError(`${settings.path}: ${answer.error ?? "cannot be opened"}`);
    }
    return new SqliteDatabase(settings, thread);
  }

  private constructor(settings: SqliteSettings, thread: Thread) {
    this.#thread = thread;
    this.#reader = new SqliteConnection(settings, "read");
    // The thread puts together what it finds when it comes to it, so nothing needs to wait here.
    this.#queue = new WriteQueue(async (calls: readonly Call[]) => {
      const text = JSON.stringify(calls.map(({ name, input }) => ({ name, input })));
      return JSON.parse(await thread.ask(text)) as GroupResult;
    }, Infinity);
  }

  all<T extends object>(sql: string, ...params: readonly SqlValue[]): Promise<T[]> {
    try {
      return this.#turn.pass(this.#reader.all<T>(sql, params));
    } catch (error) {
      return Promise.reject(new StoreError("a query failed", { cause: error }));
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

  /** Nobody else's changes matter here: one server holds the file. */
  onGap(): void {}

  async close(): Promise<void> {
    await this.#queue.close();
    this.#thread.stop();
    this.#reader.close();
  }
}
