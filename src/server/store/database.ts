/**
 * The seam between what is stored and where: SQLite and PostgreSQL implement this and nothing else.
 *
 * Reads are plain statements. Writes are *procedures*, named functions over a transaction, because they run
 * elsewhere: on SQLite's writer thread, where an fsync of tens of milliseconds stops nobody, or on
 * PostgreSQL's writer connection. Both run many procedures in one transaction (group commit): one fsync
 * serves them all, and none is answered before it.
 *
 * SQL is written once, in the subset that both understand: `?` for parameters, INTEGER for 64-bit numbers,
 * TEXT for the rest, `ON CONFLICT` and `RETURNING` as both have them.
 */
import type { Membership } from "../core/room-state.js";
import { diskTroubleOf } from "./disk-trouble.js";

export type SqlValue = string | number | null;
export type Row = Record<string, SqlValue>;

export interface Reader {
  /** @returns the rows of a query, in its order */
  all<T extends object = Row>(sql: string, ...params: readonly SqlValue[]): Promise<T[]>;
}

/**
 * Something that a sync may have to tell: at this position, in this room or to this user.
 *
 * Positions count everything that happened on the server, in the order of commit: whoever sees n+1 sees n.
 */
export interface Change {
  readonly position: number;
  readonly kind:
    "event" | "membership" | "receipt" | "account-data" | "to-device" | "devices" | "signatures" | "pushers";
  readonly roomId?: string;
  readonly userId?: string;
  /** For kind `membership`: what the user now is in the room. */
  readonly membership?: Membership;
  /** For kind `signatures`: whom the user has signed; for kind `receipt`: who has read. */
  readonly about?: string;
  /** For kind `event`: it refers to another event, as the steps of a verification in a room do. */
  readonly isReference?: boolean;
  /** For kind `event`: marks the request that it came from. */
  readonly txn?: string;
  /** Another server node wrote it. */
  readonly isRemote?: boolean;
}

export interface Transaction extends Reader {
  /** @returns how many rows the statement changed */
  run(sql: string, ...params: readonly SqlValue[]): Promise<number>;
  /** The position that was taken last. */
  readonly last: number;
  /** Takes the next position: one more than {@link last}. */
  position(change: Omit<Change, "position">): number;
  /** Tells one more thing about the position that was taken last. */
  also(change: Omit<Change, "position">): void;
}

/** A named write. Its input and output cross a thread: JSON values only. It must not keep the transaction. */
export type Procedure<I, O> = (transaction: Transaction, input: I) => Promise<O>;

export interface Database<P extends Record<string, Procedure<never, unknown>>> extends Reader {
  /**
   * Runs one procedure, and resolves once what it wrote is durable.
   *
   * @throws StoreError when it was not written; nothing of it was
   */
  write<K extends keyof P & string>(name: K, input: Parameters<P[K]>[1]): Promise<Awaited<ReturnType<P[K]>>>;
  /** What the disk's trouble is since a write failed, until one has succeeded. */
  readonly trouble: string | undefined;
  /** Hears of every group's changes, in commit order, before any of the group's writes resolves. */
  onChanges(listener: (changes: readonly Change[]) => void): void;
  /** Hears that changes may have been missed (another node's, after a lost connection): forget what is cached. */
  onGap(listener: () => void): void;
  close(): Promise<void>;
}

/** The database did not do what it was asked; the cause says why (disk full, connection lost, a bug). */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** Where it is the disk's: "the disk is full". */
  readonly trouble: string | undefined;

  constructor(message: string, { trouble, ...options }: ErrorOptions & { readonly trouble?: string } = {}) {
    super(message, options);
    this.trouble = trouble ?? diskTroubleOf(options.cause);
  }
}
