/**
 * A value that must not be seen: passwords, keys, tokens.
 *
 * Printing, interpolating, JSON and `util.inspect` all give `***`; only {@link Secret.reveal} gives the
 * value, so a search for `reveal(` finds every place where a secret leaves its box.
 */
const inspect = Symbol.for("nodejs.util.inspect.custom");

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Every caller is a place to review. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect](): string {
    return "***";
  }
}
