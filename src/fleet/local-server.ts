/** The IM server on the operator's own machine: all in one folder, reachable from this machine alone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { ImcloudError } from "../shared/errors.js";
import { builtFile, runtimeFile } from "./artifacts.js";

export interface LocalServerOptions {
  /** Where its data go. */
  readonly folder: string;
  readonly port: number;
  readonly fetching: (what: string) => void;
}

/** Runs until it is stopped; Ctrl-C reaches it as it reaches us. @returns its exit code */
export async function runLocalServer({ folder, port, fetching }: LocalServerOptions): Promise<number> {
  const program = builtFile("server/main.js");
  const runtime = await runtimeFile(`${process.platform}-${process.arch}`, fetching);
  const child = spawn(runtime, [program, "serve", "--dev", resolve(folder), "--port", String(port)], {
    stdio: "inherit",
  });
  const stop = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on("SIGTERM", stop);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? 0;
  } catch (cause) {
    throw new ImcloudError("board.unsupported", "the IM server's runtime does not start on this machine", {
      found: cause instanceof Error ? cause.message : String(cause),
      hint: "use a 64-bit Linux, macOS or Windows",
      cause,
    });
  } finally {
    process.off("SIGTERM", stop);
  }
}
