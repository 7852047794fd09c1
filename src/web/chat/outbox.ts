/**
 * What was written while there was no connection: sent once there is one again, in the order in which it was written.
 * Each keeps its transaction id, so that what had arrived after all does not arrive twice.
 */
import {
  ConnectionError,
  EventStatus,
  RoomEvent,
  type MatrixClient,
  type MatrixEvent,
  type Room,
} from "matrix-js-sdk";

/** The first and the longest pause before what failed is tried again, in milliseconds; it doubles in between. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

export class Outbox {
  readonly #client: MatrixClient;
  #isSending = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: MatrixClient) {
    this.#client = client;
    client.on(RoomEvent.LocalEchoUpdated, (event) => this.#consider(event));
  }

  /**
   * Sends what waits in all rooms; what the server refuses stays as not sent, for its author to decide about. It never
   * fails: what could not be sent waits for the next time.
   */
  async send(): Promise<void> {
    if (this.#isSending) return;
    this.stop();
    this.#isSending = true;
    try {
      await Promise.all(this.#client.getRooms().map((room) => this.#sendIn(room)));
    } finally {
      this.#isSending = false;
    }
  }

  /** Tries nothing any more by itself. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #consider(event: MatrixEvent): void {
    if (event.status === null) this.#pauseMs = FIRST_PAUSE_MS;
    if (event.status === EventStatus.NOT_SENT && !wasRefused(event)) this.#sendLater();
  }

  #sendLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.send();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  async #sendIn(room: Room): Promise<void> {
    for (const event of [...room.getPendingEvents()]) {
      // It may fail yet, of the network that was: what was written after it waits.
      if (isUnderWay(event)) {
        this.#sendLater();
        return;
      }
      if (event.status !== EventStatus.NOT_SENT || wasRefused(event)) continue;
      try {
        await this.#client.resendEvent(event, room);
      } catch (error) {
        console.info("a message could not be sent", error);
        if (error instanceof ConnectionError) return;
      }
    }
  }
}

const UNDER_WAY: readonly (EventStatus | null)[] = [
  EventStatus.ENCRYPTING,
  EventStatus.QUEUED,
  EventStatus.SENDING,
];
const isUnderWay = ({ status }: MatrixEvent): boolean => UNDER_WAY.includes(status);

/** The server has answered, and will answer the same again. One from before this page was opened has no error. */
const wasRefused = (event: MatrixEvent): boolean =>
  event.error !== null && event.error.httpStatus !== undefined && event.error.httpStatus < 500;
