import { InvalidArgumentError, Option, type Command } from "commander";
import type { Context } from "./program.js";

export interface ServerRunOptions {
  readonly data: string;
  readonly port: number;
}

export function addServerCommand(program: Command, context: Context): void {
  program
    .command("server")
    .summary("the IM server on this machine")
    .description("Run the IM server here, to try it or to write a client against it.")
    .command("run")
    .summary("run the IM server until Ctrl-C")
    .description(
      "Run the IM server on 127.0.0.1, without a board, broker or TLS. Everybody on this machine may register.",
    )
    .addOption(
      new Option("--data <folder>", "where its data go")
        .env("IMCLOUD_SERVER_DATA")
        .default("imcloud-server-data"),
    )
    .addOption(
      new Option("--port <port>", "port on 127.0.0.1")
        .env("IMCLOUD_SERVER_PORT")
        .default(8008)
        .argParser(port),
    )
    .addHelpText("after", "\nExample:\n  imcloud server run --port 8009")
    .action(async (options: ServerRunOptions) => {
      const terminal = await context.terminal();
      const { runLocalServer } = await import("../fleet/local-server.js");
      process.exitCode = await runLocalServer({
        folder: options.data,
        port: options.port,
        fetching: (what) => terminal.note(`fetching ${what}, once`),
      });
    });
}

function port(word: string): number {
  const value = Number(word);
  if (!/^\d{1,5}$/.test(word) || value > 65_535)
    throw new InvalidArgumentError("It must be a port from 0 to 65535.");
  return value;
}
