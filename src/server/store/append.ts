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
import type { Transaction } from "./database.js";
import { placeEvents } from "./event-places.js";
import { forgetWords } from "./search.js";

export interface NewEvent extends SealedEvent {
  readonly deviceId?: string;
  readonly txnId?: string;
  /** For invites and knocks: the state that the person may see from outside. */
  readonly stripped?: readonly JsonObject[];
}

export interface Append {
  readonly roomId: string;
  /** How many events the room had when these were judged; 0 makes the room. */
  readonly expectedHead: number;
  readonly events: readonly NewEvent[];
  /** For a new room. */
  readonly version?: string;
  /** Events that are emptied by the redactions among `events`. */
  readonly emptied?: readonly {
    readonly eventId: string;
    readonly position: number;
    readonly content: JsonObject;
    readonly because: JsonObject;
  }[];
  /** Marks the request that asked for it, so that every node knows a repetition. */
  readonly txn?: string;
}

/** The positions that the events got, or the head that the room has instead. */
export type Appended = { readonly positions: readonly number[] } | { readonly conflict: number };

/** An append as it goes to the writer: no more than what is written. */
export interface AppendRows extends Omit<Append, "events"> {
  readonly rows: readonly EventRow[];
}

interface EventRow {
  readonly roomId: string;
  readonly seq: number;
  readonly eventId: string;
  readonly type: string;
  readonly stateKey: string | null;
  readonly sender: string;
  readonly ts: number;
  readonly content: string;
  readonly proof: string;
  readonly redacts: string | null;
  readonly replaces: string | null;
  readonly deviceId: string | null;
  readonly txnId: string | null;
  /** Of the user that {@link stateKey} names, in member events. */
  readonly membership: Membership | null;
  readonly stripped: string | null;
  readonly relation: Relation | null;
}

export function toRows({ events, ...rest }: Append): AppendRows {
  return { ...rest, rows: events.map(toRow) };
}

function toRow(event: NewEvent): EventRow {
  const isMember = event.type === "m.room.member" && event.stateKey !== undefined;
  return {
    roomId: event.roomId,
    seq: event.seq,
    eventId: event.eventId,
    type: event.type,
    stateKey: event.stateKey ?? null,
    sender: event.sender,
    ts: event.ts,
    content: event.contentText,
    proof: event.proofText,
    redacts: event.redacts ?? null,
    replaces: event.replaces ?? null,
    deviceId: event.deviceId ?? null,
    txnId: event.txnId ?? null,
    membership: isMember ? membershipOf(event.content) : null,
    stripped: event.stripped === undefined ? null : JSON.stringify(event.stripped),
    relation: relationOf(event.content) ?? null,
  };
}

async function append(transaction: Transaction, input: AppendRows): Promise<Appended> {
  const last = input.rows.at(-1);
  if (last === undefined) return { positions: [] };
  if (!(await moveHead(transaction, input, last))) {
    const [room] = await transaction.all<{ head: number }>(
      "SELECT head FROM rooms WHERE room_id = ?",
      input.roomId,
    );
    return { conflict: room?.head ?? 0 };
  }

  const before = transaction.last;
  const positions: number[] = [];
  for (const event of input.rows) {
    positions.push(await insert(transaction, event, event === last ? input.txn : undefined));
  }
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

async function moveHead(transaction: Transaction, input: AppendRows, last: EventRow): Promise<boolean> {
  const lastPosition = transaction.last + input.rows.length;
  if (input.expectedHead === 0) {
    const inserted = await transaction.run(
      "INSERT INTO rooms (room_id, version, head, head_event, last_position) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      input.roomId,
      input.version ?? "",
      last.seq,
      last.eventId,
      lastPosition,
    );
    return inserted === 1;
  }
  const moved = await transaction.run(
    "UPDATE rooms SET head = ?, head_event = ?, last_position = ? WHERE room_id = ? AND head = ?",
    last.seq,
    last.eventId,
    lastPosition,
    input.roomId,
    input.expectedHead,
  );
  return moved === 1;
}

async function insert(transaction: Transaction, event: EventRow, txn: string | undefined): Promise<number> {
  const position = transaction.position({
    kind: "event",
    roomId: event.roomId,
    ...(event.relation?.relType === "m.reference" && { isReference: true }),
    ...(txn !== undefined && { txn }),
  });
  await transaction.run(
    `INSERT INTO events (position, room_id, seq, event_id, type, state_key, sender, ts, content, proof, redacts, replaces,
      device_id, txn_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    position,
    event.roomId,
    event.seq,
    event.eventId,
    event.type,
    event.stateKey,
    event.sender,
    event.ts,
    event.content,
    event.proof,
    event.redacts,
    event.replaces,
    event.deviceId,
    event.txnId,
  );
  if (event.stateKey !== null) await setState(transaction, event, event.stateKey, position);
  if (event.relation !== null) {
    await transaction.run(
      "INSERT INTO relations (parent, position, room_id, rel_type) VALUES (?, ?, ?, ?)",
      event.relation.parent,
      position,
      event.roomId,
      event.relation.relType,
    );
  }
  return position;
}

async function setState(
  transaction: Transaction,
  event: EventRow,
  stateKey: string,
  position: number,
): Promise<void> {
  await transaction.run(
    `INSERT INTO current_state (room_id, type, state_key, position) VALUES (?, ?, ?, ?)
     ON CONFLICT (room_id, type, state_key) DO UPDATE SET position = excluded.position`,
    event.roomId,
    event.type,
    stateKey,
    position,
  );
  const { membership } = event;
  if (membership === null) return;
  await transaction.run(
    `INSERT INTO memberships (user_id, room_id, membership, position, forgotten, stripped) VALUES (?, ?, ?, ?, 0, ?)
     ON CONFLICT (user_id, room_id) DO UPDATE SET
       membership = excluded.membership, position = excluded.position, forgotten = 0, stripped = excluded.stripped`,
    stateKey,
    event.roomId,
    membership,
    position,
    event.stripped,
  );
  transaction.also({ kind: "membership", roomId: event.roomId, userId: stateKey, membership });
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
