/**
 * Group commit: many procedures, one transaction, one fsync.
 */
import type { Change, Procedure, Reader, Transaction } from "./database.js";
import { diskTroubleOf } from "./disk-trouble.js";

/** One procedure that waits to run. */
export interface Call {
  readonly name: string;
  readonly input: unknown;
}

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly error: string;
      /** Where it is the disk's: see {@link diskTroubleOf}. */
      readonly trouble?: string;
    };

export interface GroupResult {
  readonly outcomes: readonly Outcome[];
  readonly changes: readonly Change[];
  /** Whether anything was written to the disk. */
  readonly wrote: boolean;
}

/** The bare statements that a group needs of its database. */
export interface Connection extends Reader {
  /** How many its statements have changed so far. */
  readonly rows: number;
  run(sql: string, ...params: readonly (string | number | null)[]): Promise<number>;
  /** Starts a transaction that will write, waits for other writers, and reads the last position. */
  begin(): Promise<number>;
  /** Stores the last position, if there are new ones, and returns once everything is durable. */
  commit(position: number, changes: readonly Change[]): Promise<void>;
  rollback(): Promise<void>;
}

type Procedures = Readonly<Record<string, Procedure<never, unknown>>>;

/**
 * Runs the calls in order, in one transaction. If one of them fails, each runs in a transaction of its own
 * instead, so that the others do not fail with it.
 */
export async function runGroup(
  connection: Connection,
  procedures: Procedures,
  calls: readonly Call[],
): Promise<GroupResult> {
  try {
    return await runTogether(connection, procedures, calls);
  } catch (error) {
    if (calls.length === 1) return { outcomes: [failed(error)], changes: [], wrote: false };
  }
  const results: GroupResult[] = [];
  for (const call of calls) results.push(await runGroup(connection, procedures, [call]));
  return {
    outcomes: results.flatMap((result) => result.outcomes),
    changes: results.flatMap((result) => result.changes),
    wrote: results.some((result) => result.wrote),
  };
}

async function runTogether(
  connection: Connection,
  procedures: Procedures,
  calls: readonly Call[],
): Promise<GroupResult> {
  const transaction = new GroupTransaction(connection, await connection.begin());
  const before = connection.rows;
  try {
    const outcomes: Outcome[] = [];
    for (const { name, input } of calls) {
      const procedure = procedures[name];
      if (procedure === undefined) throw new Error(`there is no procedure ${name}`);
      outcomes.push({ ok: true, value: await procedure(transaction, input as never) });
    }
    await connection.commit(transaction.last, transaction.changes);
    return { outcomes, changes: transaction.changes, wrote: connection.rows > before };
  } catch (error) {
    await connection.rollback();
    throw error;
  }
}

class GroupTransaction implements Transaction {
  readonly changes: Change[] = [];
  readonly #connection: Connection;
  last: number;

  constructor(connection: Connection, last: number) {
    this.#connection = connection;
    this.last = last;
  }

  all<T extends object>(sql: string, ...params: readonly (string | number | null)[]): Promise<T[]> {
    return this.#connection.all<T>(sql, ...params);
  }

  run(sql: string, ...params: readonly (string | number | null)[]): Promise<number> {
    return this.#connection.run(sql, ...params);
  }

  position(change: Omit<Change, "position">): number {
    this.last += 1;
    this.changes.push({ position: this.last, ...change });
    return this.last;
  }

  also(change: Omit<Change, "position">): void {
    this.changes.push({ position: this.last, ...change });
  }
}

function failed(error: unknown): Outcome {
  const trouble = diskTroubleOf(error);
  return {
    ok: false,
    error: error instanceof Error ? error.message : String(error),
    ...(trouble !== undefined && { trouble }),
  };
}
