/**
 * Appending to a room: the one way in which events come to be.
 *
 * The caller judged the events against a state of the room, and names that state by the room's head. If the
 * room has moved on, nothing is written and the caller judges again: a ban cannot slip in between.
 */
import type { JsonObject } from "../core/json.js";
import type { SealedEvent } from "../core/event.js";
import { relationOf, type Relation } from "../core/relations.js";
import { membershipOf, type Membership } from "../core/room-state.js";
import type { SqlValue, Transaction } from "./database.js";
import { placeEvents } from "./event-places.js";
import { forgetWords } from "./search.js";

/** The request that events come from. */
export interface Origin {
  readonly deviceId: string;
  readonly txnId: string;
  /** A repetition of the request has the same: every node knows it by this. */
  readonly mark: string;
}

export interface NewEvent extends SealedEvent {
  /** For invites and knocks: the state that the person may see from outside. */
  readonly stripped?: readonly JsonObject[];
}

/** An event that a redaction empties. */
export interface Emptied {
  readonly eventId: string;
  readonly position: number;
  readonly content: JsonObject;
  readonly because: JsonObject;
}

export interface Append {
  readonly roomId: string;
  /** How many events the room had when these were judged; 0 makes the room. */
  readonly expectedHead: number;
  readonly events: readonly NewEvent[];
  /** For a new room. */
  readonly version?: string | undefined;
  /** Events that are emptied by the redactions among `events`. */
  readonly emptied?: readonly Emptied[] | undefined;
  readonly origin?: Origin | undefined;
}

/** The positions that the events got, or the head that the room has instead. */
export type Appended = { readonly positions: readonly number[] } | { readonly conflict: number };

/** An append as it goes to the writer: no more than what is written. */
export interface AppendRows {
  readonly roomId: string;
  readonly expectedHead: number;
  readonly rows: readonly EventRow[];
  readonly version?: string | undefined;
  readonly emptied?: readonly Emptied[] | undefined;
  /** {@link Origin.mark} */
  readonly txn?: string | undefined;
}

interface EventRow {
  /** The values of {@link INSERT_EVENT} behind the position and the room. */
  readonly columns: readonly [seq: number, eventId: string, ...others: SqlValue[]];
  /** Of a state event. */
  readonly state?: StateRow | undefined;
  readonly relation?: Relation | undefined;
}

interface StateRow {
  readonly type: string;
  readonly stateKey: string;
  /** Of the user that {@link stateKey} names, in member events. */
  readonly membership: Membership | null;
  readonly stripped: string | null;
}

const INSERT_EVENT = `INSERT INTO events (position, room_id, seq, event_id, type, state_key, sender, ts, content, proof,
  redacts, replaces, device_id, txn_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export function toRows({ roomId, expectedHead, events, version, emptied, origin }: Append): AppendRows {
  return {
    ...{ roomId, expectedHead, version, emptied },
    txn: origin?.mark,
    rows: events.map((event) => toRow(event, origin)),
  };
}

function toRow(event: NewEvent, origin: Origin | undefined): EventRow {
  const { seq, eventId, type, stateKey, sender, ts, content, contentText, proofText } = event;
  return {
    columns: [
      seq,
      eventId,
      type,
      stateKey ?? null,
      sender,
      ts,
      contentText,
      proofText,
      event.redacts ?? null,
      event.replaces ?? null,
      origin?.deviceId ?? null,
      origin?.txnId ?? null,
    ],
    state: stateKey === undefined ? undefined : toStateRow(event, stateKey),
    relation: relationOf(content),
  };
}

function toStateRow({ type, content, stripped }: NewEvent, stateKey: string): StateRow {
  return {
    ...{ type, stateKey },
    membership: type === "m.room.member" ? membershipOf(content) : null,
    stripped: stripped === undefined ? null : JSON.stringify(stripped),
  };
}

async function append(transaction: Transaction, input: AppendRows): Promise<Appended> {
  const last = input.rows.at(-1);
  if (last === undefined) return { positions: [] };
  if (!(await moveHead(transaction, input, last.columns))) {
    const [room] = await transaction.all<{ head: number }>(
      "SELECT head FROM rooms WHERE room_id = ?",
      input.roomId,
    );
    return { conflict: room?.head ?? 0 };
  }

  const before = transaction.last;
  const positions: number[] = [];
  for (const event of input.rows)
    positions.push(await insert(transaction, input.roomId, event, event === last ? input.txn : undefined));
  for (const { position, content, because } of input.emptied ?? []) {
    await forgetWords(transaction, position);
    await transaction.run(
      "UPDATE events SET content = ?, redacted_because = ? WHERE position = ?",
      JSON.stringify(content),
      JSON.stringify(because),
      position,
    );
    await transaction.run("DELETE FROM relations WHERE position = ?", position);
  }
  await placeEvents(transaction, before);
  return { positions };
}

async function moveHead(
  transaction: Transaction,
  input: AppendRows,
  [head, headEvent]: EventRow["columns"],
): Promise<boolean> {
  const lastPosition = transaction.last + input.rows.length;
  if (input.expectedHead === 0) {
    const inserted = await transaction.run(
      "INSERT INTO rooms (room_id, version, head, head_event, last_position) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      input.roomId,
      input.version ?? "",
      head,
      headEvent,
      lastPosition,
    );
    return inserted === 1;
  }
  const moved = await transaction.run(
    "UPDATE rooms SET head = ?, head_event = ?, last_position = ? WHERE room_id = ? AND head = ?",
    head,
    headEvent,
    lastPosition,
    input.roomId,
    input.expectedHead,
  );
  return moved === 1;
}

async function insert(
  transaction: Transaction,
  roomId: string,
  { columns, state, relation }: EventRow,
  txn: string | undefined,
): Promise<number> {
  const position = transaction.position({
    kind: "event",
    roomId,
    ...(relation?.relType === "m.reference" && { isReference: true }),
    ...(txn !== undefined && { txn }),
  });
  await transaction.run(INSERT_EVENT, position, roomId, ...columns);
  if (state !== undefined) await setState(transaction, roomId, state, position);
  if (relation !== undefined) {
    await transaction.run(
      "INSERT INTO relations (parent, position, room_id, rel_type) VALUES (?, ?, ?, ?)",
      relation.parent,
      position,
      roomId,
      relation.relType,
    );
  }
  return position;
}

async function setState(
  transaction: Transaction,
  roomId: string,
  { type, stateKey, membership, stripped }: StateRow,
  position: number,
): Promise<void> {
  await transaction.run(
    `INSERT INTO current_state (room_id, type, state_key, position) VALUES (?, ?, ?, ?)
     ON CONFLICT (room_id, type, state_key) DO UPDATE SET position = excluded.position`,
    roomId,
    type,
    stateKey,
    position,
  );
  if (membership === null) return;
  await transaction.run(
    `INSERT INTO memberships (user_id, room_id, membership, position, forgotten, stripped) VALUES (?, ?, ?, ?, 0, ?)
     ON CONFLICT (user_id, room_id) DO UPDATE SET
       membership = excluded.membership, position = excluded.position, forgotten = 0, stripped = excluded.stripped`,
    stateKey,
    roomId,
    membership,
    position,
    stripped,
  );
  transaction.also({ kind: "membership", roomId, userId: stateKey, membership });
}

export const appendProcedures = {
  append,

  /** Answered only by a writer that lives, and writes nothing unless it is to find out whether that is possible again. */
  async ping(transaction: Transaction, { writes }: { readonly writes: boolean }): Promise<null> {
    if (writes) {
      // There and back: what stays the same SQLite does not write.
      await transaction.run("UPDATE stream SET position = position + 1");
      await transaction.run("UPDATE stream SET position = position - 1");
    }
    return null;
  },

  /** @returns false when the user is still in the room, or never was */
  async forgetRoom(transaction: Transaction, input: { userId: string; roomId: string }): Promise<boolean> {
    const changed = await transaction.run(
      `UPDATE memberships SET forgotten = 1 WHERE user_id = ? AND room_id = ? AND membership IN ('leave', 'ban')`,
      input.userId,
      input.roomId,
    );
    return changed === 1;
  },

  /** Retries come within minutes; what is older only costs room. */
  async dropTxns(transaction: Transaction, input: { before: number }): Promise<number> {
    return transaction.run("DELETE FROM txns WHERE at < ?", input.before);
  },
};
