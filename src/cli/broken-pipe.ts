/** Whoever reads what is printed may stop, as `head` does. */
import type { EventEmitter } from "node:events";

/** What a shell reports for a program that SIGPIPE ended; Node.js ignores that signal. */
const BROKEN_PIPE = 141;

type Streams = Readonly<Record<"stdout" | "stderr", EventEmitter>>;

/**
 * Without a reader of the data there is nothing left to do. What goes on is said on stderr, and goes on unheard.
 *
 * @param exit ends the process
 */
export function endAtBrokenPipe({ stdout, stderr }: Streams, exit: (code: number) => void): void {
  const expecting = (act: () => void) => (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    act();
  };
  stdout.on(
    "error",
    expecting(() => exit(BROKEN_PIPE)),
  );
  stderr.on(
    "error",
    expecting(() => undefined),
  );
}
