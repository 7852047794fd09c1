/**
 * Password hashes: argon2id, computed on Bun's own threads.
 *
 * Each takes as much memory as it is told to, so few run at once and the others queue: a thousand phones that
 * come back after a power cut must not need gigabytes. Source: RFC 9106.
 */
export interface HashSettings {
  readonly memoryKib: number;
  readonly iterations: number;
  /** Hashes computed at once. */
  readonly parallel: number;
}

export class PasswordHasher {
  readonly #settings: HashSettings;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #decoy: Promise<string> | undefined;

  constructor(settings: HashSettings) {
    this.#settings = settings;
  }

  hash(password: string): Promise<string> {
    const { memoryKib: memoryCost, iterations: timeCost } = this.#settings;
    return this.#inTurn(() =>
      Bun.password.hash(normal(password), { algorithm: "argon2id", memoryCost, timeCost }),
    );
  }

  /** Without a hash to compare with, takes as long and says no. */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const against = hash ?? (await (this.#decoy ??= this.hash("nobody has this password")));
    const matches = await this.#inTurn(() => Bun.password.verify(normal(password), against));
    return matches && hash !== undefined;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#settings.parallel)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** The same password typed on another keyboard may be other code points. Empty is no password for Bun. */
const normal = (password: string): string => `${password.normalize("NFC")}\n`;
