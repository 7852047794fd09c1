/**
 * Tells the server, and by it the others, up to where somebody has read.
 */
import { NotificationCountType, type MatrixClient, type MatrixEvent } from "matrix-js-sdk";

/** Between two times of telling, in milliseconds: where much is said at once the last one says it all. */
const EVERY_MS = 500;

export class ReadMarks {
  readonly #client: MatrixClient;
  /** The last of each room or thread that the server is yet to be told, by the conversation's name. */
  readonly #waiting = new Map<string, MatrixEvent>();
  #last: MatrixEvent | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: MatrixClient) {
    this.#client = client;
  }

  /**
   * At once, unless the server has just been told; then a moment later.
   *
   * @param event the newest that there is
   */
  set(event: MatrixEvent): void {
    if (event === this.#last) return;
    this.#last = event;
    this.#waiting.set(`${event.getRoomId()} ${event.threadRootId ?? ""}`, event);
    this.#forgetUnread(event);
    if (this.#timer === undefined) this.tell();
  }

  /** Nothing is unread here any more, and what comes before the server says so is counted from there. */
  #forgetUnread(event: MatrixEvent): void {
    const room = this.#client.getRoom(event.getRoomId());
    for (const kind of [NotificationCountType.Total, NotificationCountType.Highlight])
      if (event.threadRootId === undefined) room?.setUnreadNotificationCount(kind, 0);
      else room?.setThreadUnreadNotificationCount(event.threadRootId, kind, 0);
  }

  /** What waits, now: whoever looks away has not read what comes next. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    const events = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const event of events)
      // Nobody asked for it by name: the next message, or coming back, tries again.
      this.#client
        .sendReadReceipt(event)
        .catch((error: unknown) => console.info("not told what was read", error));
    this.#timer = setTimeout(() => this.tell(), EVERY_MS);
  }
}
