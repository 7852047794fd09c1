/** A program of the operator's that hears what the broker passes on, in a process of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";
import { packageRoot } from "../../src/shared/package-root.js";

const CLIENT = join(packageRoot(), "test", "clients", "amqp-events.mjs");

interface BrokerEvent {
  readonly key: string;
  readonly event: { readonly event_id: string; readonly type: string };
}

/** What a program has to be started with to be in the board's own network. */
export async function onBoard(board: VirtualBoard): Promise<readonly string[]> {
  return ["nsenter", "--net", `--target=${await board.init()}`];
}

/**
 * Starts a listener, and resolves when it misses nothing any more.
 *
 * @param before words that the program is started with; none for one on this machine
 * @param env what `test/clients/amqp-events.mjs` takes
 */
export async function amqpListener(before: readonly string[], env: Readonly<Record<string, string>>) {
  const [program = "", ...rest] = [...before, process.execPath, CLIENT];
  const child = spawn(program, rest, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const events: BrokerEvent[] = [];
  let heard: () => void = () => undefined;
  const listening = new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the listener ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line === "listening") resolve();
      else events.push(JSON.parse(line) as BrokerEvent);
      heard();
    });
  });
  await listening;
  return {
    events,
    until: (condition: (events: readonly BrokerEvent[]) => boolean) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`only ${events.length} events after 30 s`)), 30_000);
        heard = () => {
          if (!condition(events)) return;
          clearTimeout(timer);
          resolve();
        };
        heard();
      }),
    stop: () =>
      new Promise<void>((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
}
