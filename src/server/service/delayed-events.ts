/**
 * Events that are sent later: when their time has come, whether or not who wanted them is still there.
 *
 * Element Call leaves a call like this when its connection is gone. An id is the right to what it stands for, so that a
 * service that sees the connection can act for the client.
 * Source: MSC4140.
 */
import type { EventDraft } from "../core/event.js";
import { newToken } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import type { Log } from "../runtime/log.js";
import type { DelayedEvent } from "../store/delayed-events.js";
import type { Store } from "../store/store.js";
import { Failure, forbidden, notFound } from "./failure.js";
import type { Rooms } from "./rooms.js";
import type { Transactions } from "./transactions.js";

/** Longest time between two looks: another node may have gone with what it had to send. In milliseconds. */
const LOOK_MS = 30_000;
/** For a node to send what it has taken, in milliseconds; then it is another one's. */
const HOLD_MS = 60_000;
const AT_ONCE = 100;

interface Limits {
  readonly delayedEventMs: number;
  readonly delayedEventsOfUser: number;
}

export class DelayedEvents {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #txns: Transactions;
  readonly #log: Log;
  readonly #limits: Limits;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Infinity;
  #looking: Promise<void> | undefined;
  #isStopped = true;

  constructor(store: Store, rooms: Rooms, txns: Transactions, log: Log, limits: Limits) {
    this.#store = store;
    this.#rooms = rooms;
    this.#txns = txns;
    this.#log = log;
    this.#limits = limits;
  }

  /** From now on, sends what is due, also what became due while no server ran. */
  start(): void {
    this.#isStopped = false;
    this.#wakeAt(0);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /**
   * @param mark of the request, so that its repetition schedules nothing
   * @returns the id by which it can be restarted, sent at once, or taken back
   * @throws Failure M_FORBIDDEN for who is not in the room; for a delay that is too long, as the proposal has it
   */
  async schedule(roomId: string, draft: EventDraft, delayMs: number, mark: string): Promise<string> {
    const { delayedEventMs, delayedEventsOfUser } = this.#limits;
    if (delayMs > delayedEventMs) {
      throw new Failure("M_UNKNOWN", "the delay is too long", {
        status: 400,
        "org.matrix.msc4140.errcode": "M_MAX_DELAY_EXCEEDED",
        "org.matrix.msc4140.max_delay": delayedEventMs,
      });
    }
    if ((await this.#rooms.state(roomId)).membership(draft.sender) !== "join")
      throw forbidden("you are not in this room");
    const { type, stateKey, content, sender: userId } = draft;
    const runningSince = Date.now();
    const delayId = await this.#store.delayedEvents.add(
      {
        ...{ delayId: newToken("delay"), userId, roomId, type, content, delayMs, runningSince },
        ...(stateKey !== undefined && { stateKey }),
      },
      mark,
      delayedEventsOfUser,
    );
    if (delayId === null) throw new Failure("M_LIMIT_EXCEEDED", "too many events are scheduled already");
    this.#wakeAt(runningSince + delayMs);
    return delayId;
  }

  async restart(delayId: string): Promise<void> {
    if (!(await this.#store.delayedEvents.restart(delayId, Date.now())))
      throw await this.#overOrUnknown(delayId);
    const due = await this.#store.delayedEvents.nextDue();
    if (due !== undefined) this.#wakeAt(due);
  }

  /** Taking back twice is as good as once. */
  async cancel(delayId: string): Promise<void> {
    if (await this.#store.delayedEvents.cancel(delayId, Date.now())) return;
    const ended = (await this.#store.delayedEvents.outcome(delayId))?.outcome;
    if (ended === undefined || ended.eventId !== undefined || ended.error !== undefined)
      throw await this.#overOrUnknown(delayId);
  }

  /** @throws Failure the one that the event met, also before */
  async send(delayId: string): Promise<void> {
    const now = Date.now();
    const [held] = await this.#store.delayedEvents.hold(now, now + HOLD_MS, 1, delayId);
    if (held !== undefined) await this.#sendHeld(held);
    const outcome = (await this.#store.delayedEvents.outcome(delayId))?.outcome;
    if (outcome?.error !== undefined) throw failureOf(outcome.error);
    if (outcome?.eventId === undefined) throw await this.#overOrUnknown(delayId);
  }

  async scheduled(userId: string): Promise<JsonObject[]> {
    return (await this.#store.delayedEvents.scheduled(userId)).map((event) => ({
      delay_id: event.delayId,
      room_id: event.roomId,
      type: event.type,
      ...(event.stateKey !== undefined && { state_key: event.stateKey }),
      content: event.content,
      delay: event.delayMs,
      running_since: event.runningSince,
    }));
  }

  async #overOrUnknown(delayId: string): Promise<Failure> {
    const known = await this.#store.delayedEvents.outcome(delayId);
    return notFound(known === undefined ? "there is no such delayed event" : "the delayed event is over");
  }

  #wakeAt(at: number): void {
    if (this.#isStopped || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(
      () => {
        this.#dueAt = Infinity;
        this.#looking = this.#look().catch((error: unknown) => {
          this.#log.warn("delayed events wait", { error });
          this.#wakeAt(Date.now() + LOOK_MS);
        });
      },
      Math.max(0, at - Date.now()),
    );
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const now = Date.now();
    const held = await this.#store.delayedEvents.hold(now, now + HOLD_MS, AT_ONCE);
    for (const event of held) await this.#sendHeld(event);
    await this.#store.delayedEvents.tidy(now);
    const due = held.length === AT_ONCE ? now : ((await this.#store.delayedEvents.nextDue()) ?? Infinity);
    // What another node holds is due already, and not ours.
    this.#wakeAt(due <= now && held.length < AT_ONCE ? now + LOOK_MS : Math.min(due, now + LOOK_MS));
  }

  /** What the rules refuse is over; what the store cannot do now is tried again. */
  async #sendHeld(event: DelayedEvent): Promise<void> {
    const { delayId, userId, roomId, type, stateKey, content } = event;
    const { delayedEvents } = this.#store;
    try {
      if (await this.#isOvertaken(event)) {
        await delayedEvents.end(delayId, {}, Date.now());
        return;
      }
      const account = await this.#store.accounts.get(userId);
      if (account === undefined || account.isSuspended || account.isLocked)
        throw forbidden("the account may not send");
      const draft = { type, sender: userId, content, ...(stateKey !== undefined && { stateKey }) };
      // The event carries the id, so that it is there once, also when the server ends in between.
      const caller = { userId, deviceId: "", isAdmin: false, isSuspended: false, isLocked: false };
      const eventId = await this.#txns.once(caller, { roomId, type }, delayId, (origin) =>
        this.#rooms.send(roomId, draft, origin),
      );
      await delayedEvents.end(delayId, { eventId }, Date.now());
    } catch (error) {
      if (!(error instanceof Failure) || error.status >= 500) throw error;
      await delayedEvents.end(delayId, { error: { ...error.toJSON(), status: error.status } }, Date.now());
    }
  }

  /** Somebody else has set that state since: it is theirs. Source: MSC4140, "delayed state events". */
  async #isOvertaken({ roomId, type, stateKey, userId, position }: DelayedEvent): Promise<boolean> {
    if (stateKey === undefined) return false;
    const last = (await this.#store.events.stateHistory(roomId, type, stateKey)).at(-1);
    return last !== undefined && last.position > position && last.sender !== userId;
  }
}

function failureOf({ errcode, error, status }: JsonObject): Failure {
  const code = errcode === "M_NOT_FOUND" || errcode === "M_TOO_LARGE" ? errcode : "M_FORBIDDEN";
  return new Failure(
    code,
    typeof error === "string" ? error : "",
    typeof status === "number" ? { status } : {},
  );
}
