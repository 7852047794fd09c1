/**
 * The log: one JSON object a line on standard error, for journald and whatever reads it.
 *
 * No message content, passwords or tokens: callers name the fields they log, and log no request whole.
 */
const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

export type LogFields = Readonly<Record<string, unknown>>;

export class Log {
  readonly #least: number;
  readonly #write: (line: string) => void;

  constructor(least: LogLevel, write: (line: string) => void = (line) => process.stderr.write(line)) {
    this.#least = LEVELS.indexOf(least);
    this.#write = write;
  }

  isOn(level: LogLevel): boolean {
    return LEVELS.indexOf(level) >= this.#least;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#line("debug", message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#line("info", message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#line("warn", message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#line("error", message, fields);
  }

  #line(level: LogLevel, message: string, fields: LogFields): void {
    if (!this.isOn(level)) return;
    const { error, ...rest } = fields;
    this.#write(
      `${JSON.stringify({ time: new Date().toISOString(), level, message, ...rest, ...(error !== undefined && { error: causesOf(error) }) })}\n`,
    );
  }
}

/** An error with all that led to it, the outermost first. */
function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? [own] : [own, ...causesOf(error.cause)];
}
