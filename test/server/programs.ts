/** Programs that tests start, and what they print. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Running {
  /** The lines that it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line that says something. @throws Error when it ends without */
  said(text: string): Promise<string>;
  /** Resolves when it has ended well. @throws Error with all that it said when it fails */
  readonly ended: Promise<void>;
  /** Types a line. */
  type(line: string): void;
  /** Ends its input. */
  endInput(): void;
  /** Resolves when it is gone, however it took that. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** @param settings its environment, beside this one's */
export function start(
  program: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(program, args, {
    env: { ...process.env, ...settings },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const lines: string[] = [];
  let errors = "";
  // A program that has ended reads nothing; that it has ended is told by `ended`.
  child.stdin.on("error", () => undefined);
  let listeners: (() => void)[] = [];
  const tell = () => {
    for (const listener of listeners.splice(0)) listener();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    tell();
  });
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  let isOver = false;
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${args.join(" ")} ended with ${code}\n${lines.join("\n")}\n${errors}`));
    });
  }).finally(() => {
    isOver = true;
    tell();
  });
  ended.catch(() => undefined);
  return {
    lines,
    ended,
    type: (line) => void child.stdin.write(`${line}\n`),
    endInput: () => void child.stdin.end(),
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      await ended.catch(() => undefined);
    },
    async said(text) {
      for (;;) {
        const found = lines.find((line) => line.includes(text));
        if (found !== undefined) return found;
        if (isOver) {
          await ended;
          throw new Error(`it never said ${text}\n${lines.join("\n")}\n${errors}`);
        }
        await new Promise<void>((resolve) => (listeners = [...listeners, resolve]));
      }
    },
  };
}

/** Resolves with what a program has printed. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const { ended, lines } = start(program, args);
  await ended;
  return lines.join("\n");
}
