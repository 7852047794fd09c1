import { Option, type Command } from "commander";
import { failureCode } from "../fleet/failure-code.js";
import type { TargetRequest } from "../flash/target.js";
import type { WriteOutcome } from "../flash/write.js";
import { ExitCode } from "../shared/exit-code.js";
import type { Context } from "./program.js";
import { renderError, reportOf } from "./report-error.js";

export interface FlashFlags {
  readonly image: string;
  readonly to: readonly string[];
  readonly verify: boolean;
  readonly json?: boolean;
}

export function addFlashCommand(program: Command, context: Context): void {
  program
    .command("flash")
    .summary("write an image to SD cards, USB disks or image files")
    .description("Write an image to SD cards, USB disks or image files, and read back what was written.")
    .requiredOption("--image <file>", "the image: .img, or one packed by xz, gzip, zstd or zip")
    .addOption(new Option("--to <file...>", "image files to write").makeOptionMandatory())
    .option("--no-verify", "do not read back what was written")
    .option("--json", "write the outcome to stdout as one JSON document")
    .addHelpText("after", "\nExample:\n  imcloud flash --image raspios.img.xz --to attic.img")
    .action(async (flags: FlashFlags) => {
      process.exitCode = await runFlash(flags, context);
    });
}

export async function runFlash(flags: FlashFlags, context: Context): Promise<ExitCode> {
  const terminal = await context.terminal();
  const { flash } = await import("../flash/flash.js");
  const { inspectImage } = await import("../flash/image-file.js");
  const { flashProgress } = await import("./flash-progress.js");
  const image = await inspectImage(flags.image);
  const targets = flags.to.map((path): TargetRequest => ({ name: path, path, kind: "file" }));
  const progress = terminal.progress(flags.to);
  const outcomes = await flash(
    { image, targets, verify: flags.verify, signal: terminal.signal },
    flashProgress(progress, flags.to, image.sizeBytes, terminal.isAnimated),
  );
  for (const [index, outcome] of outcomes.entries()) {
    const name = flags.to[index] ?? "";
    progress
      .board(name)
      .ended(outcome.ok ? "written and read back" : reportOf(outcome.error).message, outcome.ok);
  }
  await progress.end();
  if (terminal.json)
    terminal.data(JSON.stringify({ version: 1, targets: targetsToJson(flags.to, outcomes) }, null, 2));
  const errors = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error]));
  for (const error of errors) process.stderr.write(`${renderError(error, terminal)}\n`);
  return failureCode(errors) ?? ExitCode.Ok;
}

function targetsToJson(names: readonly string[], outcomes: readonly WriteOutcome[]): Record<string, unknown> {
  return Object.fromEntries(
    outcomes.map((outcome, index): [string, unknown] => [
      names[index] ?? "",
      outcome.ok
        ? { outcome: "written", ...outcome.value }
        : { outcome: "failed", error: reportOf(outcome.error) },
    ]),
  );
}
