/**
 * Who has to hear of what: the changes of the last while, and those who wait for the next.
 *
 * A *follower* is a user with a session that syncs, with the rooms that they are in, kept up to date as
 * memberships change. So waking costs the number of a room's members that are here, and an incremental sync
 * costs the number of changes since the last one: neither costs the number of rooms somebody is in.
 */
import type { Membership } from "../core/room-state.js";
import type { Change } from "../store/database.js";
import type { Store } from "../store/store.js";

/** Changes that are remembered. Who stayed away longer is answered from the database. */
const REMEMBERED = 16_384;
/** A user who did not sync for so long, in milliseconds, is followed no more. */
const FORGET_FOLLOWER_MS = 15 * 60_000;

interface RoomOfFollower {
  readonly membership: Membership;
  /** Of the member event. */
  readonly position: number;
}

export class Follower {
  readonly userId: string;
  readonly rooms = new Map<string, RoomOfFollower>();
  /** Counts what may concern this user, so that a waiter misses nothing between looking and waiting. */
  version = 0;
  lastUsed = Date.now();
  readonly #waiters = new Set<() => void>();

  constructor(userId: string) {
    this.userId = userId;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  wake(): void {
    this.version += 1;
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Resolves when something happened after `version`, after `timeoutMs`, or when `signal` says so. */
  wait(version: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.version !== version || timeoutMs <= 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiters.add(done);
      signal?.addEventListener("abort", done);
    });
  }
}

export class Stream {
  readonly #store: Store;
  readonly #followers = new Map<string, Promise<Follower>>();
  readonly #known = new Map<string, Follower>();
  readonly #loading = new Map<string, Change[]>();
  readonly #byRoom = new Map<string, Set<Follower>>();
  #changes: Change[] = [];
  /** Changes up to this position may be forgotten. */
  #since: number;
  /** Everything up to this position may be told. */
  #latest: number;

  static async open(store: Store): Promise<Stream> {
    return new Stream(store, await store.events.position());
  }

  private constructor(store: Store, position: number) {
    this.#store = store;
    this.#since = position;
    this.#latest = position;
    store.onChanges((changes) => this.#hear(changes));
    store.onGap(() => void this.#catchUp());
  }

  get latest(): number {
    return this.#latest;
  }

  /** Users with a session that syncs here. */
  get followers(): number {
    return this.#known.size;
  }

  get waiting(): number {
    let count = 0;
    for (const follower of this.#known.values()) count += follower.waiting;
    return count;
  }

  /** @returns the changes after a position, oldest first, or undefined when they are no longer remembered */
  since(position: number): readonly Change[] | undefined {
    if (position < this.#since) return undefined;
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }

  /** The user's rooms, kept up to date from now on. */
  follow(userId: string): Promise<Follower> {
    let follower = this.#followers.get(userId);
    if (follower === undefined) {
      follower = this.#load(userId);
      this.#followers.set(userId, follower);
      follower.catch(() => this.#followers.delete(userId));
    }
    return follower;
  }

  /** Wakes those who are in a room, for what is not stored: typing. */
  wakeRoom(roomId: string): void {
    for (const follower of this.#byRoom.get(roomId) ?? []) follower.wake();
  }

  /** Wakes those who are in a room with one of these users. */
  async wakeSharing(userIds: readonly string[]): Promise<void> {
    const woken = new Set<Follower>();
    for (const userId of userIds) {
      const { rooms } = await this.follow(userId);
      for (const [roomId, { membership }] of rooms)
        if (membership === "join") for (const follower of this.#byRoom.get(roomId) ?? []) woken.add(follower);
    }
    for (const follower of woken) follower.wake();
  }

  /** Whether two people are in one room. */
  async shareRoom(one: string, other: string): Promise<boolean> {
    const [first, second] = await Promise.all([this.follow(one), this.follow(other)]);
    const [few, many] = first.rooms.size < second.rooms.size ? [first, second] : [second, first];
    for (const [roomId, { membership }] of few.rooms)
      if (membership === "join" && many.rooms.get(roomId)?.membership === "join") return true;
    return false;
  }

  /** Lets every waiter answer now: the server stops. */
  wakeAll(): void {
    for (const follower of this.#known.values()) follower.wake();
  }

  /** Forgets who has not synced for long. */
  tidy(now = Date.now()): void {
    for (const follower of this.#known.values()) {
      if (follower.waiting === 0 && now - follower.lastUsed > FORGET_FOLLOWER_MS) this.#unfollow(follower);
    }
  }

  async #load(userId: string): Promise<Follower> {
    const missed: Change[] = [];
    this.#loading.set(userId, missed);
    try {
      const follower = new Follower(userId);
      for (const { roomId, membership, position } of await this.#store.events.memberships(userId)) {
        this.#setRoom(follower, roomId, { membership, position });
      }
      for (const change of missed) this.#moveFollower(follower, change);
      this.#known.set(userId, follower);
      return follower;
    } finally {
      this.#loading.delete(userId);
    }
  }

  #unfollow(follower: Follower): void {
    this.#known.delete(follower.userId);
    this.#followers.delete(follower.userId);
    for (const roomId of follower.rooms.keys()) this.#leaveRoom(follower, roomId);
  }

  #hear(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#changes.push(change);
      this.#latest = Math.max(this.#latest, change.position);
      if (change.kind === "membership") this.#changeMembership(change);
    }
    if (this.#changes.length > 2 * REMEMBERED) {
      const dropped = this.#changes.splice(0, this.#changes.length - REMEMBERED);
      this.#since = dropped.at(-1)?.position ?? this.#since;
    }
    // Once all are known: whoever wakes looks at everything.
    const woken = new Set<Follower>();
    for (const change of changes) this.#collect(change, woken);
    for (const follower of woken) follower.wake();
  }

  #collect(change: Change, woken: Set<Follower>): void {
    if (change.userId !== undefined) {
      const follower = this.#known.get(change.userId);
      if (follower !== undefined) woken.add(follower);
      // A store that does not answer who shares a room says so itself to whoever wakes and asks.
      if (change.kind === "devices") this.wakeSharing([change.userId]).catch(() => this.wakeAll());
    } else if (change.roomId !== undefined) {
      for (const follower of this.#byRoom.get(change.roomId) ?? []) woken.add(follower);
    }
  }

  #changeMembership(change: Change): void {
    const userId = change.userId ?? "";
    this.#loading.get(userId)?.push(change);
    const follower = this.#known.get(userId);
    if (follower !== undefined) this.#moveFollower(follower, change);
  }

  #moveFollower(follower: Follower, { roomId, membership, position }: Change): void {
    if (roomId === undefined || membership === undefined) return;
    if ((follower.rooms.get(roomId)?.position ?? 0) < position)
      this.#setRoom(follower, roomId, { membership, position });
  }

  #setRoom(follower: Follower, roomId: string, room: RoomOfFollower): void {
    follower.rooms.set(roomId, room);
    if (room.membership !== "join") return this.#leaveRoom(follower, roomId);
    const others = this.#byRoom.get(roomId);
    if (others === undefined) this.#byRoom.set(roomId, new Set([follower]));
    else others.add(follower);
  }

  #leaveRoom(follower: Follower, roomId: string): void {
    const others = this.#byRoom.get(roomId);
    others?.delete(follower);
    if (others?.size === 0) this.#byRoom.delete(roomId);
  }

  /** Changes were missed: nothing is remembered of them, and everybody looks for themselves. */
  async #catchUp(): Promise<void> {
    const position = await this.#store.events.position();
    this.#changes = [];
    this.#since = Math.max(this.#since, position);
    this.#latest = Math.max(this.#latest, position);
    for (const follower of [...this.#known.values()]) {
      this.#unfollow(follower);
      follower.wake();
    }
  }
}
