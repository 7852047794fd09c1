/**
 * A phone repeats a PUT whose answer it never saw: the same device with the same transaction id on the same
 * path gets the same event.
 *
 * The transaction id is stored with the event, so nothing is lost with the process; what finds it again is a
 * window over the newest events, in memory, filled from the database at the start and from then on by every
 * node's changes. An index on disk would cost each message a page of its own, to be written and synced, for
 * a question that is asked within minutes or never.
 * Source: Matrix client-server API, "Transaction identifiers".
 */
import { hash } from "node:crypto";
import type { Origin } from "../store/append.js";
import type { Store } from "../store/store.js";
import type { Caller } from "./sessions.js";

/** Events in each half of the window: the older half goes when the newer is full. */
const HALF = 50_000;
/** Events that are read at the start. */
const READ_AT_START = 20_000;

/** What the path of a request names, beside the transaction id. */
export interface Path {
  readonly roomId: string;
  readonly type: string;
  readonly redacts?: string;
}

export class Transactions {
  readonly #store: Store;
  readonly #underWay = new Map<string, Promise<string>>();
  /** The positions of events, by what their requests are marked with. */
  #newer = new Map<string, number>();
  #older = new Map<string, number>();

  static async open(store: Store): Promise<Transactions> {
    const transactions = new Transactions(store);
    for (const { sender, roomId, type, redacts, txn, position } of await store.events.withTxns(
      READ_AT_START,
    )) {
      const path = { roomId, type, ...(redacts !== undefined && { redacts }) };
      transactions.#remember(markOf({ userId: sender, deviceId: txn.deviceId }, path, txn.txnId), position);
    }
    return transactions;
  }

  private constructor(store: Store) {
    this.#store = store;
    store.onChanges((changes) => {
      for (const { txn, position } of changes) if (txn !== undefined) this.#remember(txn, position);
    });
  }

  /**
   * @param send makes the event; it must store the origin with it
   * @returns the id of the event that the request stands for
   */
  once(
    caller: Caller,
    path: Path,
    txnId: string,
    send: (origin: Origin) => Promise<string>,
  ): Promise<string> {
    const mark = markOf(caller, path, txnId);
    const underWay = this.#underWay.get(mark);
    if (underWay !== undefined) return underWay;
    const position = this.#newer.get(mark) ?? this.#older.get(mark);
    const first = () => send({ deviceId: caller.deviceId, txnId, mark });
    const sent = position === undefined ? first() : this.#again(position, first);
    this.#underWay.set(mark, sent);
    const end = () => this.#underWay.delete(mark);
    sent.then(end, end);
    return sent;
  }

  /** @param first for an event that is gone */
  async #again(position: number, first: () => Promise<string>): Promise<string> {
    return (await this.#store.events.eventAt(position))?.eventId ?? first();
  }

  #remember(mark: string, position: number): void {
    if (this.#newer.size >= HALF) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(mark, position);
  }
}

/** 96 bits of a hash: short enough for a large window, long enough never to meet another. */
function markOf(
  from: { userId: string; deviceId: string },
  { roomId, type, redacts = "" }: Path,
  txnId: string,
): string {
  const text = `${from.userId}\0${from.deviceId}\0${roomId}\0${type}\0${redacts}\0${txnId}`;
  return hash("sha256", text, "base64url").slice(0, 16);
}
