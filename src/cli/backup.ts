import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { ImcloudError } from "../shared/errors.js";
import { ExitCode } from "../shared/exit-code.js";
import { addFleetOptions, openFleetFor, type FleetFlags } from "./fleet-options.js";
import type { Context } from "./program.js";
import { bytesInWords } from "./words.js";

interface BackupOptions extends FleetFlags {
  readonly json?: boolean;
}

interface RestoreOptions extends BackupOptions {
  readonly replace?: boolean;
  readonly yes?: boolean;
}

export function addBackupCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("backup [file]")
      .summary("save everything that the IM server keeps into a file here")
      .description(
        "Save everything that the IM server keeps (accounts, rooms, messages, uploads) into one archive here,\n" +
          "while people go on chatting. The file appears only when it is whole and each upload is as its hash says.\n" +
          "Without a name: imcloud-backup-TIME.tar in this folder.",
      ),
  )
    .option("--json", "write the result to stdout as one JSON document")
    .addHelpText("after", "\nExamples:\n  imcloud backup\n  imcloud backup /mnt/nas/home-$(date +%F).tar")
    .action(async (file: string | undefined, options: BackupOptions) => {
      process.exitCode = await runBackup(file, options, context);
    });
}

export function addRestoreCommand(program: Command, context: Context): void {
  addFleetOptions(
    program
      .command("restore <file>")
      .summary("bring a backup of the IM server back")
      .description(
        "Bring a backup back to the board, whose IM server stands still meanwhile. The backup is checked before\n" +
          "anything is touched, and has to be of the same cloud. What was said after it was made is gone.",
      ),
  )
    .option("--replace", "put aside what the server has now; it stays on the board under another name")
    .addOption(new Option("-y, --yes", "do not ask").env("IMCLOUD_YES"))
    .option("--json", "write the result to stdout as one JSON document")
    .addHelpText("after", "\nExample:\n  imcloud restore imcloud-backup-2026-11-29T18-00-00Z.tar --replace")
    .action(async (file: string, options: RestoreOptions) => {
      process.exitCode = await runRestore(file, options, context);
    });
}

async function runBackup(
  given: string | undefined,
  options: BackupOptions,
  context: Context,
): Promise<ExitCode> {
  const terminal = await context.terminal();
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const file = resolve(given ?? `imcloud-backup-${time}Z.tar`);
  if (existsSync(file))
    throw new ImcloudError("cli.usage", `\`${file}\` is there already`, {
      expected: "a file that is not there yet",
      hint: "give another name, or remove it",
    });
  const fleet = await openFleetFor(options, context, terminal);
  const { backUp } = await import("../fleet/backup.js");
  const backup = await backUp(fleet, file);
  if (terminal.json) terminal.data(JSON.stringify({ version: 1, ...backup }, null, 2));
  else terminal.data(file);
  terminal.note(
    `saved \`${backup.serverName}\` (${bytesInWords(backup.sizeBytes)}, uploads: ${backup.media}); it holds everybody's messages: keep it where nobody else can read it`,
  );
  return ExitCode.Ok;
}

async function runRestore(file: string, options: RestoreOptions, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { readBackup, restore } = await import("../fleet/backup.js");
  const backup = await readBackup(resolve(file));
  const fleet = await openFleetFor(options, context, terminal);
  const question = `Bring back \`${backup.serverName}\` as it was at ${backup.madeAt}${options.replace === true ? ", and put aside what is there now" : ""}?`;
  if (options.yes !== true && !(await terminal.confirm(question, "--yes"))) {
    terminal.note("nothing was changed");
    return ExitCode.Ok;
  }
  const restored = await restore(fleet, backup.file, options.replace === true);
  if (terminal.json) terminal.data(JSON.stringify({ version: 1, ...backup, ...restored }, null, 2));
  const aside = restored.aside === undefined ? "" : `; what was there is in ${restored.aside}`;
  terminal.note(`brought back \`${backup.serverName}\` as of ${backup.madeAt}${aside}`);
  return ExitCode.Ok;
}
