/**
 * What programs on a virtual board ask of the kernel, as seen from outside.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";

const STARTED = fileURLToPath(new URL("started.py", import.meta.url));
/** Long enough for any path. */
const STRING_BYTES = 65_536;

/**
 * Follows the system calls of what the board's SSH and process 1 start, and what that starts in turn, until it is ended.
 *
 * @param file where the trace is written, on this machine, in strace's notation
 * @param calls names of system calls
 */
export async function traceOf(board: VirtualBoard, file: string, calls: readonly string[]) {
  const pids = (await roots(board)).flatMap((pid) => ["-p", pid]);
  const options = ["-f", "-y", "-e", `trace=${calls.join(",")}`, "-s", String(STRING_BYTES)];
  return following(
    file,
    "strace",
    [...options, "-o", file, ...pids],
    (said) => said.split(" attached").length > 2,
  );
}

/**
 * Follows which programs the board's SSH and process 1 start, and what those start in turn, until it is ended.
 *
 * @param file where they are written, on this machine: a line of JSON each, its arguments
 */
export async function startedOn(board: VirtualBoard, file: string) {
  return following(file, "python3", [STARTED, file, ...(await roots(board))], (said) =>
    said.includes("attached"),
  );
}

async function roots(board: VirtualBoard): Promise<readonly string[]> {
  const init = String(await board.init());
  const ssh = await execa("pgrep", ["--oldest", "--exact", "sshd", "--ns", init, "--nslist", "pid"]);
  return [init, ssh.stdout.trim()];
}

async function following(
  file: string,
  program: string,
  args: readonly string[],
  attached: (said: string) => boolean,
) {
  const child = execa(program, args, { reject: false, all: true });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.all.on("data", (text: Buffer) => {
      said += String(text);
      if (attached(said)) resolve();
    });
    child.once("exit", () => reject(new Error(`${program} ended: ${said}`)));
  });
  /** @returns the trace */
  const end = async (): Promise<string> => {
    child.kill("SIGINT");
    const { exitCode, signal, all } = await child;
    if (exitCode !== 0 && signal !== "SIGINT") throw new Error(`${program} failed: ${all}`);
    return readFile(file, "utf8");
  };
  return { end, [Symbol.asyncDispose]: async () => void (await end()) };
}
