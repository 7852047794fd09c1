/**
 * What people report to the administrators: rooms, events and other people.
 */
import type { Reader, Transaction } from "./database.js";
import type { Write } from "./procedures.js";

export interface NewReport {
  readonly reporter: string;
  /** Of a room or an event. */
  readonly roomId?: string;
  /** Of an event. */
  readonly eventId?: string;
  /** Of a person; of an event, who said it. */
  readonly userId?: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Report extends NewReport {
  /** Later ones have higher numbers. */
  readonly id: number;
}

export const reportProcedures = {
  async addReport(transaction: Transaction, report: NewReport): Promise<number> {
    const [last] = await transaction.all<{ id: number | null }>("SELECT MAX(id) AS id FROM reports");
    const id = Number(last?.id ?? 0) + 1;
    await transaction.run(
      "INSERT INTO reports (id, reporter, room_id, event_id, user_id, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      id,
      report.reporter,
      report.roomId ?? null,
      report.eventId ?? null,
      report.userId ?? null,
      report.reason,
      report.at,
    );
    return id;
  },

  /** @returns false when there is none of that number */
  async deleteReport(transaction: Transaction, { id }: { id: number }): Promise<boolean> {
    return (await transaction.run("DELETE FROM reports WHERE id = ?", id)) === 1;
  },
};

export class ReportStore {
  readonly #reader: Reader;
  readonly #write: Write;

  constructor(reader: Reader, write: Write) {
    this.#reader = reader;
    this.#write = write;
  }

  /** @returns the report's number */
  add(report: NewReport): Promise<number> {
    return this.#write("addReport", report);
  }

  delete(id: number): Promise<boolean> {
    return this.#write("deleteReport", { id });
  }

  /** The newest first. @param before for the next page: the last number of the one before */
  async list(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<Report[]> {
    const rows = await this.#reader.all<{
      id: number;
      reporter: string;
      room_id: string | null;
      event_id: string | null;
      user_id: string | null;
      reason: string;
      at: number;
    }>(
      "SELECT id, reporter, room_id, event_id, user_id, reason, at FROM reports WHERE id < ? ORDER BY id DESC LIMIT ?",
      before,
      limit,
    );
    return rows.map(({ id, reporter, room_id, event_id, user_id, reason, at }) => ({
      id,
      reporter,
      ...(room_id !== null && { roomId: room_id }),
      ...(event_id !== null && { eventId: event_id }),
      ...(user_id !== null && { userId: user_id }),
      reason,
      at,
    }));
  }
}
