/**
 * Who is typing: never stored, gone with the server.
 */
import type { Stream } from "./stream.js";

interface RoomTyping {
  readonly users: Map<string, ReturnType<typeof setTimeout>>;
  /** The number of the last change. */
  serial: number;
}

export class Typing {
  readonly #stream: Stream;
  readonly #rooms = new Map<string, RoomTyping>();
  // Starts at the time, so that numbers go on rising over a restart and old tokens stay older.
  #serial = Date.now();

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  get serial(): number {
    return this.#serial;
  }

  start(roomId: string, userId: string, timeoutMs: number): void {
    const room = this.#rooms.get(roomId) ?? {
      users: new Map<string, ReturnType<typeof setTimeout>>(),
      serial: 0,
    };
    this.#rooms.set(roomId, room);
    const isNew = !room.users.has(userId);
    clearTimeout(room.users.get(userId));
    const timer = setTimeout(() => this.stop(roomId, userId), timeoutMs);
    timer.unref();
    room.users.set(userId, timer);
    if (isNew) this.#changed(roomId, room);
  }

  stop(roomId: string, userId: string): void {
    const room = this.#rooms.get(roomId);
    if (room === undefined || !room.users.has(userId)) return;
    clearTimeout(room.users.get(userId));
    room.users.delete(userId);
    this.#changed(roomId, room);
  }

  /** The rooms in which somebody began or ceased to type after a serial. */
  changedSince(serial: number): string[] {
    if (serial >= this.#serial) return [];
    return [...this.#rooms].filter(([, room]) => room.serial > serial).map(([roomId]) => roomId);
  }

  in(roomId: string): string[] {
    return [...(this.#rooms.get(roomId)?.users.keys() ?? [])];
  }

  #changed(roomId: string, room: RoomTyping): void {
    this.#serial += 1;
    room.serial = this.#serial;
    this.#stream.wakeRoom(roomId);
  }
}
