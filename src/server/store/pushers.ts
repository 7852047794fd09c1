/**
 * Where people want to be told of events: pushers, each with how far it has been told.
 *
 * There is no queue beside: the events themselves are it, from a pusher's position on.
 */
import type { StoredEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";
import type { Reader, Transaction } from "./database.js";
import type { EventStore, Stretch } from "./events.js";
import type { Write } from "./procedures.js";

export interface NewPusher {
  readonly userId: string;
  /** The session that made it: it ends with that. */
  readonly deviceId: string;
  readonly kind: string;
  readonly appId: string;
  readonly pushkey: string;
  readonly appName: string;
  readonly deviceName: string;
  readonly profileTag?: string;
  readonly lang: string;
  readonly data: JsonObject;
}

export interface Pusher extends NewPusher {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly setAt: number;
  /** The events up to here were told, or need not be. */
  readonly position: number;
  /** False until the device has shown that messages reach it. */
  readonly isActive: boolean;
}

interface Key {
  readonly userId: string;
  readonly appId: string;
  readonly pushkey: string;
}

/** What became of a proof that messages arrive. */
export type Activation = "done" | "no-pusher" | "unknown" | "expired";

/** Tells of pushers that are there, or gone. */
function tell(transaction: Transaction, userId: string): number {
  return transaction.position({ kind: "pushers", userId });
}

/** With the session that made them. */
export async function deletePushersOf(
  transaction: Transaction,
  { userId, deviceId }: { userId: string; deviceId: string },
): Promise<void> {
  const deleted = await transaction.run(
    "DELETE FROM pushers WHERE user_id = ? AND device_id = ?",
    userId,
    deviceId,
  );
  if (deleted > 0) tell(transaction, userId);
}

export const pusherProcedures = {
  /**
   * Makes a pusher or changes it. A new one is told of what comes, nothing of what was.
   *
   * @returns false when the user has too many
   */
  async setPusher(
    transaction: Transaction,
    input: NewPusher & {
      id: string;
      now: number;
      /** Leaves those of other users with the same key. */
      append: boolean;
      most: number;
      /** The proof to wait for; without it the pusher is active at once, or stays what it was. */
      ack?: { token: string; until: number };
      isActive: boolean;
    },
  ): Promise<boolean> {
    const { userId, appId, pushkey } = input;
    if (!input.append) {
      const others = await transaction.all<{ user_id: string }>(
        "SELECT user_id FROM pushers WHERE app_id = ? AND pushkey = ? AND user_id <> ?",
        appId,
        pushkey,
        userId,
      );
      for (const { user_id: other } of others)
        await pusherProcedures.deletePusher(transaction, { userId: other, appId, pushkey });
    }
    const [own] = await transaction.all<{ count: number }>(
      "SELECT COUNT(*) AS count FROM pushers WHERE user_id = ? AND NOT (app_id = ? AND pushkey = ?)",
      userId,
      appId,
      pushkey,
    );
    if ((own?.count ?? 0) >= input.most) return false;
    await transaction.run(
      `INSERT INTO pushers (id, user_id, device_id, kind, app_id, pushkey, app_name, device_name, profile_tag, lang, data,
         set_at, position, active, ack_token, ack_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, kind = excluded.kind,
         app_name = excluded.app_name, device_name = excluded.device_name, profile_tag = excluded.profile_tag,
         lang = excluded.lang, data = excluded.data, set_at = excluded.set_at, active = excluded.active,
         ack_token = excluded.ack_token, ack_until = excluded.ack_until`,
      input.id,
      userId,
      input.deviceId,
      input.kind,
      appId,
      pushkey,
      input.appName,
      input.deviceName,
      input.profileTag ?? null,
      input.lang,
      JSON.stringify(input.data),
      input.now,
      tell(transaction, userId),
      input.isActive ? 1 : 0,
      input.ack?.token ?? null,
      input.ack?.until ?? null,
    );
    return true;
  },

  async deletePusher(transaction: Transaction, { userId, appId, pushkey }: Key): Promise<null> {
    const deleted = await transaction.run(
      "DELETE FROM pushers WHERE user_id = ? AND app_id = ? AND pushkey = ?",
      userId,
      appId,
      pushkey,
    );
    if (deleted > 0) tell(transaction, userId);
    return null;
  },

  async activatePusher(
    transaction: Transaction,
    { userId, appId, token, now }: { userId: string; appId: string; token: string; now: number },
  ): Promise<Activation> {
    const pushers = await transaction.all<{ id: string; ack_token: string | null; ack_until: number | null }>(
      "SELECT id, ack_token, ack_until FROM pushers WHERE user_id = ? AND app_id = ?",
      userId,
      appId,
    );
    if (pushers.length === 0) return "no-pusher";
    const meant = pushers.find(({ ack_token: given }) => given === token);
    if (meant === undefined) return "unknown";
    if ((meant.ack_until ?? 0) < now) return "expired";
    await transaction.run(
      "UPDATE pushers SET active = 1, ack_token = NULL, ack_until = NULL, position = ? WHERE id = ?",
      tell(transaction, userId),
      meant.id,
    );
    return "done";
  },

  async pusherTold(
    transaction: Transaction,
    { id, position }: { id: string; position: number },
  ): Promise<null> {
    await transaction.run(
      "UPDATE pushers SET position = ? WHERE id = ? AND position < ?",
      position,
      id,
      position,
    );
    return null;
  },

  /** All have been told of everything up to a position, but for those that have something left. */
  async pushersTold(
    transaction: Transaction,
    { position, except }: { position: number; except: readonly string[] },
  ): Promise<null> {
    const others = except.length === 0 ? "" : `AND id NOT IN (${except.map(() => "?").join(", ")})`;
    await transaction.run(
      `UPDATE pushers SET position = ? WHERE position < ? ${others}`,
      position,
      position,
      ...except,
    );
    return null;
  },
};

export class PusherStore {
  readonly #reader: Reader;
  readonly #write: Write;
  readonly #events: EventStore;

  constructor(reader: Reader, write: Write, events: EventStore) {
    this.#reader = reader;
    this.#write = write;
    this.#events = events;
  }

  set(input: Parameters<typeof pusherProcedures.setPusher>[1]): Promise<boolean> {
    return this.#write("setPusher", input);
  }

  delete(key: Key): Promise<null> {
    return this.#write("deletePusher", { userId: key.userId, appId: key.appId, pushkey: key.pushkey });
  }

  activate(userId: string, appId: string, token: string): Promise<Activation> {
    return this.#write("activatePusher", { userId, appId, token, now: Date.now() });
  }

  told(id: string, position: number): Promise<null> {
    return this.#write("pusherTold", { id, position });
  }

  allTold(position: number, except: readonly string[]): Promise<null> {
    return this.#write("pushersTold", { position, except });
  }

  of(userId: string): Promise<Pusher[]> {
    return this.#pushers("WHERE user_id = ? ORDER BY set_at, id", userId);
  }

  all(): Promise<Pusher[]> {
    return this.#pushers("");
  }

  /** Whether somebody here is told of events at this key. */
  async isKnown(pushkey: string): Promise<boolean> {
    return (await this.#pushers("WHERE pushkey = ? LIMIT 1", pushkey)).length > 0;
  }

  /** Events of the rooms that a user is in or was asked into, oldest first. */
  eventsFor(userId: string, { after, upTo }: Stretch, limit: number): Promise<StoredEvent[]> {
    return this.#events.select(
      `FROM memberships m JOIN events e ON e.room_id = m.room_id
       WHERE m.user_id = ? AND m.membership IN ('join', 'invite') AND e.position > ? AND e.position <= ?
       ORDER BY e.position LIMIT ?`,
      userId,
      after,
      upTo,
      limit,
    );
  }

  /** What was said in the rooms that a user is in, newest first. */
  saidTo(userId: string, { after, upTo }: Stretch): Promise<StoredEvent[]> {
    return this.#events.select(
      `FROM events e WHERE e.position > ? AND e.position <= ? AND e.sender <> ?
       AND e.room_id IN (SELECT room_id FROM memberships WHERE user_id = ? AND membership IN ('join', 'invite'))
       ORDER BY e.position DESC`,
      after,
      upTo,
      userId,
      userId,
    );
  }

  async #pushers(rest: string, ...params: readonly string[]): Promise<Pusher[]> {
    const rows = await this.#reader.all<PusherRow>(
      `SELECT id, user_id, device_id, kind, app_id, pushkey, app_name, device_name, profile_tag, lang, data, set_at, position,
         active FROM pushers ${rest}`,
      ...params,
    );
    return rows.map((row) => ({
      id: row.id,
      userId: row.user_id,
      deviceId: row.device_id,
      kind: row.kind,
      appId: row.app_id,
      pushkey: row.pushkey,
      appName: row.app_name,
      deviceName: row.device_name,
      ...(row.profile_tag !== null && { profileTag: row.profile_tag }),
      lang: row.lang,
      data: JSON.parse(row.data) as JsonObject,
      setAt: row.set_at,
      position: row.position,
      isActive: row.active === 1,
    }));
  }
}

interface PusherRow {
  id: string;
  user_id: string;
  device_id: string;
  kind: string;
  app_id: string;
  pushkey: string;
  app_name: string;
  device_name: string;
  profile_tag: string | null;
  lang: string;
  data: string;
  set_at: number;
  position: number;
  active: number;
}
