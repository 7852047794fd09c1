import type { Command } from "commander";

/** What `imcloud flash` starts, as root where that is needed. */
export function addFlashWriterCommand(program: Command): void {
  program
    .command("flash-writer", { hidden: true })
    .summary("write images, for `imcloud flash`")
    .action(async () => {
      const { runWriter } = await import("../flash/writer.js");
      const { send } = await import("../flash/writer-protocol.js");
      // Ctrl-C is the command's to answer; we are told.
      process.on("SIGINT", () => undefined);
      await runWriter(process.stdin, (message) => send(process.stdout, message));
    });
}
