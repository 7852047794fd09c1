/**
 * From argv to an exit code. Knows no command; loads as little as it can, because people wait for `--help`.
 */
import { version } from "./version.js";

/** @param args without node's and the script's path */
export async function run(args: readonly string[]): Promise<number> {
  if (args[0] === "--version" || args[0] === "-V") {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const { runProgram } = await import("./program.js");
  return runProgram(args);
}
