/**
 * A person at a terminal: reads the screen, types, waits. script(1) makes the pseudo-terminal.
 */
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";

export interface Terminal {
  /** All that was shown so far, without colours and cursor movements. */
  readonly screen: string;
  /**
   * Waits until something is shown, behind what was waited for before.
   *
   * @throws Error with the screen, when the command ends or 30 seconds pass first
   */
  see(text: string | RegExp): Promise<void>;
  /** Types; `\r` is Enter, `\x03` Ctrl-C. */
  type(keys: string): void;
  /** The command's exit code. */
  readonly exit: Promise<number>;
}

const PATIENCE_MS = 30_000;

export function terminal(
  command: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>>,
): Terminal {
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  // A shell in between would end by Ctrl-C, and with a status of its own.
  const process = execa("script", ["--quiet", "--return", "--command", `exec ${quoted}`, "/dev/null"], {
    cwd: folder,
    env,
    extendEnv: false,
    reject: false,
    stdin: "pipe",
    buffer: false,
  });
  let shown = "";
  let seen = 0;
  process.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
  const screen = () => stripVTControlCharacters(shown);
  const exit = process.then(({ exitCode }) => exitCode ?? 128);

  const find = (text: string | RegExp): number => {
    const rest = screen().slice(seen);
    const match = typeof text === "string" ? { index: rest.indexOf(text), 0: text } : text.exec(rest);
    return match === null || match.index < 0 ? -1 : seen + match.index + match[0].length;
  };
  return {
    exit,
    get screen() {
      return screen();
    },
    type: (keys) => void process.stdin.write(keys),
    async see(text) {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      let ended = false;
      void exit.then(() => (ended = true));
      for (let found = find(text); ; found = find(text)) {
        if (found >= 0) {
          seen = found;
          return;
        }
        if (ended || patience.aborted) throw new Error(`never saw ${String(text)} on:\n${screen()}`);
        const more = once(process.stdout, "data", { signal: patience }).catch(() => undefined);
        await Promise.race([more, exit]);
      }
    },
  };
}
