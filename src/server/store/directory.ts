/**
 * Aliases and the list of public rooms.
 */
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

/** A network that an application service bridges to. */
export interface Network {
  readonly service: string;
  readonly network: string;
}

export const directoryProcedures = {
  /** @returns false when the alias is taken */
  async createAlias(
    transaction: Transaction,
    input: { alias: string; roomId: string; creator: string },
  ): Promise<boolean> {
    const created = await transaction.run(
      "INSERT INTO aliases (alias, room_id, creator) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      input.alias,
      input.roomId,
      input.creator,
    );
    return created === 1;
  },

  async deleteAlias(transaction: Transaction, input: { alias: string }): Promise<boolean> {
    return (await transaction.run("DELETE FROM aliases WHERE alias = ?", input.alias)) === 1;
  },

  async moveAliases(transaction: Transaction, input: { from: string; to: string }): Promise<number> {
    return transaction.run("UPDATE aliases SET room_id = ? WHERE room_id = ?", input.to, input.from);
  },

  async publishRoom(
    transaction: Transaction,
    input: { roomId: string; isPublished: boolean },
  ): Promise<boolean> {
    const changed = await transaction.run(
      "UPDATE rooms SET published = ? WHERE room_id = ?",
      input.isPublished ? 1 : 0,
      input.roomId,
    );
    return changed === 1;
  },

  async publishOnNetwork(
    transaction: Transaction,
    { service, network, roomId, isPublished }: Network & { roomId: string; isPublished: boolean },
  ): Promise<null> {
    await transaction.run(
      isPublished
        ? "INSERT INTO network_rooms (service, network, room_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        : "DELETE FROM network_rooms WHERE service = ? AND network = ? AND room_id = ?",
      service,
      network,
      roomId,
    );
    return null;
  },
};

export class DirectoryStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  createAlias(alias: string, roomId: string, creator: string): Promise<boolean> {
    return this.#write("createAlias", { alias, roomId, creator });
  }

  deleteAlias(alias: string): Promise<boolean> {
    return this.#write("deleteAlias", { alias });
  }

  async alias(alias: string): Promise<{ roomId: string; creator: string } | undefined> {
    const [row] = await this.#reader.all<{ room_id: string; creator: string }>(
      "SELECT room_id, creator FROM aliases WHERE alias = ?",
      alias,
    );
    return row && { roomId: row.room_id, creator: row.creator };
  }

  async aliasesOf(roomId: string): Promise<string[]> {
    const rows = await this.#reader.all<{ alias: string }>(
      "SELECT alias FROM aliases WHERE room_id = ? ORDER BY alias",
      roomId,
    );
    return rows.map((row) => row.alias);
  }

  /** @returns how many there were */
  moveAliases(from: string, to: string): Promise<number> {
    return this.#write("moveAliases", { from, to });
  }

  publish(roomId: string, isPublished: boolean): Promise<boolean> {
    return this.#write("publishRoom", { roomId, isPublished });
  }

  async isPublished(roomId: string): Promise<boolean> {
    const [row] = await this.#reader.all<{ published: number }>(
      "SELECT published FROM rooms WHERE room_id = ?",
      roomId,
    );
    return row?.published === 1;
  }

  publishOnNetwork(on: Network, roomId: string, isPublished: boolean): Promise<null> {
    return this.#write("publishOnNetwork", { ...on, roomId, isPublished });
  }

  /**
   * Published rooms, the fullest first.
   *
   * @param on a network's, those of `all` networks and one's own, or else one's own
   */
  async published(on?: Network | "all"): Promise<{ roomId: string; joined: number }[]> {
    const [where, params] = publishedOn(on);
    const rows = await this.#reader.all<{ room_id: string; joined: number }>(
      `SELECT r.room_id, (SELECT COUNT(*) FROM memberships m WHERE m.room_id = r.room_id AND m.membership = 'join') AS joined
       FROM rooms r WHERE ${where} ORDER BY joined DESC, r.room_id`,
      ...params,
    );
    return rows.map((row) => ({ roomId: row.room_id, joined: row.joined }));
  }
}

function publishedOn(on: Network | "all" | undefined): [where: string, params: readonly string[]] {
  if (on === undefined) return ["r.published = 1", []];
  if (on === "all") return ["(r.published = 1 OR r.room_id IN (SELECT room_id FROM network_rooms))", []];
  return [
    "r.room_id IN (SELECT room_id FROM network_rooms WHERE service = ? AND network = ?)",
    [on.service, on.network],
  ];
}
