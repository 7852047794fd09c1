/**
 * What somebody is about to say in a room or a thread. It outlives going elsewhere, and closing the page.
 */
import { signal } from "@preact/signals";
import type { MatrixEvent } from "matrix-js-sdk";
import { pillsIn } from "./pills.js";

export class Draft {
  readonly text;
  /** The message that this one answers. */
  readonly replyTo = signal<MatrixEvent | undefined>(undefined);
  /** The message that this one takes the place of. */
  readonly editing = signal<MatrixEvent | undefined>(undefined);
  /** Counts up with each message that was sent from it. */
  readonly sent = signal(0);
  readonly #key: string;
  /** What was being written before an edit began. */
  #before = "";
  readonly #named = new Map<string, string>();

  /** @param threadId the first message of the thread, where it is for one */
  constructor(roomId: string, threadId = "") {
    this.#key = `imcloud.draft.${roomId}${threadId}`;
    this.text = signal(localStorage.getItem(this.#key) ?? "");
  }

  write(text: string): void {
    this.text.value = text;
    // What an edit says is the message's, not the next one's.
    if (this.editing.value !== undefined) return;
    if (text === "") localStorage.removeItem(this.#key);
    else localStorage.setItem(this.#key, text);
  }

  answer(event: MatrixEvent): void {
    this.leave();
    this.replyTo.value = event;
  }

  /** What is being written waits until the edit is over. */
  edit(event: MatrixEvent, text: string): void {
    if (this.editing.value === undefined) this.#before = this.text.value;
    this.replyTo.value = undefined;
    this.#nameAgain(event);
    this.editing.value = event;
    this.text.value = text;
  }

  /** An edit names the same people as what it takes the place of. */
  #nameAgain(event: MatrixEvent): void {
    this.#named.clear();
    const { formatted_body: html } = event.getContent<{ formatted_body?: unknown }>();
    if (typeof html !== "string") return;
    for (const [name, userId] of pillsIn(html)) this.#named.set(name, userId);
  }

  /** The answer, or the edit, is not to be; what was being written stays. */
  leave(): void {
    if (this.editing.value !== undefined) {
      this.editing.value = undefined;
      this.text.value = this.#before;
      this.#named.clear();
    }
    this.replyTo.value = undefined;
  }

  /** Remembers who is meant by a name that stands in the text. */
  mention(userId: string, name: string): void {
    this.#named.set(name, userId);
  }

  /** User ids by the names that were chosen. */
  get named(): ReadonlyMap<string, string> {
    return new Map(this.#named);
  }

  /** It was sent. After an edit goes on what was being written before. */
  finish(): void {
    this.sent.value += 1;
    if (this.editing.value !== undefined) return this.leave();
    this.#named.clear();
    this.replyTo.value = undefined;
    this.write("");
  }
}
