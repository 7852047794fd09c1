import type { Command } from "commander";
import { ImcloudError } from "../shared/errors.js";
import { openFleetFor } from "./fleet-options.js";
import type { Context } from "./program.js";

export function addSshCommand(program: Command, context: Context): void {
  program
    .command("ssh <board> [command...]")
    .summary("open a shell on a board with the system's ssh")
    .description("Start `ssh` with the address, user, keys and host keys that imcloud knows of a board.")
    .option("--print", "print the command instead of running it")
    .addHelpText(
      "after",
      "\nExamples:\n  imcloud ssh attic\n  imcloud ssh attic -- journalctl -fu imcloud-server",
    )
    .action(
      async (board: string, words: readonly string[], { print = false }: { readonly print?: boolean }) => {
        process.exitCode = await runSsh(board, words, print, context);
      },
    );
}

/** A terminal of the operator's own is what ssh does best, so it does it. @returns ssh's own exit code */
export async function runSsh(
  name: string,
  words: readonly string[],
  print: boolean,
  context: Context,
): Promise<number> {
  const terminal = await context.terminal();
  const fleet = await openFleetFor({ on: [name] }, context, terminal);
  const [board] = fleet.boards;
  if (board === undefined || fleet.boards.length !== 1) {
    throw new ImcloudError("cli.usage", `\`${name}\` is not one board`, {
      found: fleet.boards.map((one) => one.name).join(", "),
      hint: "name one board",
    });
  }
  const { sshCommand } = await import("../fleet/ssh-command.js");
  const command = await sshCommand(board, fleet, words);
  if (print) {
    const { quote } = await import("../board/script.js");
    terminal.data(command.map(quote).join(" "));
    return 0;
  }
  const { execa } = await import("execa");
  const [program = "ssh", ...args] = command;
  const { exitCode, code } = await execa(program, args, { stdio: "inherit", reject: false });
  if (code === "ENOENT") {
    throw new ImcloudError("cli.usage", `there is no \`${program}\` on this machine`, {
      hint: "install OpenSSH's client",
    });
  }
  return exitCode ?? 1;
}
