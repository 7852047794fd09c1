/**
 * What programs on a virtual board ask of the kernel, as strace sees it from outside.
 */
import { readFile } from "node:fs/promises";
import { execa } from "execa";
import type { VirtualBoard } from "../../src/lab/virtual-board.js";

/** Long enough for any path or argument list. */
const STRING_BYTES = 65_536;

/**
 * Follows what the board's SSH and process 1 start, and what that starts in turn, until it is ended.
 *
 * @param file where the trace is written, on this machine
 * @param calls names of system calls
 */
export async function traceOf(board: VirtualBoard, file: string, calls: readonly string[]) {
  const init = String(await board.init());
  const ssh = await execa("pgrep", ["--oldest", "--exact", "sshd", "--ns", init, "--nslist", "pid"]);
  const pids = [init, ssh.stdout.trim()].flatMap((pid) => ["-p", pid]);
  const options = ["-f", "-y", "-e", `trace=${calls.join(",")}`, "-s", String(STRING_BYTES)];
  const child = execa("strace", [...options, "-o", file, ...pids], { reject: false });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (text: Buffer) => {
      said += String(text);
      if (said.split(" attached").length > 2) resolve();
    });
    child.once("exit", () => reject(new Error(`strace ended: ${said}`)));
  });
  /** @returns the trace */
  const end = async (): Promise<string> => {
    child.kill("SIGINT");
    await child;
    return readFile(file, "utf8");
  };
  return { end, [Symbol.asyncDispose]: async () => void (await end()) };
}
