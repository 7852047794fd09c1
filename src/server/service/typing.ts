/**
 * Who is typing: never stored, gone with the server.
 */
import type { Stream } from "./stream.js";

/** Changes that are remembered; whoever asks about older ones is told of every room. */
const REMEMBERED = 4_096;

interface RoomTyping {
  readonly users: Map<string, ReturnType<typeof setTimeout>>;
  /** The number of the last change. */
  serial: number;
}

export class Typing {
  readonly #stream: Stream;
  readonly #rooms = new Map<string, RoomTyping>();
  /** The rooms of the last changes; each change has a serial one higher than the one before. */
  readonly #changes: string[] = [];
  // Starts at the time, so that numbers go on rising over a restart and old tokens stay older.
  #serial = Date.now();
  readonly #listeners: ((roomId: string) => void)[] = [];

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** @param listener hears of every room in which somebody begins or ceases to type */
  onChange(listener: (roomId: string) => void): void {
    this.#listeners.push(listener);
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
    const count = this.#serial - serial;
    if (count <= 0) return [];
    if (count <= this.#changes.length) return [...new Set(this.#changes.slice(-count))];
    return [...this.#rooms].filter(([, room]) => room.serial > serial).map(([roomId]) => roomId);
  }

  in(roomId: string): string[] {
    return [...(this.#rooms.get(roomId)?.users.keys() ?? [])];
  }

  #changed(roomId: string, room: RoomTyping): void {
    this.#serial += 1;
    room.serial = this.#serial;
    this.#changes.push(roomId);
    if (this.#changes.length > 2 * REMEMBERED) this.#forget(this.#changes.splice(0, REMEMBERED));
    this.#stream.wakeRoom(roomId);
    for (const listener of this.#listeners) listener(roomId);
  }

  /** Of a room whose changes nobody asks about, only who types there matters. */
  #forget(roomIds: readonly string[]): void {
    for (const roomId of new Set(roomIds)) {
      const room = this.#rooms.get(roomId);
      if (room?.users.size === 0 && room.serial <= this.#serial - this.#changes.length)
        this.#rooms.delete(roomId);
    }
  }
}
