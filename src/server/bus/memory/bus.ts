/**
 * The bus within the process: for a server without a broker, and for bots that live in it.
 */
import type { Bus, BusMessage, Publication } from "../bus.js";

export class MemoryBus implements Bus {
  readonly name = "memory";
  readonly trouble = undefined;
  readonly #listeners = new Set<(message: BusMessage) => void>();

  /** @returns what ends the subscription */
  subscribe(listener: (message: BusMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(messages: readonly BusMessage[]): Promise<readonly Publication[]> {
    for (const message of messages) for (const listener of this.#listeners) listener(message);
    return Promise.resolve(messages.map(() => ({ kind: "confirmed" })));
  }

  close(): Promise<void> {
    this.#listeners.clear();
    return Promise.resolve();
  }
}
