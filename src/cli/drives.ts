import type { Command } from "commander";
import type { Drive } from "../flash/drives.js";
import { ExitCode } from "../shared/exit-code.js";
import type { Context } from "./program.js";
import { bytesInWords } from "./words.js";

export interface DrivesFlags {
  readonly all?: boolean;
  readonly json?: boolean;
}

export function addDrivesCommand(program: Command, context: Context): void {
  program
    .command("drives")
    .summary("show the SD cards and USB disks that an image can be written to")
    .description("Show the SD cards and USB disks of this machine that an image can be written to.")
    .option("--all", "also fixed disks, and those that imcloud refuses to write to, with the reason")
    .option("--json", "write the drives to stdout as one JSON document")
    .action(async (flags: DrivesFlags) => {
      process.exitCode = await runDrives(flags, context);
    });
}

export async function runDrives(flags: DrivesFlags, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { loadDrives } = await import("../flash/load-drives.js");
  const drives = (await loadDrives()).filter((drive) => flags.all === true || isOffered(drive));
  if (terminal.json) terminal.data(JSON.stringify({ version: 1, drives }, null, 2));
  else if (drives.length > 0) terminal.data(drives.map(renderDrive).join("\n"));
  else terminal.note("no SD card and no USB disk: put one in; `--all` shows the other disks");
  return ExitCode.Ok;
}

/** What somebody may want to write to who has not named it. */
export const isOffered = ({ isRemovable, refused }: Drive): boolean => isRemovable && refused === undefined;

/** A line, and below it what is on it. @example "usb-Generic_1  31.9 GB  usb  Generic MassStorage, serial 1" */
export function renderDrive({
  id,
  sizeBytes,
  transport,
  model,
  serial,
  contents,
  mounts,
  refused,
}: Drive): string {
  const about = [model, serial && `serial ${serial}`].filter((word) => word !== "").join(", ");
  return [
    [id, bytesInWords(sizeBytes), transport, about].filter((word) => word !== "").join("  "),
    ...(contents.length > 0 ? [`  holds ${contents.join(", ")}`] : []),
    ...(mounts.length > 0 ? [`  mounted at ${mounts.join(", ")}`] : []),
    ...(refused === undefined ? [] : [`  not written to: ${refused}`]),
  ].join("\n");
}
