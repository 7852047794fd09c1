/**
 * What somebody is about to say in a room or a thread. It outlives going elsewhere, and closing the page.
 */
import { signal } from "@preact/signals";
import type { MatrixEvent } from "matrix-js-sdk";

export class Draft {
  readonly text;
  /** The message that this one answers. */
  readonly replyTo = signal<MatrixEvent | undefined>(undefined);
  /** The message that this one takes the place of. */
  readonly editing = signal<MatrixEvent | undefined>(undefined);
  readonly #key: string;
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
    if (this.editing.value !== undefined) this.clear();
    this.replyTo.value = event;
  }

  edit(event: MatrixEvent, text: string): void {
    this.replyTo.value = undefined;
    this.editing.value = event;
    this.text.value = text;
  }

  /** Remembers who is meant by a name that stands in the text. */
  mention(userId: string, name: string): void {
    this.#named.set(name, userId);
  }

  /** User ids by the names that were chosen. */
  get named(): ReadonlyMap<string, string> {
    return new Map(this.#named);
  }

  clear(): void {
    this.#named.clear();
    this.replyTo.value = undefined;
    this.editing.value = undefined;
    this.write("");
  }
}
