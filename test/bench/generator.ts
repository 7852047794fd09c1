/**
 * Load generators: programs of their own under Bun, so that what they do is not on the bench's clock.
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { BUN } from "./server-process.js";

/**
 * Runs a generator: a plan goes in, figures come out, both as JSON.
 *
 * @param prefix what starts it, such as `taskset`
 * @throws Error when it fails; what it says about that is on stderr
 */
export async function generate<T>(script: string, plan: object, prefix: readonly string[] = []): Promise<T> {
  const [command = "", ...args] = [...prefix, BUN, script];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const end = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  child.stdin.end(JSON.stringify(plan));
  const answer = await text(child.stdout);
  const code = await end;
  if (code !== 0) throw new Error(`${script} ended with ${String(code)}`);
  return JSON.parse(answer) as T;
}
